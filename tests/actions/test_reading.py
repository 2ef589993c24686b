# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions read out of words by themselves: purposes and cards; and the figures that wording
carries.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from actions.cards import CardChoice, chosen
from actions.figures import dollars, percent
from actions.purposes import parse_purpose
from bank.lending.eligibility import Purpose

DEBIT, CREDIT = CardChoice(1, "debit", "4417"), CardChoice(2, "credit", "9032")


@pytest.mark.parametrize(
    ("words", "purpose"),
    [
        ("for renovation", Purpose.RENOVATION),
        ("i'd like to renovate my kitchen", Purpose.RENOVATION),
        ("two hundred thousand for a new bathroom over five years", Purpose.RENOVATION),
        ("a used car please", Purpose.CAR),
        ("for our wedding", Purpose.WEDDING),
        ("not the car the wedding", Purpose.WEDDING),
        ("my daughter's tuition", Purpose.EDUCATION),
        ("to pay off my debts", Purpose.DEBT),
        ("a personal loan for a car", Purpose.CAR),
        ("i want to borrow ten thousand", None),
        ("", None),
    ],
)
def test_purpose(words: str, purpose: Purpose | None) -> None:
    assert parse_purpose(words) == purpose


def test_a_purpose_on_no_list_counts_only_when_asked_for() -> None:
    assert parse_purpose("for a grand piano") is None
    assert parse_purpose("for a grand piano", asked=True) is Purpose.OTHER
    assert parse_purpose("blah fish", asked=True) is None


@pytest.mark.parametrize(
    ("words", "card"),
    [
        ("the credit card", CREDIT),
        ("my debit card was stolen", DEBIT),
        ("the first one", DEBIT),
        ("the second one please", CREDIT),
        ("the card ending in nine oh three two", CREDIT),
        ("four four one seven", DEBIT),
        ("my card", None),
        ("the credit or the debit card", None),
    ],
)
def test_card(words: str, card: CardChoice | None) -> None:
    assert chosen([DEBIT, CREDIT], words) == card


def test_the_only_card_needs_no_name() -> None:
    assert chosen([DEBIT], "my card") == DEBIT
    assert chosen([], "my card") is None


def test_figures() -> None:
    assert [dollars(Decimal(v)) for v in ("12500.00", "12500.37", "-5", "0")] == [
        "$12,500",
        "$12,500.37",
        "-$5",
        "$0",
    ]
    assert [percent(Decimal(v)) for v in ("8.90", "12.00", "10")] == ["8.9", "12", "10"]
