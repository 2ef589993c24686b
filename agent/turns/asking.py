# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue's side of a turn: who is being asked, since when, whether the wait needs a filler, and replies
that came while the caller had the floor.
"""

from __future__ import annotations

from contracts.reply import Reply


class Asking:
    """The turn that the dialogue is thinking about. One at a time."""

    def __init__(self) -> None:
        self._turn: int | None = None
        self._since_ms = 0
        self._filled = False
        self._failures = 0
        self._held: tuple[Reply, ...] = ()
        self._held_late = False

    @property
    def waiting(self) -> bool:
        """Whether an answer is outstanding."""
        return self._turn is not None

    @property
    def holds_replies(self) -> bool:
        """Whether replies wait for the floor."""
        return bool(self._held)

    def ask(self, turn: int, now_ms: int) -> None:
        """A turn was committed."""
        self._turn, self._since_ms, self._filled = turn, now_ms, False

    def is_about(self, turn: int) -> bool:
        """Whether an answer to `turn` is the one that is waited for."""
        return turn == self._turn

    def answered(self) -> None:
        """The answer is here."""
        self._turn = None
        self._failures = 0

    def failed(self) -> int:
        """There will be no answer; how many in a row there were not."""
        self._turn = None
        self._failures += 1
        return self._failures

    def filler_due(self, now_ms: int, filler_ms: int) -> bool:
        """Whether the caller has waited long enough to be told so; once a turn."""
        return self._turn is not None and not self._filled and now_ms - self._since_ms >= filler_ms

    def filled(self) -> None:
        """The caller was told."""
        self._filled = True

    def hold(self, replies: tuple[Reply, ...], now_ms: int, filler_ms: int) -> None:
        """Keep replies back while the caller speaks. Late ones are remembered as such: see `take_late`."""
        self._held = replies
        self._held_late = now_ms - self._since_ms >= filler_ms

    def hold_late(self, replies: tuple[Reply, ...]) -> None:
        """Keep replies back that had begun to wait behind a filler."""
        if replies:
            self._held, self._held_late = replies, True

    def take_held(self) -> tuple[Reply, ...]:
        """The replies that were kept back, once."""
        held, self._held = self._held, ()
        return held

    def take_late(self) -> tuple[Reply, ...]:
        """Replies that were kept back and came late: whoever spoke meanwhile had waited, and still wants
        them.
        """
        return self.take_held() if self._held_late else ()
