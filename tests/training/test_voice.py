# SPDX-License-Identifier: GPL-3.0-or-later
"""The English voice: its text, alignment and training arithmetic, and the shipped files in plain Piper."""

from __future__ import annotations

import importlib.util
import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.voice import corpus, phrases

ROOT = Path(__file__).resolve().parents[2]
VOICE = ROOT / "models" / "voice-en"
WORDS = ["garden", "bridge", "seven", "theory"]


def _needs(*modules: str) -> pytest.MarkDecorator:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    reason = f"needs {', '.join(missing)}: pip install -r training/requirements-voice.txt"
    return pytest.mark.skipif(bool(missing), reason=reason)


needs_signal = _needs("scipy", "soundfile")
needs_torch = _needs("torch", "scipy", "soundfile")
needs_piper = _needs("piper")


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        (0, "zero"),
        (19, "nineteen"),
        (40, "forty"),
        (206, "two hundred six"),
        (12_500, "twelve thousand five hundred"),
        (1_000_001, "one million one"),
    ],
)
def test_numbers_are_spoken(number: int, spoken: str) -> None:
    assert corpus.cardinal(number) == spoken


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**9 - 1))
def test_different_numbers_are_spoken_differently(one: int, other: int) -> None:
    assert (corpus.cardinal(one) == corpus.cardinal(other)) == (one == other)


@pytest.mark.parametrize("number", [-1, 10**9])
def test_numbers_beyond_the_grammar_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="0 to 999999999"):
        corpus.cardinal(number)


def test_days_of_the_month_are_ordinals() -> None:
    spoken = [corpus.ordinal(day) for day in range(1, 32)]
    assert len(set(spoken)) == 31
    assert spoken[0] == "first"
    assert spoken[20:22] == ["twenty first", "twenty second"]
    assert spoken[29:] == ["thirtieth", "thirty first"]


def test_a_corpus_is_distinct_held_apart_speakable_and_repeatable() -> None:
    made = corpus.compose(600, WORDS, seed=3, held=30)
    assert len(set(made.sentences)) == len(made.sentences) == 630
    assert not set(made.train) & {*made.held_banking, *made.held_general}
    assert corpus.speakable(made.sentences) == []
    assert made == corpus.compose(600, WORDS, seed=3, held=30)
    assert made != corpus.compose(600, WORDS, seed=4, held=30)


def test_a_corpus_covers_the_way_a_bank_agent_speaks() -> None:
    text = " ".join(corpus.compose(2300, WORDS).train).lower()
    wanted = [
        *phrases.MONTHS,
        *phrases.WEEKDAYS,
        "percent",
        "dollars",
        "recorded",
        "automated",
        "thousand",
        "declined",
    ]
    assert [word for word in wanted if word.lower() not in text] == []
    assert all(re.search(rf"\b{corpus.cardinal(digit)}\b", text) for digit in range(10))


def test_every_slot_of_every_pattern_is_known() -> None:
    grammar = corpus.Grammar(random.Random(0), WORDS)
    for pattern in (*phrases.BANKING, *phrases.CARRIERS, *phrases.GENERAL):
        assert "{" not in grammar._fill([pattern])


def test_an_empty_corpus_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        corpus.compose(0, WORDS)
    with pytest.raises(ValueError, match="dictionary word"):
        corpus.compose(5, [])


_SEGMENTS = "#\n0.1750 100 pau\n0.2600 100 hh\n0.3200 100 ax\n0.4000 100 l\n0.5500 100 ow\n0.6500 100 pau\n"


@needs_signal
def test_the_teachers_labels_are_read_and_its_outer_silence_is_cut() -> None:
    from training.voice import teacher

    phones = teacher.parse_segments(_SEGMENTS)
    assert [phone.name for phone in phones] == ["pau", "hh", "ax", "l", "ow", "pau"]
    rng = np.random.default_rng(0)
    audio = rng.uniform(-0.5, 0.5, round(0.65 * teacher.SAMPLE_RATE)).astype(np.float32)
    cut = teacher.trim(teacher.Utterance("hello", audio, phones))
    assert cut.phones[0].end == pytest.approx(teacher.LEAD_S)
    assert len(cut.audio) / teacher.SAMPLE_RATE == pytest.approx(
        0.55 - 0.175 + teacher.LEAD_S + teacher.TAIL_S, abs=1e-3
    )
    assert cut.phones[-1].end == pytest.approx(len(cut.audio) / teacher.SAMPLE_RATE, abs=1e-3)
    assert cut.audio[0] == 0
    assert all(
        one.end == pytest.approx(after.start) for one, after in zip(cut.phones, cut.phones[1:], strict=False)
    )


@needs_signal
@pytest.mark.parametrize("text", ["", "#\n", "no labels here at all"])
def test_a_label_file_without_phones_is_refused(text: str) -> None:
    from training.voice import teacher

    with pytest.raises(ValueError, match="no phone"):
        teacher.parse_segments(text)


@needs_signal
def test_phones_and_symbols_meet_and_no_time_is_lost() -> None:
    from training.voice import teacher
    from training.voice.alignment import align, units

    symbols = ["^", *"həlˈoʊ.", "$"]
    assert [unit.symbol for unit in units(symbols)] == ["^", "h", "ə", "l", "oʊ", ".", "$"]
    phones = teacher.parse_segments(_SEGMENTS)
    found = align(symbols, phones)
    assert found.cost == pytest.approx(0, abs=0.04)
    assert sum(found.seconds) == pytest.approx(phones[-1].end)
    assert found.seconds[symbols.index("h")] == pytest.approx(0.085)
    assert found.seconds[symbols.index("ˈ")] == 0
    assert found.seconds[symbols.index("o")] == found.seconds[symbols.index("ʊ")] == pytest.approx(0.075)


@needs_signal
def test_a_swallowed_sound_takes_time_from_its_predecessor_and_other_words_cost() -> None:
    from training.voice import teacher
    from training.voice.alignment import align

    phones = teacher.parse_segments(_SEGMENTS)
    found = align(["^", *"həlˈoʊz.", "$"], phones)
    assert found.seconds[7] == pytest.approx(0.05)
    assert sum(found.seconds) == pytest.approx(phones[-1].end)
    assert align(["^", *"stˈɹiːt.", "$"], phones).cost > 0.25


@needs_torch
@settings(deadline=None)  # the first call imports torch
@given(st.lists(st.floats(0, 0.4), min_size=1, max_size=80))
def test_frames_follow_the_clock_within_half_a_frame(seconds: list[float]) -> None:
    from training.voice.examples import frame_counts
    from training.voice.vocoder import HOP, SAMPLE_RATE

    ends = np.cumsum(frame_counts(np.array(seconds))) * HOP / SAMPLE_RATE
    assert np.abs(ends - np.cumsum(seconds)).max() <= HOP / SAMPLE_RATE / 2 + 1e-9


@needs_torch
def test_the_schedule_warms_up_and_ends_at_a_twentieth() -> None:
    from training.voice.train import learning_rate

    rates = [learning_rate(step, 1000) for step in range(1001)]
    assert rates[0] < rates[20] < rates[39]
    assert max(rates) == pytest.approx(1.5e-3, rel=0.01)
    assert rates[1000] == pytest.approx(1.5e-3 / 20)
    assert rates[40:] == sorted(rates[40:], reverse=True)
    annealed = [learning_rate(step, 1000, (600, 700)) for step in range(701)]
    assert annealed[:601] == rates[:601]
    assert annealed[650] == pytest.approx((rates[600] + rates[1000]) / 2)
    assert annealed[700] == pytest.approx(rates[1000])


@needs_torch
def test_an_epoch_takes_every_example_once_and_the_seed_decides_the_order() -> None:
    from training.voice.train import choose

    taken = [place for step in range(10) for place in choose(40, step, seed=1, batch=8)]
    assert sorted(taken[:40]) == sorted(taken[40:]) == list(range(40))
    assert taken[:40] != taken[40:]
    assert choose(40, 3, seed=1, batch=8) == taken[24:32]
    assert choose(40, 3, seed=2, batch=8) != taken[24:32]


@needs_torch
def test_the_pulse_train_has_the_pitch_and_unit_power() -> None:
    import torch

    from training.voice.vocoder import SAMPLE_RATE, pulse_train

    wave = pulse_train(torch.full((1, 80), 200.0), torch.ones(1, 80))[0]
    assert wave.square().mean() == pytest.approx(1, rel=0.15)
    spectrum = torch.fft.rfft(wave).abs()
    loudest = int(spectrum[: len(spectrum) // 20].argmax()) * SAMPLE_RATE / len(wave)
    assert loudest % 200 == pytest.approx(0, abs=1)
    assert not pulse_train(torch.full((1, 4), 200.0), torch.zeros(1, 4)).any()


@needs_torch
def test_silence_before_the_first_sound_is_dropped_down_to_20_ms() -> None:
    import torch

    from training.voice.model import from_first_sound

    tone = torch.sin(torch.arange(4000) * 0.3)[None]
    late = torch.cat([torch.zeros(1, 1600) + 1e-4, tone], 1)
    assert from_first_sound(late).shape[1] == 4000 + 320
    assert from_first_sound(tone).shape[1] == 4000


@needs_torch
def test_training_resumed_is_the_training_that_was_never_cut(tmp_path: Path) -> None:
    import torch

    from training.voice.examples import Example
    from training.voice.train import train

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    durations = np.array([1, 5, 6, 4, 2], np.int64)
    frames = int(durations.sum())
    example = Example(
        np.array([1, 20, 60, 27, 2], np.int64),
        durations,
        np.full(frames, 190, np.float32),
        np.ones(frames, np.float32),
        rng.integers(-3000, 3000, frames * 200).astype(np.int16),
        0.0,
    )

    class Cut(Exception):
        pass

    def cut(now: object) -> None:
        raise Cut

    whole = train([example], [example], 2, tmp_path / "whole.pt", every=1, batch=2)
    with pytest.raises(Cut):
        train([example], [example], 2, tmp_path / "cut.pt", report=cut, every=1, batch=2)
    resumed = train([example], [example], 2, tmp_path / "cut.pt", every=1, batch=2)
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[name]), name
    with pytest.raises(ValueError, match="another --work"):
        train([example], [example], 3, tmp_path / "cut.pt")


@_needs("torch", "onnx", "onnxruntime", "piper", "pyworld", "pocketsphinx", "soundfile", "scipy")
@pytest.mark.skipif(shutil.which("festival") is None, reason="needs festival with festvox-us-slt-hts")
@pytest.mark.timeout(600)
def test_the_whole_pipeline_runs_small(tmp_path: Path) -> None:
    if not Path("/usr/share/festival/voices/us/cmu_us_slt_arctic_hts").exists():
        pytest.skip("needs festvox-us-slt-hts")
    from training.voice.__main__ import main

    out = tmp_path / "voice"
    numbers = ["--steps", "3", "--until", "2", "--sentences", "6", "--held", "3"]
    assert main(["--out", str(out), "--work", str(tmp_path / "work"), *numbers]) == 0
    assert {path.name for path in out.iterdir()} == {
        "voice.onnx",
        "voice.onnx.json",
        "MODEL_CARD.md",
        "SHA256SUMS",
    }
    assert "--steps 3 --until 2 --seed 0" in (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert main(["--out", str(out), "--work", str(tmp_path / "work"), *numbers[:-1], "4"]) == 1


# The shipped voice


def _say(text: str, length_scale: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    from piper import PiperVoice, SynthesisConfig

    voice = PiperVoice.load(VOICE / "voice.onnx")
    config = SynthesisConfig(noise_scale=0.0, length_scale=length_scale, normalize_audio=False)
    chunks = list(voice.synthesize(text, config))
    assert {chunk.sample_rate for chunk in chunks} == {16_000}
    return np.concatenate([chunk.audio_float_array for chunk in chunks])


def _leading_silence_ms(audio: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    power = (audio[: len(audio) // 80 * 80].reshape(-1, 80).astype(np.float64) ** 2).mean(1)
    return 5.0 * float(np.flatnonzero(power > power.max() * 1e-4)[0])


def test_the_shipped_voice_is_small_and_whole() -> None:
    from tellerline.model_registry import load_registry, verify

    assert sum(path.stat().st_size for path in VOICE.iterdir()) <= 8_000_000
    assert verify(load_registry(ROOT / "models" / "registry.yml").entry("voice-en"), ROOT / "models") == []


@needs_piper
@pytest.mark.parametrize(
    "text",
    [
        "Thank you, you are verified.",
        "Please hold the line.",
        "The balance is twelve thousand dollars.",
        "Hello.",
    ],
)
def test_the_shipped_voice_speaks_at_once_and_for_as_long_as_a_person_would(text: str) -> None:
    audio = _say(text)
    assert _leading_silence_ms(audio) <= 30
    syllables = len(re.findall(r"[aeiouy]+", text.lower()))
    assert 0.08 * syllables <= len(audio) / 16_000 <= 0.45 * syllables + 0.3
    assert 0.02 < float(np.sqrt((audio**2).mean())) < 0.4
    assert np.isfinite(audio).all()


@needs_piper
def test_the_shipped_voice_says_the_same_bits_twice() -> None:
    text = "Your six digit code is four seven nine one two three."
    assert np.array_equal(_say(text), _say(text))


@needs_piper
def test_the_shipped_voice_keeps_its_unvoiced_sounds_without_random_noise() -> None:
    audio = _say("Sixty six.")
    spectrum = np.abs(np.fft.rfft(audio)) ** 2
    frequency = np.fft.rfftfreq(len(audio), 1 / 16_000)
    assert spectrum[frequency > 4000].sum() > 0.005 * spectrum.sum()


@needs_piper
def test_the_shipped_voice_slows_down_when_asked() -> None:
    assert len(_say("How can I help you today?", 1.4)) > 1.2 * len(_say("How can I help you today?"))
