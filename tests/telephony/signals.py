# SPDX-License-Identifier: GPL-3.0-or-later
"""Test sounds and how well a recording matches them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RATE = 8000


def chirp(seconds: float, low_hz: float = 300, high_hz: float = 3000, amplitude: float = 8000) -> bytes:
    """A sweep, whose autocorrelation has one sharp peak."""
    t = np.arange(int(RATE * seconds)) / RATE
    phase = 2 * np.pi * (low_hz * t + (high_hz - low_hz) * t * t / (2 * seconds))
    return np.asarray(amplitude * np.sin(phase)).astype("<i2").tobytes()


def tone(seconds: float, hz: float = 440, amplitude: float = 8000) -> bytes:
    """A sine."""
    t = np.arange(int(RATE * seconds)) / RATE
    return np.asarray(amplitude * np.sin(2 * np.pi * hz * t)).astype("<i2").tobytes()


def samples(pcm: bytes) -> npt.NDArray[np.float64]:
    """PCM as floats."""
    return np.frombuffer(pcm, dtype="<i2", count=len(pcm) // 2).astype(np.float64)


def likeness(recording: bytes, wanted: bytes, segment_ms: int = 100) -> float:
    """How well `recording` contains `wanted`: the median correlation of its segments.

    A jitter buffer on a busy machine now and then repeats or drops a frame; that spoils the segment it is in
    and shifts the others, which must not count as another sound.
    """
    size = segment_ms * RATE // 1000 * 2
    parts = [wanted[at : at + size] for at in range(0, len(wanted) - size + 1, size)]
    return float(np.median([match(recording, part)[0] for part in parts]))


def match(recording: bytes, wanted: bytes) -> tuple[float, int]:
    """Best normalised correlation of `wanted` within `recording`, and the sample where it starts."""
    heard, template = samples(recording), samples(wanted)
    if len(heard) < len(template):
        return 0.0, 0
    size = 1 << (len(heard) + len(template)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(template, size))
    dot = np.fft.irfft(spectrum, size)[: len(heard) - len(template) + 1]
    energy = np.concatenate(([0.0], np.cumsum(heard**2)))
    window = energy[len(template) :] - energy[: -len(template)]
    scores = dot / np.sqrt(np.maximum(window, 1.0) * np.sum(template**2))
    best = int(np.argmax(scores))
    return float(scores[best]), best


def loudest_hz(pcm: bytes) -> float:
    """The strongest frequency."""
    heard = samples(pcm)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    return float(np.argmax(spectrum) * RATE / len(heard))
