# SPDX-License-Identifier: GPL-3.0-or-later
"""Sounds of a caller that are no words: a cough, a slamming door, a cleared throat, a mumble.

The first two are bursts of noise, which a VAD should not take for speech. The other two are voiced, as a VAD
wants it, and no recogniser should make words of them: what interrupts an agent for nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from contracts.media_stream import FRAME_BYTES, SAMPLE_RATE_HZ
from tellerline.scenario.caller_voice import speech
from tellerline.scenario.script import NoiseKind

Samples = npt.NDArray[np.float64]
Burst = npt.NDArray[np.float32]
# Formants of neutral vowels, in Hz, with their bandwidths: an open mouth that says nothing.
_FORMANTS = ((520, 90), (1300, 140), (2400, 220))
_THROAT_S = 0.6
_PER_MS = SAMPLE_RATE_HZ // 1000
# A voice that speaks, and nobody understands it: this, played backwards.
_BACKWARDS = "purple monkey dishwasher"


def noise(kind: NoiseKind, peak_dbfs: float = -6.0, seed: int = 2) -> bytes:
    """A sound of that kind, 16-bit PCM mono at 8 kHz in whole frames; the same for the same seed.

    Raises NoCallerVoice for a mumble, where the caller's voice is missing.
    """
    rng = np.random.default_rng(seed)
    made: Samples
    match kind:
        case "cough":
            made = cough(rng).astype(np.float64)
        case "door":
            made = slam(rng).astype(np.float64)
        case "throat":
            made = _throat(rng)
        case "mumble":
            made = np.frombuffer(speech(_BACKWARDS), "<i2")[::-1].astype(np.float64)
    scaled = made / np.abs(made).max() * 10 ** (peak_dbfs / 20)
    pcm: bytes = np.asarray(scaled * 32767).astype("<i2").tobytes()
    return pcm + bytes(-len(pcm) % FRAME_BYTES)


def cough(rng: np.random.Generator) -> Burst:
    """A cough: a hard burst, a breathy middle around 1 kHz, and often a second one. 8 kHz, peak 0 dB,
    150–550 ms.
    """
    bursts = [_cough_burst(rng) for _ in range(int(rng.integers(1, 3)))]
    gap = np.zeros(int(rng.integers(60, 140)) * _PER_MS, np.float32)
    joined = [piece for burst in bursts for piece in (burst, gap)][:-1]
    return _peak(np.concatenate(joined))


def slam(rng: np.random.Generator) -> Burst:
    """A door: a click, a low thud that rings for 100–250 ms, and some rattle. 8 kHz, peak 0 dB."""
    length = int(rng.integers(180, 350)) * _PER_MS
    time = np.arange(length) / SAMPLE_RATE_HZ
    thud = sum(
        np.sin(2 * np.pi * rng.uniform(low, 2 * low) * time + rng.uniform(0, 6)) * np.exp(-time / decay)
        for low, decay in ((70, 0.06), (160, 0.04), (320, 0.025))
    )
    click = rng.standard_normal(length) * np.exp(-time / 0.006) * 1.5
    rattle = rng.standard_normal(length) * np.exp(-time / 0.05) * 0.2
    return _peak(np.asarray(thud + click + rattle, np.float32))


def _cough_burst(rng: np.random.Generator) -> Burst:
    length = int(rng.integers(130, 260)) * _PER_MS
    time = np.arange(length) / SAMPLE_RATE_HZ
    envelope = np.exp(-time / 0.02) + 0.45 * np.exp(-((time - 0.07) ** 2) / 0.003)
    frequencies = np.fft.rfftfreq(length, 1 / SAMPLE_RATE_HZ)
    formants = sum(
        np.exp(-(((frequencies - rng.uniform(low, high)) / 350) ** 2)) * share
        for low, high, share in ((400, 700, 1.0), (1000, 1600, 0.9), (2200, 2900, 0.5))
    )
    breath = np.fft.irfft(np.fft.rfft(rng.standard_normal(length)) * (formants + 0.08), length)
    return _peak(np.asarray(breath * envelope, np.float32))


def _peak(samples: Burst) -> Burst:
    return np.asarray(samples / max(float(np.abs(samples).max()), 1e-9), np.float32)


def _throat(rng: np.random.Generator) -> Samples:
    """“Ahem”: a short breath of voice and a longer one, the pitch falling."""
    time = np.arange(int(_THROAT_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    pitch_hz = 135 - 45 * time / _THROAT_S + rng.normal(0, 1.5, len(time))
    loudness = 0.6 * np.exp(-(((time - 0.08) / 0.05) ** 2)) + np.exp(-(((time - 0.36) / 0.14) ** 4))
    return _voiced(pitch_hz, loudness, breath=0.03, rng=rng)


def _voiced(pitch_hz: Samples, loudness: Samples, breath: float, rng: np.random.Generator) -> Samples:
    """A glottal pulse train with breath, through the formants (resonators of two poles)."""
    phase = np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    pulses = np.diff(np.floor(phase), prepend=0.0) + breath * rng.standard_normal(len(phase))
    sound = np.zeros(len(phase))
    for centre_hz, bandwidth_hz in _FORMANTS:
        sound += _resonate(pulses * loudness, centre_hz, bandwidth_hz)
    return sound


def _resonate(sound: Samples, centre_hz: float, bandwidth_hz: float) -> Samples:
    frequencies = np.fft.rfftfreq(2 * len(sound), 1 / SAMPLE_RATE_HZ)
    z = np.exp(-2j * np.pi * frequencies / SAMPLE_RATE_HZ)
    radius = np.exp(-np.pi * bandwidth_hz / SAMPLE_RATE_HZ)
    turn = 2 * np.pi * centre_hz / SAMPLE_RATE_HZ
    response = 1 / (1 - 2 * radius * np.cos(turn) * z + radius**2 * z**2)
    shaped = np.fft.irfft(np.fft.rfft(sound, 2 * len(sound)) * response * (1 - radius), 2 * len(sound))
    return np.asarray(shaped[: len(sound)])
