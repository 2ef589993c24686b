# SPDX-License-Identifier: GPL-3.0-or-later
"""The recogniser on the shipped model, and the crop that makes it quick."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from agent.recognizer import Heard, Samples
from agent.settings import WhisperSettings
from agent.turns.expectation import Expectation
from agent.whisper import WhisperRecognizer, cropped_length
from tellerline.scenario.caller_voice import speech


@given(st.integers(0, 3000), st.integers(0, 3000), st.sampled_from([80, 128]))
def test_the_crop_holds_the_sound_and_never_looks_like_features(frames: int, padding: int, mels: int) -> None:
    length = cropped_length(frames, padding, mels)
    assert length >= min(frames, 2998)
    assert length <= 3000
    assert length % 2 == 0
    assert length // 2 != mels


def test_a_missing_model_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="models verify"):
        WhisperRecognizer(WhisperSettings(model=tmp_path))


@pytest.fixture(scope="module")
def recognizer() -> WhisperRecognizer:
    return WhisperRecognizer(WhisperSettings())


def test_silence_and_noise_are_no_words(recognizer: WhisperRecognizer) -> None:
    noise = np.random.default_rng(0).normal(0, 0.003, 16_000).astype(np.float32)
    for sound in (np.zeros(16_000, np.float32), noise, np.zeros(0, np.float32)):
        assert recognizer.recognize([Heard(sound, Expectation())])[0].text == ""


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng speaks the sentences")
def test_sounds_decoded_together_are_heard_as_each_alone(recognizer: WhisperRecognizer) -> None:
    said = (
        "what are your opening hours",
        "yes please",
        "i'd like to borrow twenty thousand dollars for a car",
    )
    batch = [Heard(_spoken(text), Expectation()) for text in said]
    alone = [recognizer.recognize([heard])[0].text for heard in batch]
    assert alone == list(said)
    assert [found.text for found in recognizer.recognize(batch)] == alone


def _spoken(text: str) -> Samples:
    narrow = np.frombuffer(speech(text), "<i2").astype(np.float32) / 32768
    return np.asarray(soxr.resample(narrow, 8000, 16_000), np.float32)
