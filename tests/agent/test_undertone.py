# SPDX-License-Identifier: GPL-3.0-or-later
"""The pitch that a telephone line has cut off is there again, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from agent.undertone import Undertone

WINDOW = 512


def voice(pitch_hz: float, seconds: float = 1.024) -> np.typing.NDArray[np.float32]:
    """A buzz without its harmonics below 300 and above 3400 Hz, float32 at 16 kHz."""
    time = np.arange(round(seconds * 16_000)) / 16_000
    harmonics = [n * pitch_hz for n in range(1, 60) if 300 <= n * pitch_hz <= 3400]
    sound = sum(np.sin(2 * np.pi * hertz * time) for hertz in harmonics)
    return np.asarray(0.05 * sound, np.float32)


def restored(sound: np.typing.NDArray[np.float32], size: int = WINDOW) -> np.typing.NDArray[np.float32]:
    undertone = Undertone()
    return np.concatenate([undertone(sound[at : at + size]) for at in range(0, len(sound), size)])


def power_at(sound: np.typing.NDArray[np.float32], hertz: float) -> float:
    spectrum = np.abs(np.fft.rfft(sound[4096:] * np.hanning(len(sound) - 4096))) ** 2
    bin_hz = 16_000 / (len(sound) - 4096)
    return float(spectrum[round(hertz / bin_hz) - 2 : round(hertz / bin_hz) + 3].sum())


@pytest.mark.parametrize("pitch_hz", [90, 120, 210, 260])
def test_the_pitch_comes_back(pitch_hz: float) -> None:
    sound = voice(pitch_hz)
    assert power_at(restored(sound), pitch_hz) > 0.1 * power_at(sound, 3 * pitch_hz + pitch_hz)
    assert power_at(sound, pitch_hz) < 1e-3 * power_at(restored(sound), pitch_hz)


def test_silence_stays_silence_and_a_steady_tone_gets_nothing() -> None:
    assert not restored(np.zeros(4096, np.float32)).any()
    tone = np.asarray(0.2 * np.sin(np.arange(16_384) * 2 * np.pi * 1000 / 16_000), np.float32)
    added = (restored(tone) - tone)[4096:]
    assert np.mean(added**2) < 1e-3 * np.mean(tone**2)


def test_how_the_sound_is_cut_into_windows_makes_no_difference() -> None:
    sound = voice(120)
    assert restored(sound, 512) == pytest.approx(restored(sound, 1024), abs=1e-6)
