# SPDX-License-Identifier: GPL-3.0-or-later
"""The turn-end model's making: what is finished, where callers pause, how sound is cut, the command."""

from __future__ import annotations

import hashlib
import random
import shutil
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.recognizer import grammar
from training.turn_end.completeness import OPEN_KINDS, is_whole
from training.turn_end.utterances import (
    HESITATIONS,
    KINDS,
    Segment,
    Utterance,
    choose_cuts,
    evaluation_utterances,
    training_utterances,
)

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "turn-end-en"
NEEDED = "pip install -r training/requirements-turn-end.txt"


def training_module(name: str, *packages: str) -> ModuleType:
    """A module that needs more than the agent's environment, or a skipped test that says so."""
    for package in packages:
        pytest.importorskip(package, reason=f"{package} is not installed: {NEEDED}")
    return pytest.importorskip(f"training.turn_end.{name}", reason=NEEDED)


def sentence(text: str) -> Utterance:
    return Utterance((Segment(tuple(text.split()), "sentence"),))


@pytest.mark.quick
def test_every_sentence_of_the_grammar_is_whole() -> None:
    drawn = [item for item in islice(grammar.training_sentences(11), 3000) if item.kind not in OPEN_KINDS]
    assert not [item.text for item in drawn if not is_whole(item.text)]
    unseen = grammar.evaluation_sentences(12, 200, KINDS)
    assert not [item.text for item in unseen if not is_whole(item.text, unseen=True)]


@pytest.mark.quick
@pytest.mark.parametrize(
    "text",
    ["i'd like to", "my card number is", "it's for the", "what is my", "um", "no i mean", "i need a loan of",
     "can you", "i want to borrow two hundred thousand dollars for", "two hundred and"],
)  # fmt: skip
def test_a_beginning_is_not_whole(text: str) -> None:
    assert not is_whole(text)
    assert not is_whole(text, unseen=True)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("text", "words", "place", "least"),
    [
        ("what is my balance please", 4, "soft", 0.7),
        ("what is my balance please", 3, "unfinished", 0.0),
        ("what is my balance please", 5, "whole", 1.0),
        ("two hundred thousand dollars", 2, "number", 0.0),
        ("i'd like to um borrow five thousand euros", 4, "unfinished", 0.0),
        ("yes i do", 1, "soft", 0.5),
    ],
)
def test_places_of_a_sentence(text: str, words: int, place: str, least: float) -> None:
    cut = sentence(text).cut(words)
    assert cut.place == place
    assert least <= cut.target <= (1.0 if least else 0.0)


@pytest.mark.quick
def test_a_second_sentence_makes_the_first_softly_finished_and_a_group_of_digits_not() -> None:
    (stolen,) = sentence("my card was stolen").segments
    both = Utterance((stolen, *sentence("please block my card").segments))
    assert both.cut(4).place == "soft"
    assert both.joints == {4}
    assert both.text(commas=both.joints) == "my card was stolen, please block my card"
    groups = Utterance((Segment(("four", "eight"), "digits"), Segment(("two", "one"), "digits")))
    assert groups.cut(2).target == 0
    assert groups.cut(4).place == "whole"


@pytest.mark.quick
@given(st.integers(0, 10_000))
def test_cuts_are_inside_and_every_place_has_a_target(seed: int) -> None:
    rng = random.Random(seed)
    for utterance in islice(training_utterances(seed), 3):
        cuts = choose_cuts(utterance, 2, rng)
        assert all(0 < words < len(utterance.words) for words in cuts)
        for words in range(1, len(utterance.words) + 1):
            cut = utterance.cut(words)
            assert 0 <= cut.target <= 1
            assert (cut.place == "whole") == (words == len(utterance.words))


@pytest.mark.quick
def test_no_training_utterance_holds_a_held_out_sentence() -> None:
    for utterance in islice(training_utterances(5), 2000):
        for segment in utterance.segments:
            plain = " ".join(word for word in segment.words if word not in HESITATIONS)
            if segment.role == "sentence" and plain == " ".join(segment.words):
                assert not grammar.held_out(plain), plain


@pytest.mark.quick
def test_evaluation_utterances_are_of_held_out_sentences() -> None:
    trained = {
        " ".join(segment.words)
        for utterance in islice(training_utterances(1), 3000)
        for segment in utterance.segments
        if segment.role == "sentence"
    }
    unseen = [
        " ".join(segment.words)
        for utterance in evaluation_utterances(2, 200)
        for segment in utterance.segments
        if segment.role == "sentence" and len(segment.words) > 5
    ]
    assert len(unseen) > 50
    # "can you say that again please" and its like are a closed class: there only the voice is unseen.
    assert len(set(unseen) & trained) < 0.1 * len(unseen)


@pytest.mark.parametrize("engine", ["EspeakWords", "FliteWords"])
def test_voices_tell_where_words_end(engine: str) -> None:
    voices = training_module("voices", "scipy", "soundfile")
    program = {"EspeakWords": "espeak-ng", "FliteWords": "flite"}[engine]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt-get install {program}")
    spoken = getattr(voices, engine)().say(
        "my card was stolen, please block it", random.Random(1), held_out=True
    )
    known = [end for end in spoken.ends if end > 0]
    assert len(spoken.ends) == 7
    assert len(known) >= 5
    assert known == sorted(known)
    cut = spoken.until(4)
    assert len(cut) == spoken.ends[3]
    assert abs(cut[-1]) < 0.01
    # Where the comma is, hardly anything is heard until the next word.
    after = spoken.samples[spoken.ends[3] + 160 : spoken.ends[3] + 400]
    assert np.sqrt(np.mean(after**2)) < 0.3 * np.sqrt(np.mean(cut**2))


def test_figures_of_the_evaluation() -> None:
    evaluate = training_module("evaluate", "torch", "scipy")
    low, high = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.35, 0.9])
    assert evaluate.area_under_curve(high, low) == pytest.approx(7 / 8)
    assert evaluate.area_under_curve(low, low) == pytest.approx(0.5)
    share, threshold = evaluate.caught(high, low, 0.25)
    assert (share, 0.3 <= threshold < 0.4) == (1.0, True)
    rows = evaluate.reliability(np.array([0.05, 0.95, 0.96]), np.array([0.0, 1.0, 0.0]))
    assert [row[2] for row in rows] == [1, 2]
    assert evaluate.calibration_error(rows) == pytest.approx((0.05 + 0.91) / 3)


@pytest.mark.timeout(300)
def test_pipeline_runs_small_and_resumes(tmp_path: Path) -> None:
    """The command itself on a few utterances, from speech to evaluation; then again from its files."""
    command = training_module("__main__", "torch", "onnx", "scipy", "soundfile", "faster_whisper")
    for program in ("espeak-ng", "flite"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install {program}")
    from agent.turn_end_model import TurnEndModel

    arguments = ["--out", str(tmp_path / "model"), "--work", str(tmp_path / "work"), "--utterances", "12",
                 "--unseen", "12", "--recognizer", str(tmp_path / "none")]  # fmt: skip
    assert command.main([*arguments, "--steps", "2"]) == 0
    assert command.main([*arguments, "--steps", "4"]) == 0
    assert 0 < TurnEndModel(tmp_path / "model").probability(np.zeros(0, np.float32), "yes") < 1
    assert "ROC AUC" in (tmp_path / "work" / "evaluation.md").read_text()


def test_training_continues_where_it_stopped(tmp_path: Path) -> None:
    """Interrupted or not, the same steps give the same network."""
    train = training_module("train", "torch", "scipy")
    examples = training_module("examples", "scipy", "soxr")
    shard = examples.Shard(
        tuple(examples.Example("yes", "", None, "whole", 1.0, "espeak/en") for _ in range(4)),
        np.random.default_rng(0).uniform(-5, 0, (4, 80, 27)).astype(np.float16),
    )
    recipe = train.Recipe(steps=3, heard=4, written=4)
    whole = train.Training(recipe, shard, _folder(tmp_path / "whole")).run()
    stopped = train.Training(recipe, shard, _folder(tmp_path / "parts"))
    stopped.advance(2)
    stopped.save()
    resumed = train.Training(recipe, shard, tmp_path / "parts").run()
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert np.array_equal(one.detach().numpy(), other.detach().numpy())


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.quick
def test_shipped_model_is_small_and_whole() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 2 * 2**20
    lines = (SHIPPED / "SHA256SUMS").read_text().splitlines()
    assert {line.split()[1] for line in lines} >= {"turn-end.onnx", "turn-end.json", "MODEL_CARD.md"}
    for line in lines:
        digest, name = line.split()
        assert hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() == digest, name
