# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts kamailio in place of itself, after ending what a killed one left: `python -m tellerline.edge_process
CONFIGURATION KAMAILIO ARGUMENT...`.

kamailio is nine processes. When the first of them is killed the others live on and keep the port, so that it
could never be started again.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import psutil

_END_S = 2.0


def remnants(configuration: Path) -> list[psutil.Process]:
    """The living kamailio processes that were started with this configuration."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "kamailio" and str(configuration) in process.cmdline():
                found.append(process)
    return found


def main() -> None:
    """Clear up, then become kamailio: supervision then sees kamailio's own exit."""
    configuration, *command = sys.argv[1:]
    left = remnants(Path(configuration))
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    if left:
        psutil.wait_procs(left, timeout=_END_S)
        print(f"ended {len(left)} processes that an earlier kamailio had left", flush=True)
    os.execv(command[0], [*command, "-f", configuration])


if __name__ == "__main__":
    main()
