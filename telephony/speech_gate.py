# SPDX-License-Identifier: GPL-3.0-or-later
"""An energy gate over recorded telephone audio: when speech begins and ends, to the millisecond.

For measuring on clean lines (a simulated caller's ear), not for recognising speech in noise; that is a
VAD's work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SAMPLES_PER_MS = 8
FULL_SCALE = 32768.0

# Idle A-law decodes to ±8, that is -72 dBFS; comfort noise stays below -55 dBFS; quiet speech syllables are
# above -40 dBFS.
DEFAULT_THRESHOLD_DBFS = -45.0
# Speech must fill this share of this window; a click or one concealed packet's edge does not.
_WINDOW_MS, _ACTIVE_MS = 30, 10


@dataclass(frozen=True, slots=True)
class SpeechGate:
    """Blocks of 1 ms are active when their RMS exceeds the threshold; speech is 10 active of 30 ms."""

    threshold_dbfs: float = DEFAULT_THRESHOLD_DBFS

    def active(self, pcm: bytes) -> npt.NDArray[np.bool_]:
        """One flag a whole millisecond of 16-bit 8 kHz PCM."""
        samples = np.frombuffer(pcm, dtype="<i2", count=len(pcm) // 2)
        blocks = samples[: len(samples) // SAMPLES_PER_MS * SAMPLES_PER_MS].reshape(-1, SAMPLES_PER_MS)
        power = np.mean(np.square(blocks.astype(np.float64)), axis=1)
        limit = FULL_SCALE * 10 ** (self.threshold_dbfs / 20)
        return np.asarray(power > limit * limit)

    def first_speech_ms(self, pcm: bytes, after_ms: int = 0) -> int | None:
        """The ms at which the first speech at or after `after_ms` begins; None when there is none (yet)."""
        active = self.active(pcm[after_ms * SAMPLES_PER_MS * 2 :])
        ahead = _count_ahead(active)
        starts = np.flatnonzero(active & (ahead >= _ACTIVE_MS))
        return after_ms + int(starts[0]) if starts.size else None

    def last_speech_ms(self, pcm: bytes, after_ms: int = 0) -> int | None:
        """The ms at which the last speech after `after_ms` ends; None when there is none."""
        active = self.active(pcm[after_ms * SAMPLES_PER_MS * 2 :])
        behind = _count_ahead(active[::-1])[::-1]
        ends = np.flatnonzero(active & (behind >= _ACTIVE_MS))
        return after_ms + int(ends[-1]) + 1 if ends.size else None


def _count_ahead(active: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For every ms, how many of the 30 ms from it on are active."""
    total = np.concatenate(([0], np.cumsum(active, dtype=np.int64)))
    ends = np.minimum(np.arange(len(active)) + _WINDOW_MS, len(active))
    return np.asarray(total[ends] - total[:-1])
