# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tellerline.action_server --port N`: rasa-sdk's application around `actions/`, in one process on
loopback.

rasa-sdk's own entry point loads everything twice (a parent and a worker), gives the worker 30 s to come up,
and leaves grandchildren to look after. One conversation has one action at a time, so one process serves as
well.
"""

from __future__ import annotations

import argparse
import logging

from rasa_sdk.endpoint import create_app
from rasa_sdk.executor import ActionExecutor

_KEEP_ALIVE_S = 120


def main() -> None:
    """Register the actions and serve them until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tellerline.action_server")
    parser.add_argument("--port", type=int, required=True, help="TCP port on 127.0.0.1")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    executor = ActionExecutor()
    executor.register_package("actions")
    app = create_app(executor, cors_origins=None)
    app.config.KEEP_ALIVE_TIMEOUT = _KEEP_ALIVE_S
    app.run(host="127.0.0.1", port=arguments.port, single_process=True, access_log=False, motd=False)


if __name__ == "__main__":
    main()
