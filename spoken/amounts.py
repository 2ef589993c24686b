# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts of money as people say them: "twelve and a half thousand" to Decimal("12500"), and None when in
doubt.

None makes the dialogue ask again, which costs a turn; a wrong amount costs trust. So two amounts, a range or
a phrase with two readings are all None.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from spoken.corrections import after_corrections
from spoken.numerals import Numeral, find_numerals, tokenize

_CURRENCY = {"dollar", "dollars", "bucks", "buck", "usd", "$"}
_CENTS = {"cent", "cents"}
_NOT_MONEY_AFTER = {
    "year", "years", "month", "months", "week", "weeks", "day", "days", "yrs", "yr", "percent", "%", "per",
    "o'clock", "am", "pm", "times", "kids", "children", "people",
}  # fmt: skip
_RANGE = {"to", "or", "till", "until"}


def parse_amount(text: str) -> Decimal | None:
    """The one amount that a sentence names, in whole cents; None when there is none or it is in doubt.

    >>> parse_amount("i'd like to borrow two hundred thousand over five years")
    Decimal('200000')
    """
    for part in after_corrections(text):
        tokens = tokenize(part)
        amounts = _join_cents([n for n in find_numerals(tokens) if not _is_not_money(n, tokens)], tokens)
        if amounts:
            return _only(amounts, tokens)
    return None


def _is_not_money(numeral: Numeral, tokens: list[str]) -> bool:
    after = tokens[numeral.end : numeral.end + 1]
    return bool(after) and after[0] in _NOT_MONEY_AFTER


def _join_cents(numerals: list[Numeral], tokens: list[str]) -> list[Numeral]:
    """ "five hundred dollars and ten cents" is one amount."""
    joined: list[Numeral] = []
    for numeral in numerals:
        if tokens[numeral.end : numeral.end + 1] and tokens[numeral.end] in _CENTS:
            cents = numeral.value / 100
            between = tokens[joined[-1].end : numeral.start] if joined else ["?"]
            if joined and set(between) <= _CURRENCY | {"and"} and numeral.value < 100:
                whole = joined.pop()
                doubt = whole.doubtful or numeral.doubtful
                joined.append(Numeral(whole.value + cents, whole.start, numeral.end + 1, True, doubt))
            else:
                joined.append(Numeral(cents, numeral.start, numeral.end + 1, True, numeral.doubtful))
        else:
            joined.append(numeral)
    return joined


def _is_strong(numeral: Numeral, tokens: list[str]) -> bool:
    after = tokens[numeral.end : numeral.end + 1]
    before = tokens[numeral.start - 1 : numeral.start]
    return numeral.strong or bool(set(after + before) & _CURRENCY)


def _only(amounts: list[Numeral], tokens: list[str]) -> Decimal | None:
    for first, second in pairwise(amounts):
        between = tokens[first.end : second.start]
        if set(between) <= _RANGE | _CURRENCY | {"and"} and len(between) <= 2:
            return None
    strong = [n for n in amounts if _is_strong(n, tokens)] or amounts
    if any(n.doubtful for n in strong) or len({n.value for n in strong}) != 1:
        return None
    value = strong[0].value
    cents = value.quantize(Decimal("0.01"))
    if cents != value or value <= 0:
        return None
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else cents
