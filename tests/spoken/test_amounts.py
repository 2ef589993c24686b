# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts as people say them, and the doubts that must be asked about."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoken.amounts import parse_amount
from spoken.verbalise import money, verbalise

SAID = {
    "two hundred thousand": "200000",
    "i'd like to borrow two hundred thousand for renovation over five years": "200000",
    "twelve and a half thousand": "12500",
    "fifty grand": "50000",
    "fifty k please": "50000",
    "50k": "50000",
    "2m": "2000000",
    "12.5k": "12500",
    "two point five million": "2500000",
    "two point two five million dollars": "2250000",
    "half a million": "500000",
    "a quarter of a million": "250000",
    "a million and a half": "1500000",
    "three thousand five hundred dollars": "3500",
    "three thousand five hundred dollars and thirty seven cents": "3500.37",
    "thirty seven cents": "0.37",
    "12,500": "12500",
    "$12,500.37": "12500.37",
    "12500": "12500",
    "200 thousand": "200000",
    "fifteen hundred": "1500",
    "twenty five hundred": "2500",
    "a hundred and fifty": "150",
    "a hundred and fifty thousand": "150000",
    "one hundred fifty thousand": "150000",
    "two fifty thousand": "250000",
    "a hundred grand": "100000",
    "two million five hundred thousand": "2500000",
    "ten thousand and five": "10005",
    "eight thousand": "8000",
    "about ten thousand or so": "10000",
    "fifty no wait sixty thousand": "60000",
    "fifty thousand no sixty thousand": "60000",
    "no wait sixty thousand": "60000",
    "fifty thousand sorry i mean fifteen thousand": "15000",
    "make that eighty thousand": "80000",
    "forty thousand actually": "40000",
    "no fifty thousand": "50000",
    "a five year loan of thirty thousand": "30000",
    "twenty thousand over thirty six months": "20000",
    "there are two of us and we want fifty thousand": "50000",
    "i would like one for a car it costs nine thousand": "9000",
    "fifty": "50",
    "five hundred dollars": "500",
}
NUMBER_WORDS = [
    "a", "and", "half", "of", "one", "two", "ten", "twenty", "fifty", "hundred", "thousand", "million",
    "point", "no", "wait", "dollars", "cents", "years", "k", "12",
]  # fmt: skip
DOUBTFUL = [
    "",
    "yes please",
    "i need one",
    "twelve fifty",
    "nineteen ninety nine",
    "three thousand five",
    "two million three hundred",
    "to hundred thousand",
    "hundred thousand",
    "a few thousand",
    "several hundred",
    "a couple of thousand",
    "twenty to thirty thousand",
    "twenty or thirty thousand",
    "between ten and twenty thousand",
    "ten thousand for the car and five thousand for the boat",
    "five years",
    "sixty months",
    "eight percent",
    "zero",
    "1.2345",
]


@pytest.mark.parametrize(("text", "amount"), SAID.items())
def test_amount_is_understood(text: str, amount: str) -> None:
    assert parse_amount(text) == Decimal(amount)


@pytest.mark.parametrize("text", DOUBTFUL)
def test_doubt_is_none(text: str) -> None:
    assert parse_amount(text) is None


@given(st.integers(min_value=1, max_value=10**11 - 1))
def test_what_is_spoken_is_understood(cents: int) -> None:
    amount = Decimal(cents) / 100
    assert parse_amount(money(amount)) == amount
    assert parse_amount(verbalise(f"${amount:,.2f}")) == amount
    assert parse_amount(f"${amount:,.2f}") == amount


@given(st.integers(min_value=1, max_value=10**9))
def test_the_voice_may_drop_the_and(dollars: int) -> None:
    """A dropped "and" must never turn one amount into another."""
    assert parse_amount(money(Decimal(dollars)).replace(" and ", " ")) in {Decimal(dollars), None}


@given(st.text(max_size=60))
def test_any_text_is_survived(text: str) -> None:
    amount = parse_amount(text)
    assert amount is None or amount > 0


@given(st.lists(st.sampled_from(NUMBER_WORDS), max_size=9))
def test_any_order_of_number_words_is_survived(words: list[str]) -> None:
    amount = parse_amount(" ".join(words))
    assert amount is None or amount == amount.quantize(Decimal("0.01"))
