# SPDX-License-Identifier: GPL-3.0-or-later
"""What the voice reads."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spoken.verbalise import cardinal, ordinal, verbalise


@pytest.mark.parametrize(
    ("text", "speech"),
    [
        ("You have $12,500.37.", "You have twelve thousand five hundred dollars and thirty seven cents."),
        ("You have $1.", "You have one dollar."),
        ("You have -$20.01.", "You have minus twenty dollars and one cent."),
        ("$0.00", "zero dollars"),
        ("at 8.9 % a year", "at eight point nine percent a year"),
        ("at 12% a year", "at twelve percent a year"),
        ("over 36 months", "over thirty six months"),
        ("your card ending in 4821.", "your card ending in four eight two one."),
        ("Your reference is 700012.", "Your reference is seven zero zero zero one two."),
        ("until 2026-11-30.", "until the thirtieth of November twenty twenty six."),
        ("until 2005-01-02", "until the second of January two thousand and five"),
        ("from 9 am to 5:30 pm", "from nine a m to five thirty p m"),
        ("Press 1 for balance, 0 for a person.", "Press one for balance, zero for a person."),
        ("your PIN", "your pin"),
        ("2026-13-45", "two zero two six one three four five"),
        ("No figures here.", "No figures here."),
        ("1,000 or 25000 or 007", "one thousand or twenty five thousand or zero zero seven"),
    ],
)
def test_verbalise(text: str, speech: str) -> None:
    assert verbalise(text) == speech


@given(
    st.dates(min_value=dt.date(1900, 1, 1), max_value=dt.date(2099, 12, 31)), st.decimals(0, 10**9, places=2)
)
def test_no_figure_or_sign_is_left(day: dt.date, amount: object) -> None:
    speech = verbalise(
        f"Until {day.isoformat()} you owe ${amount:,} at 7.25 % on the card ending in 0042 by 12:05 pm."
    )
    assert not re.search(r"[\d$%]", speech)


def test_verbalise_changes_nothing_the_second_time() -> None:
    once = verbalise("You have $12,500.37 at 8.9 % on the card ending in 4821.")
    assert verbalise(once) == once


def test_ordinals_and_limits() -> None:
    assert [ordinal(n) for n in (1, 12, 20, 21, 22, 31)] == [
        "first", "twelfth", "twentieth", "twenty first", "twenty second", "thirty first",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="too large"):
        cardinal(10**12)
