# SPDX-License-Identifier: GPL-3.0-or-later
"""Call ids that sort by time of arrival and can't collide: `c-20261123T115500-3fa2c1`."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


def new_call_id(
    now: Callable[[], datetime] = utc_now, random_hex: Callable[[int], str] = secrets.token_hex
) -> str:
    """A fresh call id. `random_hex(n)` gives n random bytes in hex;

    3 bytes keep calls of the same second apart.
    """
    return f"c-{now().astimezone(UTC):%Y%m%dT%H%M%S}-{random_hex(3)}"
