# SPDX-License-Identifier: GPL-3.0-or-later
"""The measured load: how busy the machine's processors are, and how long the engines took of the last
replies.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

import psutil

_SAMPLE_S = 0.5
# The weight of the newest sample: a memory of about two seconds, so that one recognition is no overload.
_NEWEST = 0.25
# Replies older than this say nothing about now. Seconds.
_FRESH_S = 30.0
_REPLIES = 100


def _busy_now() -> float:
    """The share of the processors in use, 0 to 1. What runs niced gives way to calls, so it does not
    count.
    """
    times = psutil.cpu_times_percent(None)
    return max(0.0, 100 - times.idle - times.iowait - times.nice) / 100


class Load:
    """Smoothed load of the machine and recent work of this process. All times in seconds."""

    def __init__(
        self, busy_now: Callable[[], float] = _busy_now, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._busy_now = busy_now
        self._clock = clock
        self._replies: deque[tuple[float, float]] = deque(maxlen=_REPLIES)
        self.busy = 0.0

    def sample(self) -> None:
        """Look at the processors: call it every half second."""
        self.busy += _NEWEST * (self._busy_now() - self.busy)

    def replied(self, work_s: float) -> None:
        """A reply's recognition, dialogue and synthesis took so long."""
        self._replies.append((self._clock(), work_s))

    def work_p95_s(self) -> float:
        """What 95 % of the recent replies stayed within; 0 while there are none."""
        since = self._clock() - _FRESH_S
        fresh = sorted(work_s for at, work_s in self._replies if at >= since)
        return fresh[math.ceil(0.95 * len(fresh)) - 1] if fresh else 0.0

    async def watch(self) -> None:
        """Sample until cancelled."""
        self._busy_now()
        while True:
            await asyncio.sleep(_SAMPLE_S)
            self.sample()
