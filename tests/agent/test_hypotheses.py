# SPDX-License-Identifier: GPL-3.0-or-later
"""Among several readings of a sound, the one that answers the question, unless another is clear."""

from __future__ import annotations

import pytest

from agent.hypotheses import BONUS, Hypothesis, fits, most_fitting
from agent.turns.expectation import Expectation


def reading(text: str, logprob: float) -> Hypothesis:
    return Hypothesis(text, logprob, logprob / (len(text.split()) + 1))


def heard(expectation: Expectation, *readings: Hypothesis) -> str:
    best = most_fitting(readings, expectation)
    assert best is not None
    return best.text


def test_a_doubtful_reading_gives_way_to_one_that_answers() -> None:
    readings = (reading("know thank you", -1.0), reading("no thank you", -1.8))
    assert heard(Expectation("yes_no"), *readings) == "no thank you"
    assert heard(Expectation(), *readings) == "know thank you"


def test_a_clear_reading_wins_whatever_was_asked() -> None:
    readings = (reading("i want a person", -0.3), reading("yes", -0.3 - BONUS - 0.1))
    assert heard(Expectation("yes_no"), *readings) == "i want a person"


def test_digits_must_be_as_many_as_were_asked_for() -> None:
    readings = (reading("four eight two", -1.0), reading("four eight two one", -1.5))
    assert heard(Expectation("digits", digits=4), *readings) == "four eight two one"
    assert heard(Expectation("digits"), *readings) == "four eight two"


@pytest.mark.parametrize(
    ("kind", "text"), [("amount", "twenty thousand dollars"), ("yes_no", "no thank you")]
)
def test_what_fits(kind: str, text: str) -> None:
    assert fits(text, Expectation(kind))  # type: ignore[arg-type]
    assert not fits("what is the weather", Expectation(kind))  # type: ignore[arg-type]


def test_nothing_is_heard_in_no_readings() -> None:
    assert most_fitting((), Expectation()) is None
