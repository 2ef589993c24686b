# SPDX-License-Identifier: GPL-3.0-or-later
"""Strings of digits as people say them: "four eight double two oh" to "48220", and None when in doubt."""

from __future__ import annotations

from spoken.corrections import after_corrections
from spoken.numerals import ONES, TENS, tokenize

_SINGLE = {word: str(value) for word, value in ONES.items() if value < 10} | {
    "oh": "0", "o": "0", "nought": "0", "naught": "0", "nil": "0",
}  # fmt: skip
_TEEN = {word: str(value) for word, value in ONES.items() if value >= 10}
_REPEAT = {"double": 2, "triple": 3, "treble": 3}
_FILLERS = {
    "um", "uh", "er", "erm", "it's", "its", "it", "is", "that's", "that", "my", "the", "pin", "code",
    "number", "card", "ending", "in", "with", "and", "then", "okay", "ok", "please", "yes", "sure", "so",
    "well", "digits", "are",
}  # fmt: skip
# Tried only when the count of digits is known, and comes out right with them.
_SOUNDS_LIKE = {
    "to": "2",
    "too": "2",
    "for": "4",
    "won": "1",
    "ate": "8",
    "fife": "5",
    "tree": "3",
    "sex": "6",
    "i": "5",
}


def parse_digits(text: str, count: int | None = None) -> str | None:
    """The digits that were said, `count` of them when that is given; None when in doubt.

    >>> parse_digits("four eight double two oh")
    '48220'
    """
    for part in after_corrections(text):
        tokens = tokenize(part)
        digits = _read(tokens, {})
        if count is not None and (digits is None or len(digits) != count):
            digits = _read(tokens, _SOUNDS_LIKE)
        if digits and (count is None or len(digits) == count):
            return digits
        if digits or any(token in _SINGLE or token in TENS for token in tokens):
            return None
    return None


def _read(tokens: list[str], also: dict[str, str]) -> str | None:
    single = _SINGLE | also
    digits = ""
    index = 0
    while index < len(tokens):
        token = tokens[index]
        following = tokens[index + 1] if index + 1 < len(tokens) else ""
        if token in _REPEAT:
            if following not in single:
                return None
            digits += single[following] * _REPEAT[token]
            index += 1
        elif token in single:
            digits += single[token]
        elif token in _TEEN:
            digits += _TEEN[token]
        elif token in TENS:
            # "forty eight" is two digits, and so is "forty" on its own.
            unit = _SINGLE.get(following, "0") if following in ONES else "0"
            if unit != "0":
                index += 1
            digits += str(TENS[token] + int(unit))
        elif token.replace(",", "").isdigit():
            digits += token.replace(",", "")
        elif token not in _FILLERS:
            return None
        index += 1
    return digits or None


def digits_of_word(word: str) -> int:
    """How many digits a word stands for: 1 for "four", 2 for "forty", its length for "4821", else 0."""
    bare = word.lower().strip(".,!?")
    if bare in _SINGLE or bare in _REPEAT:
        return 1
    if bare in _TEEN or bare in TENS:
        return 2
    figures = bare.replace(",", "").replace("-", "")
    return len(figures) if figures.isdigit() else 0


def may_be_digit(word: str) -> bool:
    """Whether a word is a digit, or what a recogniser makes of one ("for", "ate")."""
    return digits_of_word(word) > 0 or word.lower().strip(".,!?") in _SOUNDS_LIKE
