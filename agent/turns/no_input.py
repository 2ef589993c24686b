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

    `wait(now, …)` starts the clock when the agent has finished speaking, `heard()` forgets everything
    when the caller gives any sign.
    """

    def __init__(self, check_ins: int) -> None:
        self._check_ins = check_ins
        self._deadline_ms: int | None = None
        self._patience_ms: int | None = None
        self._asked = 0

    def wait(self, now_ms: int, check_in_ms: int) -> None:
        """The floor is the caller's from now on; a silence of `check_in_ms` is too long."""
        if self._deadline_ms is None:
            self._deadline_ms = now_ms + (self._patience_ms or check_in_ms)

    def be_patient(self, patience_ms: int) -> None:
        """The caller asked for a moment: until they give a sign, silence may last that long."""
        self._patience_ms = patience_ms

    def suspend(self) -> None:
        """Nobody waits for the caller (the agent speaks, thinks, or transfers);

        Earlier check-ins still count.
        """
        self._deadline_ms = None

    def heard(self) -> None:
        """The caller is there."""
        self._deadline_ms = self._patience_ms = None
        self._asked = 0

    def due(self, now_ms: int) -> Silence | None:
        """What is due at `now_ms`, once: asking moves the clock on."""
        if self._deadline_ms is None or now_ms < self._deadline_ms:
            return None
        self._deadline_ms = self._patience_ms = None
        if self._asked >= self._check_ins:
            return Silence.GOODBYE
        self._asked += 1
        return Silence.CHECK_IN
