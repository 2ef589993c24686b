# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise bursts, noises and echo are what they say they are."""

from __future__ import annotations

import numpy as np
import pytest

from bench.turns.sounds import PER_MS, EchoPath, babble, decibels, g711, level, pink, white
from tellerline.scenario.noises import cough, slam


@pytest.mark.parametrize("seed", range(5))
def test_bursts_are_short_and_reach_full_scale(seed: int) -> None:
    for burst in (cough(np.random.default_rng(seed)), slam(np.random.default_rng(seed))):
        assert np.abs(burst).max() == pytest.approx(1.0)
        assert 100 * PER_MS < len(burst) < 700 * PER_MS


def test_noises_have_unit_power() -> None:
    rng = np.random.default_rng(1)
    for noise in (white(16_000, rng), pink(16_000, rng), babble(16_000, [white(8000, rng)] * 3, rng)):
        assert np.mean(noise**2) == pytest.approx(1.0, rel=0.1)


def test_pink_noise_falls_towards_high_frequencies() -> None:
    power = np.abs(np.fft.rfft(pink(16_000, np.random.default_rng(1)))) ** 2
    assert power[200:400].mean() > 4 * power[4000:8000].mean()


def test_level_is_that_of_the_sounding_part() -> None:
    tone = np.sin(np.arange(8000) * 0.3).astype(np.float32)
    assert level(np.concatenate([np.zeros(8000, np.float32), tone])) == pytest.approx(0.707, abs=0.01)
    assert level(np.zeros(800, np.float32)) == 0.0


def test_echo_comes_back_later_and_softer() -> None:
    path = EchoPath(-20.0, 100)
    played = np.zeros(4000, np.float32)
    played[4000 - 160 - 100 * PER_MS] = 1.0
    echo = path.echo(played, 160)
    assert int(np.argmax(np.abs(echo))) == 0
    assert np.abs(echo).max() == pytest.approx(0.9 * decibels(-20))
    assert not path.echo(played[:400], 160).any(), "nothing was played so long ago"


def test_g711_keeps_speech_within_its_quantisation() -> None:
    rng = np.random.default_rng(1)
    samples = (rng.standard_normal(8000) * 0.1).astype(np.float32)
    error = g711(samples) - samples
    assert 10 * np.log10(np.mean(samples**2) / np.mean(error**2)) > 33
    assert np.abs(g711(np.array([-3.0, 3.0], np.float32))).max() <= 1.0
