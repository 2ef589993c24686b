# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the caller's answer may be kept, and what must be sealed before it leaves the agent."""

from __future__ import annotations

import json
import re

from contracts.reply import KEYS
from contracts.sealed import Seal
from spoken.digits import parse_digits

# A menu choice tells nothing; anything longer may be a PIN keyed in before it was asked for.
_LONGEST_CHOICE = 2
_NUMBER_WORD = "zero|oh|nought|one|two|three|four|five|six|seven|eight|nine|double|triple|[0-9]+"
_TENS = "ten|eleven|twelve|[a-z]+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_DIGIT = re.compile(rf"\b(?:{_NUMBER_WORD}|{_TENS})\b", re.IGNORECASE)
# Four digits in a row and more may be a PIN or a card number that nobody asked for; amounts and terms are not
# said so.
_DIGIT_ROW = re.compile(rf"(?:\b(?:{_NUMBER_WORD})\b[\s,.-]*){{4,}}", re.IGNORECASE)


def mask_keys(keys: str, sensitive: bool) -> str:
    """The keyed digits as the journal may show them: only short menu choices stay readable."""
    return keys if len(keys) <= _LONGEST_CHOICE and not sensitive else "•" * len(keys)


def mask_text(text: str, sensitive: bool) -> str:
    """The transcript as it may be kept:

    Every number word of a sensitive answer, and anywhere what may be a card number, is gone.
    """
    if sensitive:
        return _DIGIT.sub("•", text)
    return _DIGIT_ROW.sub("[number] ", text).strip()


def keys_message(keys: str, sensitive: bool, call_id: str, seal: Seal) -> str:
    """The dialogue's message for keyed (or dictated) digits, sealed unless they are a menu choice."""
    keep = len(keys) <= _LONGEST_CHOICE and not sensitive
    value = keys if keep else seal.seal(call_id, keys)
    return f"{KEYS}{json.dumps({'keys': value})}"


def text_message(text: str, sensitive: bool, digits: int | None, call_id: str, seal: Seal) -> str:
    """The dialogue's message for spoken words:

    Dictated digits of a sensitive answer become keys, other words stay words.
    """
    if sensitive and not text.startswith("/"):
        dictated = parse_digits(text, digits)
        if dictated is not None:
            return keys_message(dictated, True, call_id, seal)
    return text if text.startswith("/") else mask_text(text, sensitive)
