# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the two CPythons and uv come from: what the machine has first, what can be fetched last.

Rasa 3.6 needs CPython 3.10, which Debian 12 does not carry; a pyenv on the machine is preferred to a
download.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Optional

from tellerline.setup.steps import SetupFailed, Steps

_OLDEST_UV = (0, 8)  # knows `uv venv --clear`
_PROBE = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.executable)"


def candidates(version: str, environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    """Places where CPython `version` (such as "3.10") may lie: PATH first, then pyenv's versions, newest
    first.
    """
    for folder in environment.get("PATH", "").split(os.pathsep):
        if folder:
            yield Path(folder) / f"python{version}"
    pyenv = Path(environment.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    if pyenv.is_dir():
        for installed in sorted(pyenv.glob(f"{version}.*"), key=_release, reverse=True):
            yield installed / "bin" / f"python{version}"


def find_python(
    version: str, environment: Optional[Mapping[str, str]] = None, home: Optional[Path] = None
) -> Optional[Path]:
    """The first CPython `version` that really starts (a pyenv shim may exist and refuse), or None."""
    seen = environment if environment is not None else os.environ
    for candidate in candidates(version, seen, home or Path.home()):
        if os.access(candidate, os.X_OK):
            executable = _probe(candidate, version)
            if executable is not None:
                return executable
    return None


def obtain_python(version: str, uv: Path, steps: Steps) -> Path:
    """CPython `version`, downloaded by uv only when the machine has none. Raises SetupFailed."""
    found = find_python(version)
    if found is not None:
        return found
    steps.warn(f"no python{version} on the PATH or under pyenv: uv downloads one")
    steps.run(
        f"CPython {version}",
        [str(uv), "python", "install", version],
        f"install python{version} by hand (for example `pyenv install {version}`) and run `make setup` again",
    )
    answer = subprocess.run(
        [str(uv), "python", "find", version], capture_output=True, text=True, check=False
    ).stdout.strip()
    if not answer:
        raise SetupFailed(f"uv installed CPython {version} but cannot find it: run `{uv} python list`")
    return Path(answer)


def find_uv(root: Path) -> Optional[Path]:
    """A uv that starts and is recent enough: the machine's own, or the checkout's in `.venv-uv`."""
    on_path = shutil.which("uv")
    for candidate in (Path(on_path) if on_path else None, root / ".venv-uv" / "bin" / "uv"):
        if candidate is not None and _uv_version(candidate) >= _OLDEST_UV:
            return candidate
    return None


def obtain_uv(root: Path, steps: Steps) -> Path:
    """uv, put into `.venv-uv` by pip when the machine has none.

    pip's --target works where Debian marks its Python as externally managed and where the venv module is not
    installed.
    """
    found = find_uv(root)
    if found is not None:
        return found
    target = root / ".venv-uv"
    lock = root / "requirements" / "uv.txt"
    pip = [sys.executable, "-m", "pip", "install", "--upgrade", "--target", str(target)]
    steps.run(
        "uv (the package installer)",
        [*pip, "--require-hashes", "-r", str(lock)],
        "install pip (`apt-get install python3-pip`) or uv, check the network, and run `make setup` again",
    )
    return target / "bin" / "uv"


def _release(folder: Path) -> tuple[int, ...]:
    return _numbers(folder.name)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def _probe(candidate: Path, version: str) -> Optional[Path]:
    try:
        answer = subprocess.run(
            [str(candidate), "-I", "-c", _PROBE], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = answer.stdout.split()
    if answer.returncode != 0 or len(lines) < 2 or lines[0] != version:
        return None
    return Path(lines[1])


def _uv_version(uv: Path) -> tuple[int, ...]:
    """The version, or () when it does not start. Its answer reads "uv 0.9.1 (...)"."""
    try:
        answer = subprocess.run(
            [str(uv), "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    words = answer.stdout.split()
    return _numbers(words[1]) if answer.returncode == 0 and len(words) > 1 else ()
