# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m telephony --settings JSON-OR-PATH`: start a gateway worker."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from pydantic import ValidationError

from telephony.settings import load_settings


def main() -> int:
    """Read the settings, start the worker, return its exit code (2: the settings are wrong)."""
    parser = argparse.ArgumentParser(prog="python -m telephony", description="A Tellerline gateway worker.")
    parser.add_argument(
        "--settings", default="{}", help="JSON object, or the path of a JSON file (GatewaySettings)"
    )
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    options = parser.parse_args()
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)
    try:
        settings = load_settings(options.settings)
    except OSError as error:
        print(f"settings: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            print(f"settings: {'.'.join(map(str, fault['loc'])) or 'JSON'}: {fault['msg']}", file=sys.stderr)
        return 2
    from telephony.worker import run  # PJSIP is loaded only when the settings are right

    return run(settings)


if __name__ == "__main__":
    try:
        status = main()
    except Exception:
        logging.getLogger(__name__).exception("the gateway worker failed")
        status = 1
    logging.shutdown()
    sys.stdout.flush()
    # Everything is closed and written. Taking the interpreter apart would cost another half second on a
    # busy machine, of the two that a supervisor waits.
    os._exit(status)
