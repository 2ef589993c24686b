# SPDX-License-Identifier: GPL-3.0-or-later
"""The playout of a gateway in virtual time: parts of speech with their marks, paused, resumed and dropped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.turns.sounds import PER_MS, Samples
from contracts.media_stream import FRAME_SAMPLES

SILENCE = np.zeros(FRAME_SAMPLES, np.float32)
SILENCE.setflags(write=False)


@dataclass(slots=True)
class Part:
    """One clause of a speech: its sound, whole frames of float32 at 8 kHz, and how much of it was played."""

    speech: int
    part: int
    sound: Samples
    protected: bool = False
    position: int = 0

    @property
    def share(self) -> float:
        """How much of it was played, in [0, 1]."""
        return min(1.0, self.position / max(1, len(self.sound)))


class Gateway:
    """Plays what it is given, a frame at a time."""

    def __init__(self) -> None:
        self._queue: list[Part] = []
        self._paused = False

    @property
    def sounding(self) -> Part | None:
        """What is being played now; None while nothing is, or it is paused."""
        return self._queue[0] if self._queue and not self._paused else None

    @property
    def paused(self) -> bool:
        """Whether something is kept back."""
        return self._paused and bool(self._queue)

    @property
    def busy(self) -> bool:
        """Whether anything is queued, paused or not."""
        return bool(self._queue)

    def add(self, part: Part) -> None:
        """Queue a part."""
        self._queue.append(part)

    def pause(self) -> None:
        """Silence from the next frame on; everything is kept."""
        self._paused = True

    def resume(self, rewind_ms: int) -> None:
        """Go on, so much earlier, but not before the beginning of the part."""
        self._paused = False
        if self._queue:
            current = self._queue[0]
            frames = rewind_ms * PER_MS // FRAME_SAMPLES
            current.position = max(0, current.position - frames * FRAME_SAMPLES)

    def clear(self) -> list[Part]:
        """Drop everything; what was dropped."""
        dropped, self._queue, self._paused = self._queue, [], False
        return dropped

    def frame(self) -> tuple[Samples, Part | None]:
        """The next 20 ms, and the part that is over with them, if one is."""
        current = self.sounding
        if current is None:
            return SILENCE, None
        played = current.sound[current.position : current.position + FRAME_SAMPLES]
        current.position += FRAME_SAMPLES
        if current.position >= len(current.sound):
            self._queue.pop(0)
            return played, current
        return played, None
