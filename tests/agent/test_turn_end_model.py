# SPDX-License-Identifier: GPL-3.0-or-later
"""The turn-end model: its features, the shipped file, what it must never do."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.turn_end_model import (
    BANDS,
    DESCRIPTION_FILE,
    FRAMES,
    SOUND_FEATURES,
    TurnEndModel,
    load_end_of_turn,
    plain_words,
    silent_features,
    sound_features,
    word_ids,
)

pytestmark = pytest.mark.quick

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "turn-end-en"
NOTHING = np.zeros(0, np.float32)
FINISHED = (
    "what is my balance", "yes please", "three years", "i lost my card", "no thank you",
    "i'd like to borrow two hundred thousand dollars for renovation", "i want to talk to a person",
    "can you block my card please", "do you have any offers for me",
)  # fmt: skip
UNFINISHED = (
    "i'd like to", "my card number is", "it's for the", "um", "no i mean", "what is my", "can you",
    "i want to borrow", "i need a loan of", "please transfer two hundred dollars to",
    "i lost my credit card and",
)  # fmt: skip


@pytest.fixture(scope="module")
def model() -> TurnEndModel:
    return TurnEndModel(SHIPPED)


def wave(seconds: float, hertz: float, level: float = 0.2) -> np.ndarray:
    return (level * np.sign(np.sin(2 * np.pi * hertz * np.arange(int(seconds * 16_000)) / 16_000))).astype(
        np.float32
    )


def test_words_alone_tell_a_finished_thought_from_a_pause_in_it(model: TurnEndModel) -> None:
    finished = [model.probability(NOTHING, text) for text in FINISHED]
    unfinished = [model.probability(NOTHING, text) for text in UNFINISHED]
    assert min(finished) > 0.5, dict(zip(FINISHED, finished, strict=True))
    assert max(unfinished) < 0.25, dict(zip(UNFINISHED, unfinished, strict=True))


def test_digits_are_less_finished_the_fewer_they_are(model: TurnEndModel) -> None:
    two, four = (
        model.probability(NOTHING, f"my pin is {digits}") for digits in ("four eight", "four eight two one")
    )
    assert two < four


def test_another_recognisers_spelling_is_understood(model: TurnEndModel) -> None:
    plain = model.probability(NOTHING, "my pin is four eight two one")
    assert model.probability(NOTHING, "My PIN is 4821.") == plain


def test_sound_does_not_overrule_clear_words(model: TurnEndModel) -> None:
    rng = np.random.default_rng(3)
    sounds = [wave(1.5, 120), wave(1.5, 250), NOTHING, (rng.standard_normal(24_000) * 0.1).astype(np.float32)]
    assert max(model.probability(sound, "i'd like to") for sound in sounds) < 0.5


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60_000), st.text(max_size=80), st.floats(0, 1))
def test_any_sound_and_text_give_a_probability(samples: int, text: str, level: float) -> None:
    sound = np.random.default_rng(samples).uniform(-level, level, samples).astype(np.float32)
    assert 0 <= TurnEndModel(SHIPPED).probability(sound, text) <= 1


def test_a_judgement_costs_at_most_three_milliseconds(model: TurnEndModel) -> None:
    sound, text = wave(3, 150), "i'd like to borrow two hundred thousand for"
    model.probability(sound, text)
    began = time.process_time()
    for _ in range(50):
        model.probability(sound, text)
    assert (time.process_time() - began) / 50 < 0.003


def test_features_do_not_follow_the_level() -> None:
    quiet, loud = (sound_features(wave(2, 150, level)) for level in (0.02, 0.8))
    assert quiet == pytest.approx(loud, abs=1e-2)


def test_pitch_that_falls_is_seen() -> None:
    falling = 0.3 * np.sign(np.sin(2 * np.pi * np.cumsum(np.linspace(200, 120, 32_000)) / 16_000))
    pitch = sound_features(falling.astype(np.float32))[5:-5, BANDS + 1]
    assert pitch[0] == pytest.approx(-pitch[-1], abs=0.15)
    assert pitch[0] > 0.2
    assert (np.diff(pitch) < 0.05).all()


@pytest.mark.parametrize("sound", [NOTHING, np.zeros(50_000, np.float32), np.zeros(3, np.float32)])
def test_silence_is_silence_however_long(sound: np.ndarray) -> None:
    assert np.array_equal(sound_features(sound), silent_features())
    assert silent_features().shape == (FRAMES, SOUND_FEATURES)


def test_only_the_last_words_count_and_stand_at_the_end() -> None:
    ids = word_ids("um i'd like to")
    assert (ids[:-4] == 0).all()
    assert (ids[-4:, 0] > 0).all()
    many = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    assert np.array_equal(word_ids(f"yes no {many}"), word_ids(many))
    assert not word_ids("").any()


def test_words_are_plain() -> None:
    assert plain_words("Well, it’s £4,8 — OK?") == ["well", "it's", "four", "eight", "ok"]


def test_our_folder_is_ours_and_named_for_the_journal() -> None:
    model = load_end_of_turn(SHIPPED)
    assert isinstance(model, TurnEndModel)
    assert model.name == "turn-end-en"


def test_a_missing_model_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="models verify"):
        load_end_of_turn(tmp_path)


def test_a_model_for_other_features_is_refused(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "old")
    described = tmp_path / "old" / DESCRIPTION_FILE
    description = json.loads(described.read_text())
    description["features"]["frames"] += 1
    described.write_text(json.dumps(description))
    with pytest.raises(ValueError, match="another version"):
        load_end_of_turn(tmp_path / "old")
