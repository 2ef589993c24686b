# SPDX-License-Identifier: GPL-3.0-or-later
"""The telephone channel as augmentation: tempo, band, tilt, noise and babble, level, clipped onsets, G.711.

Everything happens at 8 kHz on samples in [-1, 1]; the codec is the last step, as in a call.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 8000
Samples = npt.NDArray[np.float64]
_MU = 255.0
_A = 87.6


@dataclass(frozen=True, slots=True)
class Strength:
    """How hard a clip is treated, from `light` (the curriculum's start) to `full`."""

    probability: float
    tempo: float
    noise_db: tuple[float, float]
    trailing_seconds: tuple[float, float]
    onset_cut_seconds: float

    @staticmethod
    def at(level: float) -> Strength:
        """Strength for a level from 0 (light) to 1 (full)."""
        return Strength(
            probability=0.3 + 0.4 * level,
            tempo=0.06 + 0.08 * level,
            noise_db=(22 - 12 * level, 40 - 5 * level),
            trailing_seconds=(0.1, 0.3 + 0.5 * level),
            onset_cut_seconds=0.05 * level,
        )


def mu_law(samples: Samples) -> Samples:
    """G.711 µ-law there and back, by its continuous formula at 8 bits; the standard approximates it."""
    level = np.sign(samples) * np.log1p(_MU * np.abs(samples)) / np.log1p(_MU)
    level = np.round(level * 127) / 127
    return np.asarray(np.sign(level) * np.expm1(np.abs(level) * np.log1p(_MU)) / _MU)


def a_law(samples: Samples) -> Samples:
    """G.711 A-law there and back, by its continuous formula at 8 bits."""
    size, scale = np.abs(samples), 1 + np.log(_A)
    level = np.where(size < 1 / _A, _A * size / scale, (1 + np.log(np.maximum(size, 1e-9) * _A)) / scale)
    level = np.round(level * 127) / 127
    return np.asarray(
        np.sign(samples) * np.where(level < 1 / scale, level * scale / _A, np.exp(level * scale - 1) / _A)
    )


def resample(samples: Samples, length: int) -> Samples:
    """Band-limited resampling to `length` samples by the Fourier transform."""
    spectrum = np.fft.rfft(samples)
    target = np.zeros(length // 2 + 1, dtype=spectrum.dtype)
    kept = min(len(spectrum), len(target))
    target[:kept] = spectrum[:kept]
    return np.fft.irfft(target, length) * (length / len(samples))


def to_recognizer_rate(samples: Samples) -> npt.NDArray[np.float32]:
    """8 kHz to the 16 kHz that Whisper's features take; an odd last sample is dropped."""
    even = samples[: len(samples) & ~1]
    return resample(even, 2 * len(even)).astype(np.float32)


def telephone(samples: Samples, rng: np.random.Generator) -> Samples:
    """The bare channel: µ-law or A-law and nothing else."""
    clipped = np.clip(samples, -1, 1)
    return mu_law(clipped) if rng.random() < 0.6 else a_law(clipped)


def with_noise(samples: Samples, snr_db: float, rng: np.random.Generator) -> Samples:
    """White noise added at a signal-to-noise ratio in dB."""
    return samples + _scaled(rng.standard_normal(len(samples)), samples, snr_db)


def augment(
    samples: Samples, babble: Samples, strength: Strength, rng: np.random.Generator
) -> tuple[Samples, float, int]:
    """One random telephone rendering of a clip.

    `babble` is another speaker's clip, one of the kinds of noise. Returns the samples, the factor by which
    time was stretched, and by how many samples the speech was shifted (negative when its onset was cut).
    """
    stretch, lead = 1.0, int(SAMPLE_RATE * rng.uniform(0, 0.25))
    treated = rng.random() < strength.probability
    if treated and rng.random() < 0.7:
        length = round(len(samples) * rng.uniform(1 - strength.tempo, 1 + strength.tempo) / 80) * 80
        stretch = length / len(samples)
        samples = resample(samples, length)
    if rng.random() < 0.25:
        cut = int(SAMPLE_RATE * (0.03 + rng.uniform(0, strength.onset_cut_seconds)))
        samples, lead = samples[cut:], -cut
    tail = int(SAMPLE_RATE * rng.uniform(*strength.trailing_seconds))
    # Lengths without large prime factors make the Fourier transforms several times faster.
    tail += -(max(lead, 0) + len(samples) + tail) % 160
    samples = np.concatenate([np.zeros(max(lead, 0)), samples, np.zeros(tail)])
    if treated:
        samples = _band(samples, rng)
        if rng.random() < 0.75:
            samples = samples + _scaled(
                _noise(len(samples), babble, rng), samples, rng.uniform(*strength.noise_db)
            )
        if rng.random() < 0.1:
            start = rng.integers(0, max(1, len(samples) - 160))
            samples[start : start + 160] = 0
    elif rng.random() < 0.5:
        samples = samples + rng.standard_normal(len(samples)) * 10 ** rng.uniform(-5, -3.2)
    peak = np.abs(samples).max() + 1e-6
    samples = samples / peak * 10 ** (rng.uniform(-26, -0.5) / 20)
    roll = rng.random()
    if roll < 0.9:
        samples = mu_law(np.clip(samples, -1, 1)) if roll < 0.5 else a_law(np.clip(samples, -1, 1))
    return samples, stretch, lead


def _band(samples: Samples, rng: np.random.Generator) -> Samples:
    frequencies = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    low, high = rng.uniform(50, 320), rng.uniform(3100, 3950)
    gain = (
        1 / (1 + (low / np.maximum(frequencies, 1)) ** rng.choice([4, 8])) / (1 + (frequencies / high) ** 16)
    )
    tilt = 10 ** (rng.uniform(-2, 2) * np.log2(np.maximum(frequencies, 60) / 1000) / 20)
    return np.fft.irfft(np.fft.rfft(samples) * gain * tilt, len(samples))


def _noise(length: int, babble: Samples, rng: np.random.Generator) -> Samples:
    kind = rng.integers(3)
    if kind == 2 and len(babble) > 100:
        return np.asarray(np.resize(babble, length))
    white = rng.standard_normal(length)
    if kind == 0:
        return white
    frequencies = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    return np.fft.irfft(np.fft.rfft(white) / np.sqrt(np.maximum(frequencies, 20)), length)


def _scaled(noise: Samples, samples: Samples, snr_db: float) -> Samples:
    power = np.mean(samples**2) + 1e-9
    return np.asarray(noise * np.sqrt(power / 10 ** (snr_db / 10) / (np.mean(noise**2) + 1e-12)))
