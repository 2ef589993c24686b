# SPDX-License-Identifier: GPL-3.0-or-later
"""Sounds without words: always the same, as loud as asked for."""

from __future__ import annotations

import shutil
from typing import get_args

import numpy as np
import pytest

from contracts.media_stream import FRAME_BYTES
from tellerline.scenario.noises import noise
from tellerline.scenario.script import NoiseKind

needs_a_voice = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is missing: apt-get install espeak-ng"
)


@needs_a_voice
@pytest.mark.parametrize("kind", get_args(NoiseKind))
def test_the_same_seed_makes_the_same_sound_in_whole_frames(kind: NoiseKind) -> None:
    made = noise(kind, -12.0)
    assert made == noise(kind, -12.0)
    assert len(made) % FRAME_BYTES == 0
    peak = np.abs(np.frombuffer(made, "<i2")).max() / 32767
    assert 20 * np.log10(peak) == pytest.approx(-12, abs=0.1)


def test_another_seed_makes_another_cough() -> None:
    assert noise("cough", seed=3) != noise("cough", seed=4)
