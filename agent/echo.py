# SPDX-License-Identifier: GPL-3.0-or-later
"""The echo gate: frames that hold only the echo of the agent's own voice become line noise before the VAD.

    played   ▂▅▇▅▂▁ ▂▅▇▅▂      power, frame by frame
    heard       ▁▂▃▂▁  ▁▂▆▇▇   the echo, a little later and softer … and then somebody speaks
    expected    ▁▂▃▂▁  ▁▂▃▂    what the loudest echo path seen lately makes of what was played

The delay and the loss of the echo path are learnt while the agent speaks, the best time being the protected
sentences that open a call. No filter is adapted sample by sample: powers suffice to tell echo from
speech, cost a fraction, and do not mind the codecs and jitter buffers in between.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

# Frames of 20 ms: 60 ms of unknown transport and 200 ms of echo path, and one more for what straddles two.
_LAGS = 15
# About 3 s of the agent's speech: as long as a path stays the same, and enough to average over syllables.
_MEMORY = 1 - 1 / 150
# Frames of the agent's speech before the path is believed. Until then, once in a call, nothing is heard over
# the agent: a call opens with a sentence that can't be interrupted.
_LEARNT_FRAMES = 40
# Correlation of amplitudes below which there is no echo to speak of: echo in noise as loud has 0.7 and more,
# two people who talk at the same time have 0.5 at most.
_LEAST_CORRELATION = 0.6
# Agent's speech, in mean square of samples in [-1, 1]: −55 dBFS.
_PLAYED_POWER = 10**-5.5
# How far above the expected echo a frame must be to hold somebody's speech: 5 dB.
_MARGIN = 10**0.5
# A path with less loss than this is no echo: it is the same sound by design, or a mistake of the estimate.
_GREATEST_GAIN = 0.5
# Speech is let through for so many frames after its last certain one, so that its soft parts are kept.
_HANGOVER_FRAMES = 6
# The noise floor follows the quietest frames: falls at once, rises by 3 dB a second, from −70 dBFS up.
_FLOOR_RISE = 10 ** (0.3 / 50)
_LOWEST_FLOOR = 1e-7
# White noise of a frame varies little; its mean lies less than 3 dB above its quietest frame.
_FLOOR_MARGIN = 2.0
_TINY = 1e-12
# White noise of unit power; a frame of it starts anywhere, so that none repeats soon.
_COMFORT = np.random.default_rng(0).standard_normal(8000).astype(np.float32)
_COMFORT_STEP = 977


class EchoGate:
    """The gate of one call. Not thread-safe."""

    def __init__(self) -> None:
        self._played = np.zeros(_LAGS + 2)
        self._frames = 0.0
        self._weight = 0.0
        self._heard_sum = 0.0
        self._heard_squares = 0.0
        self._sums = np.zeros(_LAGS)
        self._squares = np.zeros(_LAGS)
        self._products = np.zeros(_LAGS)
        self._lag = 0
        self._gain = 0.0
        self._floor = 1.0
        self._open = 0
        self._comfort_at = 0

    @property
    def loss_db(self) -> float | None:
        """The echo return loss as learnt, in dB; None while there is no echo."""
        return None if self._gain == 0.0 else -10 * math.log10(self._gain)

    @property
    def delay_ms(self) -> int | None:
        """How much later than its reference the echo comes, to a frame; None while there is no echo."""
        return None if self._gain == 0.0 else self._lag * 20

    def hear(self, frame: Samples, reference: Samples | None) -> Samples:
        """The frame as the VAD shall hear it: unchanged where somebody speaks, line noise where it is echo.

        `frame` is the caller's, float32 [160] at 8 kHz in [-1, 1]; `reference` what the agent believes is
        being played meanwhile, likewise, or None while it is silent.
        """
        heard = float(np.dot(frame, frame)) / len(frame)
        played = 0.0 if reference is None else float(np.dot(reference, reference)) / len(reference)
        self._played[1:] = self._played[:-1]
        self._played[0] = played
        self._floor = min(max(heard, _LOWEST_FLOOR), self._floor * _FLOOR_RISE)
        if float(self._played.max()) < _PLAYED_POWER:
            self._open = 0
            return frame
        if self._frames < _LEARNT_FRAMES:
            self._learn(heard)
            return self._comfort()
        near = heard > self._echo() * _MARGIN + self._floor * _FLOOR_MARGIN
        if not near or self._gain == 0.0:
            self._learn(heard)
        if self._gain == 0.0:
            return frame
        self._open = _HANGOVER_FRAMES if near else max(0, self._open - 1)
        if self._open:
            return frame
        return self._comfort()

    def _comfort(self) -> Samples:
        """Noise as loud as the line's.

        Softened echo is speech to a VAD that hears no levels, and a hole in the noise is an edge.
        """
        self._comfort_at = (self._comfort_at + _COMFORT_STEP) % (len(_COMFORT) - 160)
        return _COMFORT[self._comfort_at : self._comfort_at + 160] * np.float32(math.sqrt(self._floor))

    def _echo(self) -> float:
        """Power of the echo in the frame, at most: the neighbours count, for a lag falls between two."""
        return self._gain * float(self._played[max(0, self._lag - 1) : self._lag + 2].max())

    def _learn(self, heard: float) -> None:
        """Regress the heard amplitude on the played one at every lag, and take the lag that explains most."""
        played = np.sqrt(self._played[:_LAGS])
        heard = max(0.0, heard - self._floor)
        amplitude = math.sqrt(heard)
        keep = _MEMORY
        self._frames += 1
        self._weight = keep * self._weight + 1
        self._heard_sum = keep * self._heard_sum + amplitude
        self._heard_squares = keep * self._heard_squares + heard
        self._sums = keep * self._sums + played
        self._squares = keep * self._squares + played * played
        self._products = keep * self._products + played * amplitude
        if self._frames >= _LEARNT_FRAMES:
            self._believe()

    def _believe(self) -> None:
        weight = self._weight
        covariance = self._products - self._sums * (self._heard_sum / weight)
        spread = self._squares - self._sums * self._sums / weight
        heard_spread = self._heard_squares - self._heard_sum**2 / weight
        correlation = covariance / np.sqrt(np.maximum(spread * heard_spread, _TINY))
        lag = int(np.argmax(correlation))
        slope = float(covariance[lag] / max(float(spread[lag]), _TINY))
        believed = correlation[lag] >= _LEAST_CORRELATION and 0 < slope * slope <= _GREATEST_GAIN
        self._lag = lag
        self._gain = slope * slope if believed else 0.0
