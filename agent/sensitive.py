# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the caller's answer may be kept, and what must be sealed before it leaves the agent."""

from __future__ import annotations

import json
import re

from agent.turns.expectation import Expectation
from contracts.reply import KEYS
from contracts.sealed import Seal
from spoken.digits import digits_of_word, may_be_digit, parse_digits

_MASK = "•"
# Four digits in a row and more may be a PIN or a card number that nobody asked for; amounts and terms are not
# spoken so.
_SECRET_DIGITS = 4
# Written figures may be an amount; unless they are as long as a card number, only their company tells.
_CARD_DIGITS = 12
_SECRET_COMPANY = re.compile(r"\b(?:pin|code|card|passcode|password|number)\b", re.IGNORECASE)


def is_open(length: int, expectation: Expectation) -> bool:
    """Whether a row of `length` keys may be read by everybody: a choice, or as many as were asked for."""
    if expectation.sensitive:
        return False
    asked = expectation.digits or 0 if expectation.kind == "digits" else 0
    return length <= max(1, asked)


def mask_keys(keys: str, expectation: Expectation) -> str:
    """The keyed digits as the journal may show them."""
    return keys if is_open(len(keys), expectation) else _MASK * len(keys)


def mask_text(text: str, expectation: Expectation) -> str:
    """The transcript as it may be kept.

    Of a sensitive answer every word that may be a digit is gone; elsewhere what may be a PIN or a card
    number, unless figures were asked for.
    """
    if text.startswith("/"):
        return text
    words = text.split()
    if expectation.sensitive:
        dictated = parse_digits(text, expectation.digits)
        if dictated is not None:
            return _MASK * len(dictated)
        return " ".join(_MASK if may_be_digit(word) else word for word in words)
    if expectation.kind in ("digits", "amount", "date"):
        return text
    return " ".join(_without_rows(words, secret_company=_SECRET_COMPANY.search(text) is not None))


def mask_unended(text: str, expectation: Expectation) -> str:
    """A transcript that may break off in the middle of a secret, as it may be kept: like `mask_text`, and
    a row of digits at its end is gone from two digits on, or from one on beside a word like “pin”.
    """
    masked = mask_text(text, expectation)
    if expectation.sensitive or expectation.kind in ("digits", "amount", "date"):
        return masked
    words = masked.split()
    row = 0
    while row < len(words) and digits_of_word(words[-1 - row]):
        row += 1
    digits = sum(digits_of_word(word) for word in words[len(words) - row :])
    least = 1 if _SECRET_COMPANY.search(text) else 2
    return " ".join([*words[: len(words) - row], "[number]"]) if row and digits >= least else masked


def keys_message(keys: str, expectation: Expectation, call_id: str, seal: Seal) -> str:
    """The dialogue's message for keyed (or dictated) digits, sealed unless everybody may read them."""
    value = keys if is_open(len(keys), expectation) else seal.seal(call_id, keys)
    return f"{KEYS}{json.dumps({'keys': value})}"


def text_message(text: str, expectation: Expectation, call_id: str, seal: Seal) -> str:
    """The dialogue's message for spoken words: dictated digits of a sensitive answer become keys."""
    if expectation.sensitive and not text.startswith("/"):
        dictated = parse_digits(text, expectation.digits)
        if dictated is not None:
            return keys_message(dictated, expectation, call_id, seal)
    return mask_text(text, expectation)


def _without_rows(words: list[str], *, secret_company: bool) -> list[str]:
    """The words with each row of digits that may be a secret replaced by one mask."""
    kept: list[str] = []
    row: list[str] = []
    for word in [*words, ""]:
        if digits_of_word(word):
            row.append(word)
            continue
        kept += ["[number]"] if _is_secret(row, secret_company) else row
        kept += [word] if word else []
        row = []
    return kept


def _is_secret(row: list[str], secret_company: bool) -> bool:
    digits = sum(digits_of_word(word) for word in row)
    written = any(character.isdigit() for word in row for character in word)
    return digits >= (_CARD_DIGITS if written and not secret_company else _SECRET_DIGITS)
