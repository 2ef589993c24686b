# SPDX-License-Identifier: GPL-3.0-or-later
"""The foreground: who speaks into this telephone is much louder than who speaks in the same room.

A VAD hears speech at any level, so a television or a colleague keeps it on for good, and the end of the
caller's turn is never heard. What stays far below the loudest speech of the last seconds is not the caller.

    caller      ▆▇▅▆▇▅
    television  ▁▂▁▂▁▂▁▂▁▂▁▂▁▂▁     12 dB below: no speech, as far as turns are concerned
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

# Speech is as loud as its loudest window of the last 160 ms: consonants and stop closures are soft.
_WINDOWS = 5
# How far below the foreground speech may lie. Unstressed last syllables lie up to 10 dB below stressed ones.
_BELOW_DB = 12.0
# The level follows a louder voice within a quarter of a second, so that one thump does not deafen the ear …
_RISE = 0.25
# … and forgets a loud one by as much in each window of softer speech: 0.4 dB a second. Faster, a television
# becomes the foreground while the caller listens to a long answer; slower, a shout deafens the ear.
_FALL_DB = 0.013
_SPEECH = 0.5
_SILENCE_DB = -100.0


class Foreground:
    """Tells the caller from voices behind the caller, by their level. One for a call."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque([_SILENCE_DB], maxlen=_WINDOWS)
        self._level_db = _SILENCE_DB

    @property
    def level_db(self) -> float:
        """The foreground's level in dBFS."""
        return self._level_db

    def __call__(self, window: Samples, probability: float) -> float:
        """The probability in [0, 1] that the window holds the caller's speech, given that it holds anybody's.

        `window` is float32 in [-1, 1], 32 ms long.
        """
        power = float(np.dot(window, window)) / len(window)
        self._recent.append(10 * math.log10(power) if power > 0 else _SILENCE_DB)
        envelope_db = max(self._recent)
        if probability < _SPEECH:
            return probability
        if envelope_db > self._level_db:
            self._level_db += _RISE * (envelope_db - self._level_db)
        else:
            self._level_db -= _FALL_DB
        return probability if envelope_db > self._level_db - _BELOW_DB else 0.0
