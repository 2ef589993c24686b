# SPDX-License-Identifier: GPL-3.0-or-later
"""Terms and digit strings as people say them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spoken.digits import parse_digits
from spoken.terms import parse_term
from spoken.verbalise import cardinal, digit_by_digit, verbalise


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("three years", 36),
        ("a year and a half", 18),
        ("one and a half years", 18),
        ("two and a half years", 30),
        ("half a year", 6),
        ("a year", 12),
        ("sixty months", 60),
        ("36 months", 36),
        ("two years and six months", 30),
        ("a five year loan of twenty thousand", 60),
        ("two hundred thousand for renovation over five years", 60),
        ("five years no wait ten years", 120),
        ("three no four years", 48),
        ("five to ten years", None),
        ("between five and ten years", None),
        ("five or ten years", None),
        ("five years or maybe ten years", None),
        ("twelve fifty months", None),
        ("a few years", None),
        ("sixty", None),
        ("", None),
    ],
)
def test_term(text: str, months: int | None) -> None:
    assert parse_term(text) == months


@pytest.mark.parametrize(
    ("text", "months"),
    [("five", 60), ("sixty", 60), ("24", 24), ("eleven", None), ("five or six", None), ("no", None)],
)
def test_bare_number_counts_when_it_was_asked_for(text: str, months: int | None) -> None:
    assert parse_term(text, asked=True) == months


@given(st.integers(min_value=1, max_value=480))
def test_spoken_months_come_back(months: int) -> None:
    assert parse_term(verbalise(f"over {months} months")) == months


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("four eight double two oh", "48220"),
        ("four eight two one", "4821"),
        ("my pin is four eight two one", "4821"),
        ("forty eight twenty one", "4821"),
        ("48 21", "4821"),
        ("4821", "4821"),
        ("triple seven one", "7771"),
        ("um it's nine oh one five", "9015"),
        ("twelve thirty", "1230"),
        ("four eight no wait five nine two one", "5921"),
        ("four hundred", None),
        ("my balance please", None),
        ("four banana", None),
        ("", None),
    ],
)
def test_digits(text: str, digits: str | None) -> None:
    assert parse_digits(text) == digits


def test_known_count_helps_the_half_heard_and_refuses_the_wrong() -> None:
    assert parse_digits("for eight to one", count=4) == "4821"
    assert parse_digits("for eight to one") is None
    assert parse_digits("four eight two", count=4) is None


@given(st.from_regex(r"[0-9]{1,16}", fullmatch=True))
def test_spoken_digits_come_back(digits: str) -> None:
    assert parse_digits(digit_by_digit(digits)) == digits
    assert parse_digits(digits) == digits


@example(text="1" + "0" * 40)
@given(st.text(max_size=40))
def test_any_text_is_survived(text: str) -> None:
    assert (parse_digits(text) or "0").isdigit()
    assert (parse_term(text, asked=True) or 1) > 0


@given(st.integers(min_value=10, max_value=99))
def test_pairs_come_back(pair: int) -> None:
    assert parse_digits(cardinal(pair)) == str(pair)
