# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether words are a whole sentence of the grammar: its templates read backwards.

A caller may stop at "what is my balance" though "please" was to follow: what the grammar can say as a
sentence counts as finished, wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from training.recognizer import lexicon, spoken_numbers

OPEN_KINDS = ("random_words", "random_numbers")
"""Kinds without an end: any prefix of random words is random words."""


def _any_of(words: Iterable[str]) -> str:
    return (
        "(?:"
        + "|".join(sorted({re.escape(word) for word in words}, key=lambda word: (-len(word), word)))
        + ")"
    )


_DIGIT = _any_of([*spoken_numbers.UNITS[:10], "oh"])
_DIGITS = rf"(?:(?:double )?{_DIGIT} )*(?:double )?{_DIGIT}"
_SMALL = _any_of([*spoken_numbers.UNITS, *spoken_numbers.TENS[1:], "hundred", "thousand", "million", "grand"])
_INSIDE = _any_of(
    [
        *spoken_numbers.UNITS,
        *spoken_numbers.TENS[1:],
        "hundred",
        "thousand",
        "million",
        "and",
        "a",
        "half",
        "of",
        "quarter",
        "point",
        "couple",
    ]
)
_NUMBER = rf"(?:{_INSIDE} )*{_SMALL}"
_CENTS = rf"(?: and {_NUMBER} cents)?"
_MONEY = rf"(?:half a million|a (?:quarter|couple) of a? ?(?:million|thousand)|{_NUMBER})"
_AMOUNT = rf"{_MONEY}(?: {_any_of(spoken_numbers.CURRENCIES)}{_CENTS})?"
_ORDINAL = rf"(?:(?:twenty|thirty) )?{_any_of([*spoken_numbers.ORDINALS, 'thirtieth'])}"
_MONTH = _any_of(spoken_numbers.MONTHS)
_PATTERNS = {
    "amount": _AMOUNT,
    "money": _MONEY,
    "term": rf"(?:half a year|a year and a half|(?:{_INSIDE} (?:to |or )?)*(?:{_SMALL}|a|half) "
    rf"(?:months?|years?)(?: and {_NUMBER} months)?)",
    "digits": rf"(?:{_DIGITS} )+(?:double )?{_DIGIT}",
    "pin": rf"(?:{_DIGITS} )+(?:double )?{_DIGIT}",
    "date": rf"(?:(?:the )?{_ORDINAL} of {_MONTH}|{_MONTH} (?:the )?{_ORDINAL})",
    "year": rf"(?:nineteen {_SMALL}(?: {_SMALL})?|two thousand and {_SMALL}|twenty twenty {_SMALL})",
    "time": rf"(?:half past {_SMALL}|{_SMALL}(?: o'clock| thirty| fifteen| in the (?:morning|afternoon))?)",
    "count": rf"{_NUMBER}",
}  # fmt: skip
_ADJUNCTS = (
    " for {purpose}", " over {term}", " for {term}", " {when}", " and {term} to repay it",
    " to pay for {purpose}", " please block it", " on my {account}",
)  # fmt: skip
"""What a template may end with and do without, when an open word is before it: "last week"."""
NUMBER_WORDS = frozenset({*spoken_numbers.NUMBER_WORDS, *spoken_numbers.TENS[1:], *spoken_numbers.ORDINALS,
                          *spoken_numbers.MONTHS, *spoken_numbers.CURRENCIES, "year", "cents"})  # fmt: skip
"""What an amount, a term, a date or dictated digits may go on with."""


def pattern(template: str) -> str:
    """A template as a regular expression over plain text."""
    text = re.escape(template).replace(r"\ ", " ")
    text = text.replace(r"\(", "(?:").replace(r"\)", ")").replace(r"\|", "|")
    return re.sub(r"\\\{(\w+)\\\}", lambda match: _slot(match.group(1)), text)


@cache
def _slot(name: str) -> str:
    return f"(?:{_PATTERNS[name]})" if name in _PATTERNS else _any_of(lexicon.SLOTS[name])


@cache
def _sentences(unseen: bool) -> tuple[re.Pattern[str], ...]:
    groups = [*lexicon.TEMPLATES.values()] + ([*lexicon.HELD_OUT_TEMPLATES.values()] if unseen else [])
    shorter = [
        template.removesuffix(adjunct)
        for templates in groups
        for template in templates
        for adjunct in _ADJUNCTS
    ]
    groups.append(tuple(template for template in shorter if template.endswith("}")))
    # An optional word that is left out leaves its space behind, at either end or doubled.
    return tuple(re.compile(pattern(t).replace(" ", " *")) for templates in groups for t in templates)


@cache
def is_whole(text: str, *, unseen: bool = False) -> bool:
    """Whether the grammar has `text` as a sentence, after a hesitation or not.

    `unseen` adds the templates held out for evaluation.
    """
    starts = [text] + [text[len(filler) + 1 :] for filler in lexicon.FILLERS if text.startswith(filler + " ")]
    return any(sentence.fullmatch(start) for sentence in _sentences(unseen) for start in starts if start)
