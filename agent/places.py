# SPDX-License-Identifier: GPL-3.0-or-later
"""The places for calls in one process. A place is promised when a call is let in, before its stream is
open, so that two who arrive together never get the same one.
"""

from __future__ import annotations

from collections import deque

# A caller who was let in and has not opened the stream by then is not coming. Seconds.
PROMISE_S = 5.0


class Places:
    """Counts calls and promises; times are any monotonic seconds."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.calls = 0
        self._promises: deque[float] = deque()

    def promise(self, now_s: float) -> bool:
        """Keep a place for somebody; False when none is left."""
        self._expire(now_s)
        if self.calls + len(self._promises) >= self.places:
            return False
        self._promises.append(now_s)
        return True

    def withdraw(self) -> None:
        """The promise that was given last is void: the call was refused for another reason."""
        if self._promises:
            self._promises.pop()

    def take(self, now_s: float) -> bool:
        """Somebody has come: the oldest promise is kept. False when they had none and no place is left."""
        self._expire(now_s)
        if self._promises:
            self._promises.popleft()
        elif self.calls >= self.places:
            return False
        self.calls += 1
        return True

    def leave(self) -> None:
        """A call is over."""
        self.calls -= 1

    def _expire(self, now_s: float) -> None:
        while self._promises and now_s - self._promises[0] > PROMISE_S:
            self._promises.popleft()
