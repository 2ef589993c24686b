# SPDX-License-Identifier: GPL-3.0-or-later
"""The undertone: what a telephone line has cut off a voice below 300 Hz, made again from what it has left.

A voice's harmonics beat at its pitch, so the rectified signal holds the pitch that the line took away. Silero
needs it: on real voices in a hard 300–3400 Hz band it finds a quarter of the speech without, and as much
as in full band with it (`tellerline bench vad`). Only the VAD hears it; the recogniser gets the line's
own sound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

# Pitches of men, women and children, in Hz.
_BAND_HZ = (70.0, 300.0)
_RATE_HZ = 16_000
# The pitch is filtered at 2 kHz, where it costs little.
_STEP = 8
_TAPS = 41
# How much of the rectified sound's pitch is added. 1 to 4 made no difference that could be measured.
_STRENGTH = 2.0


class Undertone:
    """Gives one call's sound its pitch back, window after window."""

    def __init__(self) -> None:
        self._history = np.zeros(_TAPS - 1, np.float32)
        self._last = np.float32(0)

    def __call__(self, window: Samples) -> Samples:
        """The window, float32 at 16 kHz and a multiple of 8 samples long, with the pitch added, 10 ms
        late.
        """
        slow = np.abs(window).reshape(-1, _STEP).mean(axis=1)
        joined = np.concatenate([self._history, slow])
        self._history = joined[len(slow) :]
        pitch = np.convolve(joined, _BAND_PASS, "valid")
        points = np.concatenate([[self._last], pitch])
        self._last = pitch[-1]
        at = np.arange(1, len(window) + 1) / _STEP
        fast = np.interp(at, np.arange(len(points)), points)
        return np.asarray(window + _STRENGTH * fast, np.float32)


def _band_pass() -> Samples:
    """A windowed-sinc band-pass at 2 kHz: the difference of two low-passes under a Hamming window."""
    middle = np.arange(_TAPS) - (_TAPS - 1) / 2
    low, high = (2 * edge * _STEP / _RATE_HZ for edge in _BAND_HZ)
    ideal = high * np.sinc(high * middle) - low * np.sinc(low * middle)
    shaped = ideal * np.hamming(_TAPS)
    # No constant may pass: the rectified sound is full of it.
    return np.asarray(shaped - shaped.mean(), np.float32)


_BAND_PASS = _band_pass()
