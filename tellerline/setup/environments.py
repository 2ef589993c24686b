# SPDX-License-Identifier: GPL-3.0-or-later
"""The two virtual environments, each exactly what its hash-locked requirements say.

A stamp in the environment holds the hash of what it was made from, so an unchanged lock costs nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tellerline.setup.interpreters import obtain_python
from tellerline.setup.steps import Steps

STAMP = ".tellerline-lock"


@dataclass(frozen=True)
class Environment:
    """One virtual environment: where it lies, which CPython it needs, what it is locked to, and how large it
    gets.
    """

    folder: str
    python: str
    lock: str
    purpose: str
    megabytes: int

    def path(self, root: Path) -> Path:
        """The folder of the environment in the checkout `root`."""
        return root / self.folder

    def interpreter(self, root: Path) -> Path:
        """Its Python."""
        return self.path(root) / "bin" / "python"


AGENT = Environment(".venv", "3.11", "requirements/agent.txt", "agent, gateway, actions, tools", 1200)
RASA = Environment(".venv-rasa", "3.10", "requirements/rasa.txt", "the Rasa server", 2600)
ENVIRONMENTS = (AGENT, RASA)


def lock_hash(environment: Environment, root: Path) -> str:
    """What the environment must have been made from: the hash of its lock, its Python and its place."""
    lock = (root / environment.lock).read_bytes()
    place = f"{environment.python}\n{root.resolve()}\n".encode()
    return hashlib.sha256(place + lock).hexdigest()


def is_current(environment: Environment, root: Path) -> bool:
    """Whether the environment was made from the present lock, and its Python is still there."""
    stamp = environment.path(root) / STAMP
    if not environment.interpreter(root).exists() or not stamp.is_file():
        return False
    return stamp.read_text(encoding="ascii").strip() == lock_hash(environment, root)


def make(environment: Environment, root: Path, uv: Path, steps: Steps) -> bool:
    """Create or update the environment unless it is current; says whether anything was done. Raises
    SetupFailed.
    """
    title = f"{environment.folder} ({environment.purpose})"
    if is_current(environment, root):
        steps.done(title)
        return False
    interpreter = environment.interpreter(root)
    folder = environment.path(root)
    stamp = folder / STAMP
    stamp.unlink(missing_ok=True)
    if not _runs(interpreter):
        python = obtain_python(environment.python, uv, steps)
        steps.run(
            f"{environment.folder} on {python}",
            [str(uv), "venv", "-q", "--clear", "--no-project", "--python", str(python), str(folder)],
            f"remove the folder {environment.folder} and run `make setup` again",
        )
    steps.run(
        title,
        [str(uv), "pip", "sync", "--require-hashes", "--python", str(interpreter), environment.lock],
        "check the network or proxy and the disk, then run `make setup` again: it goes on where it stopped",
        cwd=root,
    )
    stamp.write_text(lock_hash(environment, root) + "\n", encoding="ascii")
    return True


def write_launcher(root: Path) -> None:
    """Put the checkout on the path of `.venv` and write `.venv/bin/tellerline`, without building a wheel."""
    folder = AGENT.path(root)
    site = folder / "lib" / f"python{AGENT.python}" / "site-packages"
    _write_if_changed(site / "tellerline-checkout.pth", f"{root}\n", 0o644)
    _write_if_changed(
        folder / "bin" / "tellerline",
        f"#!{AGENT.interpreter(root)}\n"
        "import sys\n\n"
        f"sys.path.insert(0, {str(root)!r})\n"
        "from tellerline.__main__ import main\n\n"
        "main()\n",
        0o755,
    )


def _write_if_changed(path: Path, text: str, mode: int) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _runs(interpreter: Path) -> bool:
    return interpreter.exists()
