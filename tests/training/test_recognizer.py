# SPDX-License-Identifier: GPL-3.0-or-later
"""The recogniser's making: its sentences, tokens, features, schedule; and the shipped model itself."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.recognizer import channel, cropping, grammar, lexicon, phones, spoken_numbers

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "recognizer-en"
NO_TORCH = "torch is not installed: pip install -r training/requirements-recognizer.txt"


def training_module(name: str) -> object:
    """A module that needs torch, or a skipped test that says so."""
    pytest.importorskip("torch", reason=NO_TORCH)
    return pytest.importorskip(f"training.recognizer.{name}", reason=NO_TORCH)


@pytest.mark.quick
def test_training_sentences_never_hold_a_held_out_one() -> None:
    sentences = list(islice(grammar.training_sentences(3), 5000))
    assert not [sentence.text for sentence in sentences if grammar.held_out(sentence.text)]


@pytest.mark.quick
def test_grammar_is_rich_and_plain() -> None:
    texts = [sentence.text for sentence in islice(grammar.training_sentences(4), 20_000)]
    assert len(set(texts)) > 11_000
    assert not {character for text in texts for character in text} - set("abcdefghijklmnopqrstuvwxyz' ")
    assert not [text for text in texts if "  " in text or text != text.strip()]


@pytest.mark.quick
def test_every_kind_is_drawn_and_random_sequences_are_a_fair_share() -> None:
    kinds = [sentence.kind for sentence in islice(grammar.training_sentences(5), 5000)]
    assert set(kinds) == set(grammar.KINDS)
    assert 0.12 < sum(kind.startswith("random") for kind in kinds) / len(kinds) < 0.35


@pytest.mark.quick
def test_open_evaluation_sentences_are_unseen() -> None:
    seen = {sentence.text for sentence in islice(grammar.training_sentences(1), 30_000)}
    closed = {"yes_no", "dialogue"}
    unseen = grammar.evaluation_sentences(102, 120)
    assert len({sentence.text for sentence in unseen}) == 120
    assert not [s.text for s in unseen if s.kind not in closed and s.text in seen]


@pytest.mark.quick
def test_core_phrases_are_never_held_out() -> None:
    assert {
        "yes",
        "yes please",
        "what is my balance",
        "do you have any offers for me",
    } <= lexicon.CORE_PHRASES
    assert not [phrase for phrase in lexicon.CORE_PHRASES if grammar.held_out(phrase)]


@pytest.mark.quick
def test_every_template_expands() -> None:
    rng = random.Random(0)
    for templates in (*lexicon.TEMPLATES.values(), *lexicon.HELD_OUT_TEMPLATES.values()):
        for template in templates:
            assert not set(grammar.expand(template, rng)) & set("{}()|"), template


@pytest.mark.quick
@given(st.integers(0, 999_999_999), st.randoms(use_true_random=False))
def test_cardinals_say_the_number(number: int, rng: random.Random) -> None:
    values = {word: value for value, word in enumerate(spoken_numbers.UNITS)}
    values |= {word: 10 * value for value, word in enumerate(spoken_numbers.TENS) if value > 1} | {"a": 1}
    total = group = 0
    for word in spoken_numbers.cardinal(number, rng).split():
        if word in values:
            group += values[word]
        elif word == "hundred":
            group *= 100
        elif word != "and":
            total, group = total + group * {"thousand": 1000, "million": 1_000_000}[word], 0
    assert total + group == number


@pytest.mark.quick
def test_phone_names_of_all_teachers_meet_in_one_inventory() -> None:
    assert phones.phone_class("espeak", "aI") == phones.phone_class("flite", "ay")
    assert phones.phone_class("espeak", "_:") == phones.phone_class("festival", "pau") == 0
    assert phones.phone_class("espeak", "no such phone") == phones.IGNORED


@pytest.mark.quick
@pytest.mark.parametrize("codec", [channel.mu_law, channel.a_law])
def test_g711_keeps_speech_within_its_quantisation(codec: object) -> None:
    wave = 0.5 * np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000)
    error = codec(wave) - wave  # type: ignore[operator]
    assert 30 < 10 * np.log10(np.mean(wave**2) / np.mean(error**2)) < 45


@pytest.mark.quick
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_augmentation_keeps_level_and_tells_where_the_speech_went(seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    clip = np.zeros(9600)
    clip[3200:6400] = 0.7 * np.sin(np.arange(3200) * 2 * np.pi * 700 / 8000)
    samples, stretch, shift = channel.augment(
        clip, rng.standard_normal(4000) * 0.01, channel.Strength.at(level), rng
    )
    assert np.abs(samples).max() <= 1.1
    middle = int(4800 * stretch + shift)
    early = int(800 * stretch + max(shift, 0))
    assert np.mean(samples[middle - 400 : middle + 400] ** 2) > np.mean(samples[early : early + 200] ** 2)


@pytest.mark.quick
def test_tokenizer_has_whispers_order_and_no_bare_space(tmp_path: Path) -> None:
    tokenizer_module = pytest.importorskip(
        "training.recognizer.tokenizer", reason="tokenizers is not installed"
    )
    tokenizer = tokenizer_module.build_tokenizer(tmp_path / "tokenizer.json", seed=1, sentences=2000)
    first = tokenizer.token_to_id("<|endoftext|>")
    specials = [tokenizer.id_to_token(first + n) for n in range(len(tokenizer_module.SPECIAL_TOKENS))]
    assert tuple(specials) == tokenizer_module.SPECIAL_TOKENS
    assert tokenizer.token_to_id("<|0.00|>") == first + len(specials)
    assert tokenizer.token_to_id("<|30.00|>") == tokenizer.get_vocab_size() - 1 < 51_864
    for text in (" -", " '", " ♩"):
        assert tokenizer.encode(text).tokens[0] != "Ġ", text
    for text in (" i'd like to borrow two hundred thousand", " zebra quokka"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


@pytest.mark.quick
@pytest.mark.parametrize("seconds", [0.4, 1.0, 2.37])
def test_features_equal_faster_whispers(seconds: float) -> None:
    features = training_module("features")
    from faster_whisper.feature_extractor import FeatureExtractor

    rng = np.random.default_rng(0)
    clips = [(rng.standard_normal(int(length * 16000)) * 0.1).astype(np.float32) for length in (seconds, 3.0)]
    mel, counts = features.log_mel(clips)  # type: ignore[attr-defined]
    reference = FeatureExtractor()(clips[0])
    frames = (
        int(counts[0]) - 2
    )  # the last frames reflect the sound's end, which in a batch is followed by zeros
    assert reference.shape[1] >= frames
    assert np.abs(mel[0, :, :frames].numpy() - reference[:, :frames]).max() < 1e-3
    assert not mel[0, :, int(counts[0]) :].any()


@pytest.mark.quick
@settings(deadline=None)
@given(st.integers(0, 3000), st.integers(0, 100))
def test_encoder_never_gets_160_frames(used: int, trailing: int) -> None:
    features = np.zeros((80, 3000), dtype=np.float32)
    features[:, :used] = 1
    frames = cropping.cropped_frames(features, trailing)
    assert frames != 160
    assert frames % 2 == 0
    assert max(100, min(3000, used)) <= frames <= 3000


@pytest.mark.quick
def test_phone_targets_follow_stretch_and_shift() -> None:
    batches = training_module("batches")
    classes, ends = np.array([0, 5, 9], dtype=np.int16), np.array([1600, 3200, 4800], dtype=np.int32)
    plain = batches.phone_targets(classes, ends, 35, 1.0, 0)  # type: ignore[attr-defined]
    assert plain.tolist() == [0] * 10 + [5] * 10 + [9] * 10 + [0] * 5
    moved = batches.phone_targets(classes, ends, 65, 2.0, 480)  # type: ignore[attr-defined]
    assert moved.tolist() == [0] * 23 + [5] * 20 + [9] * 20 + [0] * 2
    cut = batches.phone_targets(classes, ends, 5, 1.0, -1600)  # type: ignore[attr-defined]
    assert cut.tolist() == [5] * 5


@pytest.mark.quick
def test_schedule_ramps_on_the_phone_loss_and_ends_at_nothing() -> None:
    train = training_module("train")
    recipe = train.Recipe(steps=1000)  # type: ignore[attr-defined]
    easy = train.difficulty(recipe, train.Progress(step=700, level=0.0))  # type: ignore[attr-defined]
    assert (easy.longest_seconds, easy.level) == (recipe.shortest_seconds, 0.0)
    rates = [train.learning_rate(recipe, step) for step in range(1000)]  # type: ignore[attr-defined]
    assert max(rates) == pytest.approx(recipe.peak_rate)
    assert rates[-1] < 0.02 * recipe.peak_rate


@pytest.mark.timeout(300)
def test_pipeline_runs_small_and_resumes(tmp_path: Path) -> None:
    """The command itself on a few sentences, from synthesis to evaluation; then again from its files."""
    training_module("train")
    for program in ("espeak-ng", "flite", "festival"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install {program}")
    from training.recognizer.__main__ import main

    arguments = [
        "--out",
        str(tmp_path / "model"),
        "--work",
        str(tmp_path / "work"),
        "--sentences",
        "60",
        "--unseen",
        "12",
    ]
    assert main([*arguments, "--steps", "2"]) == 0
    assert main([*arguments, "--steps", "4"]) == 0
    assert (tmp_path / "model" / "model.bin").exists()
    assert "amounts" in (tmp_path / "work" / "evaluation.md").read_text()


@pytest.fixture(scope="module")
def shipped() -> object:
    faster_whisper = pytest.importorskip("faster_whisper", reason="faster-whisper is not installed")
    if not (SHIPPED / "model.bin").exists():
        pytest.skip("models/recognizer-en is not made: python -m training.recognizer --help")
    return faster_whisper.WhisperModel(str(SHIPPED), device="cpu", compute_type="int8", cpu_threads=1)


@pytest.mark.quick
def test_shipped_model_is_small_and_whole() -> None:
    if not SHIPPED.exists():
        pytest.skip("models/recognizer-en is not made: python -m training.recognizer --help")
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 10 * 2**20
    for line in (SHIPPED / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.quick
@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("I'd like to borrow two hundred thousand for renovation", "borrow two hundred thousand renovation"),
        ("yes please", "yes please"),
        ("what is my balance", "balance"),
    ],
)
def test_shipped_model_understands_a_voice_it_never_heard(
    shipped: object, text: str, needed: str, tmp_path: Path
) -> None:
    if shutil.which("flite") is None:
        pytest.skip("flite is not installed: apt-get install flite")
    import soundfile

    wave = tmp_path / "said.wav"
    subprocess.run(["flite", "-voice", "rms", "-t", text, "-o", str(wave)], check=True)
    samples, rate = soundfile.read(wave, dtype="float64")
    narrow = channel.mu_law(channel.resample(samples[: len(samples) & ~1], len(samples) * 8000 // rate & ~1))
    segments, _ = shipped.transcribe(  # type: ignore[attr-defined]
        channel.to_recognizer_rate(np.pad(narrow, (800, 3200))),
        language="en",
        beam_size=1,
        temperature=0.0,
        without_timestamps=True,
    )
    heard = " ".join(segment.text.strip() for segment in segments)
    assert set(needed.split()) <= set(heard.split()), heard
