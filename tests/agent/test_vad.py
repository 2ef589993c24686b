# SPDX-License-Identifier: GPL-3.0-or-later
"""The speech gate on probabilities, and the real Silero network on real sound."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ear import Ear
from agent.settings import VadSettings
from agent.vad import WINDOW_MS, Offset, Onset, SpeechGate, SpeechProbability, load_network
from contracts.media_stream import FRAME_BYTES
from tellerline.scenario.caller_voice import speech


def changes(probabilities: list[float]) -> list[Onset | Offset]:
    gate = SpeechGate(VadSettings())
    return [change for change in map(gate.push, probabilities) if change is not None]


def test_speech_is_dated_back_to_its_first_window() -> None:
    assert changes([0, 0, 0.9, 0.9, 0.9]) == [Onset(2 * WINDOW_MS)]


def test_one_loud_window_is_a_click() -> None:
    assert changes([0, 0.9, 0, 0.9, 0]) == []


def test_a_stop_closure_does_not_end_speech_and_a_pause_does() -> None:
    assert changes([0.9, 0.9, 0.1, 0.1, 0.9]) == [Onset(0)]
    assert changes([0.9, 0.9, 0.1, 0.1, 0.1]) == [Onset(0), Offset(2 * WINDOW_MS)]


def test_between_the_thresholds_nothing_changes() -> None:
    assert changes([0.9, 0.9] + [0.4] * 20) == [Onset(0)]
    assert changes([0.4] * 20) == []


@given(st.lists(st.floats(0, 1), max_size=200))
def test_onsets_and_offsets_take_turns_and_time_never_goes_back(probabilities: list[float]) -> None:
    found = changes(probabilities)
    assert all(isinstance(change, Onset if index % 2 == 0 else Offset) for index, change in enumerate(found))
    assert [change.at_ms for change in found] == sorted(change.at_ms for change in found)


@pytest.fixture(scope="module")
def ear() -> Ear:
    return Ear(SpeechProbability(load_network()), SpeechGate(VadSettings()))


def test_silence_and_hiss_are_no_speech(ear: Ear) -> None:
    hiss = (np.random.default_rng(1).normal(0, 100, 8000 * 3)).astype("<i2").tobytes()
    frames = [bytes(FRAME_BYTES)] * 50
    frames += [hiss[at : at + FRAME_BYTES] for at in range(0, len(hiss), FRAME_BYTES)]
    assert [change for frame in frames for change in ear.hear(frame)] == []


def test_the_ear_remembers_what_it_heard() -> None:
    ear = Ear(SpeechProbability(load_network()), SpeechGate(VadSettings()))
    tone = (np.sin(np.arange(8000 * 40) * 2 * np.pi * 440 / 8000) * 8000).astype("<i2").tobytes()
    for at in range(0, len(tone), FRAME_BYTES):
        ear.hear(tone[at : at + FRAME_BYTES])
    sound = ear.sound(38_000, 39_000)
    assert sound.shape == (16_000,)
    assert np.abs(sound).max() == pytest.approx(8000 / 32768, rel=0.1)
    assert len(ear.sound(0, 5000)) == 0, "forgotten after 32 s"


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng speaks the word")
@pytest.mark.parametrize("lead_samples", [0, 128, 256, 384])
def test_a_short_word_after_seconds_of_digital_silence_is_heard(lead_samples: int) -> None:
    ear = Ear(SpeechProbability(load_network()), SpeechGate(VadSettings()))
    # An idle A-law line decodes to a constant +8.
    idle = np.full(8000 * 8 + lead_samples, 8, "<i2").tobytes()
    line = idle + speech("hello") + np.full(8000, 8, "<i2").tobytes()
    frames = [line[at : at + FRAME_BYTES] for at in range(0, len(line) - FRAME_BYTES, FRAME_BYTES)]
    found = [change for frame in frames for change in ear.hear(frame)]
    assert [type(change) for change in found] == [Onset, Offset]
    assert found[1].at_ms - found[0].at_ms >= 300
