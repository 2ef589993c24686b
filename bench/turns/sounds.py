# SPDX-License-Identifier: GPL-3.0-or-later
"""Noises, and what a telephone line does to sound: echo and G.711.

Everything is float32 at 8 kHz in [-1, 1]; levels are in dB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contracts.media_stream import SAMPLE_RATE_HZ

Samples = npt.NDArray[np.float32]
PER_MS = SAMPLE_RATE_HZ // 1000
# Echo comes back twice: the direct way and, weaker, a little later. Delay in ms, share of the amplitude.
_ECHO_TAPS = ((0, 0.9), (11, 0.4))
_MU = 255.0


def decibels(level_db: float) -> float:
    """The amplitude factor of a level."""
    return float(10 ** (level_db / 20))


def level(samples: Samples) -> float:
    """Root mean square of the sounding part: frames of 20 ms within 30 dB of the loudest. 0 for silence."""
    size = 20 * PER_MS
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    if not len(frames):
        return 0.0
    powers = np.mean(frames.astype(np.float64) ** 2, axis=1)
    loudest = powers.max()
    return float(np.sqrt(powers[powers >= loudest / 1000].mean())) if loudest > 0 else 0.0


def white(length: int, rng: np.random.Generator) -> Samples:
    """White noise of unit power."""
    return rng.standard_normal(length).astype(np.float32)


def pink(length: int, rng: np.random.Generator) -> Samples:
    """Noise whose power falls by 3 dB an octave above 60 Hz; unit power."""
    shape = 1 / np.sqrt(np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE_HZ), 60.0))
    return _unit(np.fft.irfft(np.fft.rfft(rng.standard_normal(length)) * shape, length))


def babble(length: int, voices: Sequence[Samples], rng: np.random.Generator) -> Samples:
    """Many people talking at once: `voices` repeated from random places and added; unit power."""
    mixed = np.zeros(length)
    for voice in voices:
        normal = voice / max(level(voice), 1e-6)
        mixed += np.resize(np.roll(normal, int(rng.integers(len(normal)))), length)
    return _unit(mixed)


def g711(samples: Samples) -> Samples:
    """G.711 µ-law there and back, by its continuous formula at 8 bits."""
    squeezed = np.log1p(_MU * np.minimum(np.abs(samples), 1.0)) * (127 / np.log1p(_MU))
    magnitude = np.expm1(np.round(squeezed) * (np.log1p(_MU) / 127)) / _MU
    return np.asarray(np.copysign(magnitude, samples), np.float32)


@dataclass(frozen=True, slots=True)
class EchoPath:
    """How the agent's sound comes back: `gain_db` below what was played, `delay_ms` after it."""

    gain_db: float
    delay_ms: int

    @property
    def reach_ms(self) -> int:
        """How long what was played must be remembered."""
        return self.delay_ms + max(delay for delay, _ in _ECHO_TAPS)

    def echo(self, played: Samples, length: int) -> Samples:
        """The echo of the last `length` samples' time, given what was played up to now."""
        returned = np.zeros(length, np.float32)
        for extra_ms, share in _ECHO_TAPS:
            end = len(played) - (self.delay_ms + extra_ms) * PER_MS
            if end >= length:
                returned += share * played[end - length : end]
        return returned * np.float32(decibels(self.gain_db))


def _unit(samples: npt.NDArray[np.float64]) -> Samples:
    return np.asarray(samples / max(float(np.sqrt(np.mean(samples**2))), 1e-9), np.float32)
