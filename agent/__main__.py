# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m agent --settings FILE`:

One agent process; the settings are JSON, as `tellerline run` writes them.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from pydantic import ValidationError

from agent.settings import AgentSettings

# Threads that spin while they wait take the core that a second call needs, and NumPy's second thread costs a
# quarter more processor time for the same dot products of a few hundred samples.
_QUIET_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "OPENBLAS_NUM_THREADS": "1"}


def main() -> int:
    """Run the agent; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m agent", description=__doc__)
    parser.add_argument("--settings", required=True, type=Path, help="JSON file of AgentSettings")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "faster_whisper", "websockets.server"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    os.environ.update({key: os.environ.get(key, value) for key, value in _QUIET_THREADS.items()})
    try:
        settings = AgentSettings.model_validate_json(arguments.settings.read_text(encoding="utf-8"))
        # Imported late: the engines read the environment when they load.
        from agent.server import run

        asyncio.run(run(settings))
    except (OSError, ValidationError, RuntimeError) as error:
        print(f"the agent can't start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
