# SPDX-License-Identifier: GPL-3.0-or-later
"""`python3 -m tellerline.setup`: uv, the two environments, Debian's packages; then the project's own steps in
`.venv`.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

from tellerline.setup import debian
from tellerline.setup.environments import AGENT, ENVIRONMENTS, is_current, make, write_launcher
from tellerline.setup.interpreters import obtain_uv
from tellerline.setup.steps import SetupFailed, Steps, say

ROOT = Path(__file__).resolve().parents[2]


def prepare(root: Path) -> None:
    """Everything that needs no dependency yet. Raises SetupFailed."""
    steps = Steps(root / "var" / "log" / "setup.log")
    say("Setting up Tellerline")
    debian.install(steps)
    outdated = [environment for environment in ENVIRONMENTS if not is_current(environment, root)]
    if outdated:
        _check_disk(root, sum(e.megabytes for e in outdated if not e.interpreter(root).exists()))
        uv = obtain_uv(root, steps)
        for environment in ENVIRONMENTS:
            make(environment, root, uv, steps)
    else:
        for environment in ENVIRONMENTS:
            steps.done(f"{environment.folder} ({environment.purpose})")
    write_launcher(root)


def _check_disk(root: Path, needed_mb: int) -> None:
    free_mb = shutil.disk_usage(root).free // 2**20
    if free_mb < needed_mb:
        raise SetupFailed(
            f"the environments need {needed_mb} MB and {root} has {free_mb} MB free\n"
            "  To mend it: free some disk space and run `make setup` again"
        )


def main() -> int:
    """Prepare, then hand over to the interpreter of `.venv` for the steps that need the dependencies."""
    started = time.time()
    try:
        prepare(ROOT)
    except SetupFailed as failure:
        print(f"\n{failure}\n  The whole output: var/log/setup.log", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up interrupted; `make setup` goes on where it stopped", file=sys.stderr)
        return 130
    os.chdir(ROOT)
    python = str(AGENT.interpreter(ROOT))
    os.environ["TELLERLINE_SETUP_STARTED"] = str(started)
    os.execv(python, [python, "-m", "tellerline", "setup", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
