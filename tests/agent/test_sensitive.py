# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealed is sealed: no form of a sensitive answer stays readable."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sensitive import keys_message, mask_keys, mask_text, text_message
from agent.turns.expectation import Expectation
from contracts.sealed import CannotOpen, Seal, new_key

SEAL = Seal(new_key())
FREE = Expectation()
PIN = Expectation("digits", 4, sensitive=True)
MENU = Expectation("digits", 1)
CARD_ENDING = Expectation("digits", 4)


def token(message: str) -> str:
    return str(json.loads(message.removeprefix("/keys"))["keys"])


@given(st.text("0123456789", min_size=2, max_size=19), st.sampled_from([FREE, PIN, MENU]))
def test_rows_of_keys_are_sealed_unless_they_were_asked_for(digits: str, expectation: Expectation) -> None:
    message = keys_message(digits, expectation, "c-1", SEAL)
    assert SEAL.open("c-1", token(message)) == digits
    assert mask_keys(digits, expectation) == "•" * len(digits)


@pytest.mark.parametrize(("keys", "expectation"), [("2", FREE), ("0", MENU), ("4417", CARD_ENDING)])
def test_a_choice_and_what_was_asked_for_openly_stay_readable(keys: str, expectation: Expectation) -> None:
    assert keys_message(keys, expectation, "c-1", SEAL) == f'/keys{{"keys": "{keys}"}}'
    assert mask_keys(keys, expectation) == keys


def test_a_single_key_of_a_secret_is_no_choice() -> None:
    assert "2" not in mask_keys("2", PIN)


def test_a_token_opens_in_its_own_call_only() -> None:
    stolen = token(keys_message("4821", PIN, "c-1", SEAL))
    with pytest.raises(CannotOpen):
        SEAL.open("c-2", stolen)
    with pytest.raises(CannotOpen):
        Seal(new_key()).open("c-1", stolen)


@pytest.mark.parametrize(
    "said",
    ["it's four eight two one", "for ate to won", "forty eight twenty one", "four ate two one", "4821"],
)
def test_dictated_digits_become_keys_and_are_kept_as_dots(said: str) -> None:
    assert SEAL.open("c-1", token(text_message(said, PIN, "c-1", SEAL))) == "4821"
    assert mask_text(said, PIN) == "••••"


def test_other_words_of_a_sensitive_answer_lose_whatever_may_be_a_digit() -> None:
    assert text_message("four ate something", PIN, "c-1", SEAL) == "• • something"
    assert mask_text("naught nil treble three", PIN) == "• • • •"
    assert text_message("what was it again", PIN, "c-1", SEAL) == "what was it again"
    assert text_message("/nlu_fallback", PIN, "c-1", SEAL) == "/nlu_fallback"


@pytest.mark.parametrize(
    "said",
    [
        "four eight two one",
        "my pin is forty eight twenty one",
        "my pin is 4821",
        "my card is four four one one two two three three four five six six",
        "4000123412341234",
    ],
)
def test_a_secret_that_nobody_asked_for_is_masked(said: str) -> None:
    masked = mask_text(said, FREE)
    assert "[number]" in masked
    assert not any(word in masked for word in ("four", "forty", "48", "1234"))


@pytest.mark.parametrize(
    "said",
    [
        "two hundred thousand for three years",
        "one point five million",
        "two thousand five hundred",
        "i want to borrow 12500",
        "twenty five thousand over thirty six months",
    ],
)
def test_amounts_and_terms_are_not(said: str) -> None:
    assert mask_text(said, FREE) == said


def test_digits_that_were_asked_for_openly_stay() -> None:
    assert text_message("the one ending in four four one seven", CARD_ENDING, "c-1", SEAL).endswith(
        "one seven"
    )
