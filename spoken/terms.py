# SPDX-License-Identifier: GPL-3.0-or-later
"""Terms of a loan or deposit as people say them: "a year and a half" to 18 months, and None when in doubt."""

from __future__ import annotations

from decimal import Decimal

from spoken.corrections import after_corrections
from spoken.numerals import Numeral, find_numerals, tokenize

_MONTHS = {
    "year": 12,
    "years": 12,
    "yr": 12,
    "yrs": 12,
    "year's": 12,
    "month": 1,
    "months": 1,
    "mouths": 1,
    "month's": 1,
}
# A bare number above thirty years' months is an amount, not a term.
_LONGEST_BARE_MONTHS = 360
_RANGE = {"to", "or", "till", "until"}


def parse_term(text: str, *, asked: bool = False) -> int | None:
    """The one term that a sentence names, in months.

    With `asked` set (the caller was just asked for it) a bare number counts too: up to ten it is years, a
    whole number of years from twelve up is months. "ten to twelve years" and terms that are no whole number
    of months are None.
    """
    for part in after_corrections(text):
        tokens = tokenize(part)
        spans = _spans(tokens)
        if spans:
            return _only(spans, tokens)
        if asked:
            months = _bare(find_numerals(tokens))
            if months is not None:
                return months
    return None


def _spans(tokens: list[str]) -> list[tuple[Decimal, int, int]]:
    """(months, start, end) of each stretch of time, with years and months that belong together added up."""
    spans: list[tuple[Decimal, int, int]] = []
    numerals = {n.end: n for n in find_numerals(tokens)}
    for index, token in enumerate(tokens):
        if token not in _MONTHS:
            continue
        counted = _count_before(tokens, index, numerals)
        if counted is None:
            continue
        count, start = counted
        months, end = count * _MONTHS[token], index + 1
        if tokens[end : end + 3] == ["and", "a", "half"]:
            months, end = months + Decimal(_MONTHS[token]) / 2, end + 3
        if spans and token.startswith("mo") and tokens[spans[-1][2] : start] in ([], ["and"]):
            earlier = spans.pop()
            months, start = months + earlier[0], earlier[1]
        spans.append((months, start, end))
    return spans


def _count_before(tokens: list[str], index: int, numerals: dict[int, Numeral]) -> tuple[Decimal, int] | None:
    numeral = numerals.get(index)
    if numeral is not None:
        return (Decimal("NaN") if numeral.doubtful else numeral.value), numeral.start
    if index and tokens[index - 1] in {"a", "one", "an"}:
        if index > 1 and tokens[index - 2] == "half":
            return Decimal("0.5"), index - 2
        return Decimal(1), index - 1
    if index and tokens[index - 1] == "half":
        return Decimal("0.5"), index - 1
    return None


def _only(spans: list[tuple[Decimal, int, int]], tokens: list[str]) -> int | None:
    first = spans[0]
    before = tokens[first[1] - 2 : first[1]] if first[1] > 1 else []
    is_range = len(before) == 2 and before[1] in _RANGE and bool(find_numerals(before[:1]))
    is_range = is_range or "between" in tokens[: first[1]]
    if is_range or len({months for months, _, _ in spans}) != 1 or first[0].is_nan():
        return None
    months = first[0]
    return int(months) if months == months.to_integral_value() and months > 0 else None


def _bare(numerals: list[Numeral]) -> int | None:
    if len(numerals) != 1 or numerals[0].doubtful:
        return None
    value = numerals[0].value
    if value != value.to_integral_value():
        return None
    if 1 <= value <= 10:
        return int(value) * 12
    # The bound comes first: Decimal refuses the remainder of a number beyond its precision.
    return int(value) if value <= _LONGEST_BARE_MONTHS and value % 12 == 0 else None
