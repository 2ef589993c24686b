# SPDX-License-Identifier: GPL-3.0-or-later
"""How much silence ends a turn: by what is expected, the words, the judge, and the step of the dialogue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns.endpointing import endpointing_delay_ms, trails_off
from agent.turns.expectation import Expectation
from agent.turns.settings import EndpointingSettings
from contracts.reply import TurnKnobs

SETTINGS = EndpointingSettings()
FREE_MS = 550


def delay(text: str, finished: float | None = None, expectation: Expectation | None = None) -> int:
    return endpointing_delay_ms(expectation or Expectation(), text, finished, FREE_MS, SETTINGS)


@pytest.mark.parametrize(
    ("finished", "expected_ms"),
    [
        (None, FREE_MS),
        (0.95, SETTINGS.sure_ms),
        (SETTINGS.even, FREE_MS),
        (SETTINGS.unsure, SETTINGS.doubtful_ms),
        (0.05, SETTINGS.patient_ms),
    ],
)
def test_the_judge_shortens_what_is_finished_and_waits_for_the_rest(
    finished: float | None, expected_ms: int
) -> None:
    assert delay("my card was stolen", finished) == expected_ms


@pytest.mark.parametrize("text", ["i'd like to", "i'd like two", "it's for the", "well um", "i want too"])
def test_words_that_end_no_sentence_outvote_a_judge(text: str) -> None:
    assert trails_off(text)
    assert delay(text, finished=0.99) == SETTINGS.unfinished_ms


@pytest.mark.parametrize("text", ["", "number two", "yes", "twenty two", "me too"])
def test_words_that_may_end_one(text: str) -> None:
    assert not trails_off(text)


def test_a_sound_without_words_is_not_judged() -> None:
    assert delay("", finished=0.01) == FREE_MS


def test_a_yes_never_waits_for_a_judge() -> None:
    assert delay("yes", 0.05, Expectation("yes_no")) == SETTINGS.yes_no_ms
    assert delay("yes", 0.95, Expectation("yes_no")) == SETTINGS.sure_ms
    assert delay("no thank you", 0.05) == SETTINGS.whole_ms


def test_whoever_answers_a_yes_or_no_with_a_sentence_gets_the_time_of_one() -> None:
    assert delay("yes i'd like a loan", SETTINGS.even, Expectation("yes_no")) == FREE_MS
    assert delay("yes i'd like", 0.05, Expectation("yes_no")) == SETTINGS.unfinished_ms
    assert delay("yes my card number", 0.05, Expectation("yes_no")) == SETTINGS.patient_ms


def test_digits_wait_for_their_count_whatever_the_judge_says() -> None:
    asked = Expectation("digits", digits=4)
    assert delay("four eight", 0.99, asked) == SETTINGS.digits_ms
    assert delay("four eight two one", 0.01, asked) == SETTINGS.full_ms


def test_a_step_of_the_dialogue_sets_its_own() -> None:
    patient = Expectation(turn=TurnKnobs(endpointing_ms=1200, unfinished_ms=6000))
    assert delay("my card was stolen", None, patient) == 1200
    assert delay("my card was stolen", SETTINGS.even, patient) == 1200
    assert delay("my card was stolen", 0.05, patient) == SETTINGS.patient_ms
    assert delay("it's for the", None, patient) == 6000
    assert delay("my card was stolen", 0.95, patient) == SETTINGS.sure_ms


@given(st.floats(0, 1), st.floats(0, 1), st.text(alphabet="abc to", min_size=1, max_size=20))
def test_the_surer_the_sooner(one: float, other: float, text: str) -> None:
    surer, less = max(one, other), min(one, other)
    assert delay(text, surer) <= delay(text, less)
