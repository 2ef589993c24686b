# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealed is sealed: no form of a sensitive answer stays readable."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sensitive import keys_message, mask_keys, mask_text, text_message
from contracts.sealed import CannotOpen, Seal, new_key

SEAL = Seal(new_key())


def token(message: str) -> str:
    return str(json.loads(message.removeprefix("/keys"))["keys"])


@given(st.text("0123456789", min_size=3, max_size=19), st.booleans())
def test_long_rows_of_keys_are_always_sealed(digits: str, sensitive: bool) -> None:
    message = keys_message(digits, sensitive, "c-1", SEAL)
    assert digits not in message
    assert SEAL.open("c-1", token(message)) == digits
    assert mask_keys(digits, sensitive) == "•" * len(digits)


def test_a_menu_choice_stays_readable_unless_it_is_sensitive() -> None:
    assert keys_message("2", False, "c-1", SEAL) == '/keys{"keys": "2"}'
    assert "2" not in mask_keys("2", True)


def test_a_token_opens_in_its_own_call_only() -> None:
    stolen = token(keys_message("4821", True, "c-1", SEAL))
    with pytest.raises(CannotOpen):
        SEAL.open("c-2", stolen)
    with pytest.raises(CannotOpen):
        Seal(new_key()).open("c-1", stolen)


def test_dictated_digits_become_keys_and_other_words_lose_their_numbers() -> None:
    message = text_message("it's four eight two one", True, 4, "c-1", SEAL)
    assert SEAL.open("c-1", token(message)) == "4821"
    assert text_message("four eight something", True, 4, "c-1", SEAL) == "• • something"
    assert text_message("i do not know it", True, 4, "c-1", SEAL) == "i do not know it"
    assert text_message("/nlu_fallback", True, 4, "c-1", SEAL) == "/nlu_fallback"


def test_a_card_number_said_anywhere_is_masked_and_an_amount_is_not() -> None:
    assert "four" not in mask_text("my card is four four one one two two three three four five", False)
    assert mask_text("four eight two one", False) == "[number]"
    for amount in (
        "two hundred thousand for three years",
        "one point five million",
        "two thousand five hundred",
    ):
        assert mask_text(amount, False) == amount
