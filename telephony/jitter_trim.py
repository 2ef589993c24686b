# SPDX-License-Identifier: GPL-3.0-or-later
"""When a jitter buffer may be shortened: after a stall it holds more than the line's jitter needs, and PJSIP
takes seconds to let go of it, in which every reply is late by so much.

Frames are left out only where nothing is said, so nobody hears it. Pure.
"""

from __future__ import annotations

import numpy as np

from contracts.media_stream import FRAME_MS

# How long a surplus must have been one before it is taken off, in ticks of 20 ms: half a second, doubled (up
# to 16 s) each time the buffer runs dry within 5 s of that, and halved again after 16 s without.
_WINDOW, _LONGEST = 25, 800
_REGRET = 250
# -40 dBFS: noise of a line, no syllable.
_QUIET_PEAK = 327


def is_quiet(pcm: bytes) -> bool:
    """Whether nothing is said in a frame of 16-bit PCM."""
    samples = np.frombuffer(pcm, dtype="<i2")
    return int(samples.max()) <= _QUIET_PEAK and int(samples.min()) >= -_QUIET_PEAK


class JitterTrim:
    """Watches what is left in a jitter buffer after each tick's frame was taken from it."""

    def __init__(self) -> None:
        self._window = _WINDOW
        self._ticks = self._calm = 0
        self._since_trim = _REGRET
        self._least_ms: int | None = None
        self._starved: int | None = None
        self.surplus_frames = 0

    def watch(self, left_ms: int, starved: int) -> None:
        """One tick: what is left in the buffer, and how often it has been found empty so far."""
        self._since_trim += 1
        self._calm += 1
        if self._starved is not None and starved > self._starved:
            self._ran_dry()
        elif self._calm >= _LONGEST:
            self._window, self._calm = max(self._window // 2, _WINDOW), 0
        self._starved = starved
        self._ticks += 1
        self._least_ms = left_ms if self._least_ms is None else min(self._least_ms, left_ms)
        if self._ticks >= self._window:
            self.surplus_frames = self._least_ms // FRAME_MS
            self._begin()

    def taken(self) -> None:
        """A frame was left out."""
        self.surplus_frames -= 1
        self._since_trim = 0
        self._begin()

    def _ran_dry(self) -> None:
        if self._since_trim < _REGRET:
            self._window = min(self._window * 2, _LONGEST)
            self._since_trim = _REGRET
        self._calm = self.surplus_frames = 0
        self._begin()

    def _begin(self) -> None:
        self._least_ms, self._ticks = None, 0
