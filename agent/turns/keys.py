# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys (RFC 4733 telephone events, SIP INFO): when a row of pressed digits is complete.

Complete is: the expected count is full, `#` is pressed, or the caller has paused. `*` starts the row anew, as
on voice-mail systems.
"""

from __future__ import annotations

from agent.turns.expectation import Expectation
from agent.turns.settings import TurnSettings


class KeyRow:
    """The digits pressed so far for one answer."""

    def __init__(self, settings: TurnSettings) -> None:
        self._settings = settings
        self._digits = ""
        self._last_ms = 0
        self._complete = False

    def __bool__(self) -> bool:
        return bool(self._digits)

    @property
    def last_ms(self) -> int:
        """When the last key was pressed."""
        return self._last_ms

    def press(self, digit: str, now_ms: int, expectation: Expectation) -> None:
        """One more key."""
        self._last_ms = now_ms
        if digit == "*":
            self._digits = ""
        elif digit == "#":
            self._complete = bool(self._digits)
        else:
            self._digits += digit
            self._complete = expectation.digits is not None and len(self._digits) >= expectation.digits

    def take(self, now_ms: int, expectation: Expectation) -> str | None:
        """The finished row, once; None while it is not finished."""
        if not self._digits:
            return None
        asked = expectation.kind in ("digits", "amount", "date")
        idle_ms = self._settings.key_idle_ms if asked else self._settings.menu_key_idle_ms
        if not self._complete and now_ms - self._last_ms < idle_ms:
            return None
        digits, self._digits, self._complete = self._digits, "", False
        return digits
