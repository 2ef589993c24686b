# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline` and `python -m tellerline`: where a configuration mistake becomes a message."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; never a traceback for a mistake that a person can mend."""
    from tellerline.cli import application
    from tellerline.configuration import ConfigurationError

    try:
        application()
    except ConfigurationError as error:
        print(f"The configuration can't be used:\n{error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
