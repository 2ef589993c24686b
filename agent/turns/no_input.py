# SPDX-License-Identifier: GPL-3.0-or-later
"""No input: the caller says nothing for long; check in, then say goodbye. Owns the timing only."""

from __future__ import annotations

from enum import Enum


class Silence(Enum):
    """What a silence of the caller calls for."""

    CHECK_IN = "check_in"
    GOODBYE = "goodbye"


class NoInput:
    """Counts the caller's silence while the floor is theirs.

    `wait(now)` starts the clock when the agent has finished speaking, `heard()` forgets everything when the
    caller gives any sign.
    """

    def __init__(self, check_in_ms: int, check_ins: int) -> None:
        self._check_in_ms = check_in_ms
        self._check_ins = check_ins
        self._since_ms: int | None = None
        self._asked = 0

    @property
    def deadline_ms(self) -> int | None:
        """When the silence has lasted too long; None while nobody waits for the caller."""
        return None if self._since_ms is None else self._since_ms + self._check_in_ms

    def wait(self, now_ms: int) -> None:
        """The floor is the caller's from now on."""
        if self._since_ms is None:
            self._since_ms = now_ms

    def suspend(self) -> None:
        """Nobody waits for the caller (the agent speaks, thinks, or transfers);

        Earlier check-ins still count.
        """
        self._since_ms = None

    def heard(self) -> None:
        """The caller is there."""
        self._since_ms = None
        self._asked = 0

    def due(self, now_ms: int) -> Silence | None:
        """What is due at `now_ms`, once: asking moves the clock on."""
        deadline = self.deadline_ms
        if deadline is None or now_ms < deadline:
            return None
        self._since_ms = None
        if self._asked >= self._check_ins:
            return Silence.GOODBYE
        self._asked += 1
        return Silence.CHECK_IN
