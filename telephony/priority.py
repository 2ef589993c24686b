# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduling priority of media threads, which must not wait for recognition on the same machine."""

from __future__ import annotations

import logging
import os

log = logging.getLogger(__name__)


def raise_priority(nice: int) -> None:
    """Ask for this niceness (-20 … 19) for the calling thread, and for those that it starts from now on.

    A refusal is logged: it takes root or CAP_SYS_NICE.
    """
    try:
        # On Linux "process 0" is the calling thread alone; threads inherit the niceness of their maker.
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    except PermissionError:
        log.warning(
            "priority %d is not allowed to this user; audio may stutter under load (CAP_SYS_NICE helps)", nice
        )
