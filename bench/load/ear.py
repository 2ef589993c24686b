# SPDX-License-Identifier: GPL-3.0-or-later
"""The ear of a measuring caller: a recording that notes when each of its frames came, by the time of day.

So the call's clock, on which latencies are measured, can be laid over the journal's, and the stages of a
reply can be measured one by one. While the call goes on it does no more than look for sound at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from contracts.media_stream import FRAME_MS
from telephony.duplex_recording import DuplexRecording

# About the speech gate's −45 dBFS, as a peak. Idle A-law is ±8.
_AUDIBLE_PEAK = 500
_POLL_S = 0.02


class TimedEar(DuplexRecording):
    """Both directions of a call, and the time of day (seconds of the epoch) of every tick."""

    def __init__(self, time_of_day: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._time_of_day = time_of_day
        self._ticks: list[float] = []
        self._audible = bytearray()

    def on_frame(self, pcm: bytes) -> None:
        """A tick: what is heard in it."""
        super().on_frame(pcm)
        self._ticks.append(self._time_of_day())
        # Upwards alone: speech swings both ways, and this is done for every frame of every caller.
        self._audible.append(int(np.frombuffer(pcm, "<i2").max() > _AUDIBLE_PEAK))

    @property
    def began(self) -> float:
        """The time of day at which the call's clock showed 0: the middle of what all ticks say.

        Raises ValueError before the first tick.
        """
        if not self._ticks:
            raise ValueError("no frame yet")
        return float(median(at - number * FRAME_MS / 1000 for number, at in enumerate(self._ticks)))

    @property
    def latest_s(self) -> float:
        """How late the latest tick came, against the middle of all; the caller's own machine is to blame."""
        began = self.began
        return max(at - began - number * FRAME_MS / 1000 for number, at in enumerate(self._ticks))

    def await_sound(self, after_ms: int, timeout_s: float) -> int:
        """The ms of the first tick with sound in it at or after `after_ms`. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = self._audible.find(1, after_ms // FRAME_MS)
            if found >= 0:
                return found * FRAME_MS
            self._nap(deadline, f"no sound after {after_ms} ms")

    def await_silence(self, floor_ms: int, timeout_s: float) -> None:
        """Return when the last `floor_ms` were silent. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        frames = floor_ms // FRAME_MS
        while len(self._audible) < frames or self._audible.rfind(1) >= len(self._audible) - frames:
            self._nap(deadline, f"the agent did not stop for {floor_ms} ms")

    def await_clock(self, ms: int, timeout_s: float) -> None:
        """Return when the clock shows `ms`. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while self.now_ms < ms:
            self._nap(deadline, f"the clock did not reach {ms} ms")

    def _nap(self, deadline: float, what: str) -> None:
        # Waking up with every frame would cost the machine that is measured more than this poll.
        if time.monotonic() > deadline or self._closed:
            raise TimeoutError(what if not self._closed else f"{what}: the call is over")
        time.sleep(_POLL_S)
