# SPDX-License-Identifier: GPL-3.0-or-later
"""English numerals in running speech: where a number begins and ends, what it is worth, and whether it is in
doubt.

A recogniser drops small words, so a phrase that two people could read as two numbers is marked doubtful
instead of guessed: in a bank the right answer to "twelve fifty" is a question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ONES = {word: value for value, word in enumerate(_ONES)}
TENS = {word: 10 * value for value, word in enumerate(_TENS, start=2)}
TENS["fourty"] = 40
SCALES = {
    "thousand": 1_000,
    "thousands": 1_000,
    "grand": 1_000,
    "thou": 1_000,
    "k": 1_000,
    "million": 1_000_000,
    "millions": 1_000_000,
    "mil": 1_000_000,
    "billion": 1_000_000_000,
}
_VAGUE = {"few", "several", "some", "many", "couple", "dozen"}
_ARTICLES = {"a", "an"}
_TOKEN = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\$|%|[a-z]+(?:'[a-z]+)?|,|-")
_SEPARATE = re.compile(r"(?<=\d)(?=k\b|m\b|mil\b)")


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number in `tokens[start:end]`.

    `strong` is set when the phrase carries a scale or a hundred, so that it can hardly be anything but an
    amount; `doubtful` when it has more than one reading.
    """

    value: Decimal
    start: int
    end: int
    strong: bool = False
    doubtful: bool = False


def tokenize(text: str) -> list[str]:
    """The words, digit groups and the signs `$`, `%` and `,` of a sentence, lower case, hyphens gone."""
    lowered = _SEPARATE.sub(" ", text.lower().replace("’", "'"))
    tokens = _TOKEN.findall(lowered)
    return [{"m": "million"}.get(token, token) for token in tokens if token not in {"-", ","}]


def find_numerals(tokens: list[str]) -> list[Numeral]:
    """Every number in the tokens, in order, each as long as grammar allows.

    "one" and "a" on their own are pronoun and article more often than numbers and are left out.
    """
    found: list[Numeral] = []
    position = 0
    while position < len(tokens):
        numeral = _Phrase(tokens, position).read()
        if numeral is None:
            position += 1
            continue
        if tokens[numeral.start : numeral.end] != ["one"] or _is_counted(tokens, numeral.end):
            found.append(_with_neighbours(numeral, tokens))
        position = numeral.end
    return found


def _is_counted(tokens: list[str], index: int) -> bool:
    return index < len(tokens) and tokens[index] in {
        "year", "month", "dollar", "percent", "%", "buck", "cent",
    }  # fmt: skip


def _with_neighbours(numeral: Numeral, tokens: list[str]) -> Numeral:
    """Doubt a number that touches another, or follows a word that makes it vague."""
    before = tokens[numeral.start - 1] if numeral.start else ""
    before_of = tokens[numeral.start - 2] if numeral.start > 1 and before == "of" else ""
    after = tokens[numeral.end] if numeral.end < len(tokens) else ""
    touches = starts_number(before) or (starts_number(after) and after not in _ARTICLES) or after in SCALES
    if touches or before in _VAGUE or before_of in _VAGUE:
        return replace(numeral, doubtful=True)
    return numeral


def starts_number(token: str) -> bool:
    """Whether a token is a number word or a group of digits."""
    return token in ONES or token in TENS or token in {"hundred", "oh"} or token[:1].isdigit()


class _Phrase:
    """A recursive-descent reader of one number phrase."""

    def __init__(self, tokens: list[str], start: int) -> None:
        self._tokens = tokens
        self._start = start
        self._at = start
        self._strong = False
        self._doubtful = False

    def read(self) -> Numeral | None:
        value = self._fraction_of_scale()
        if value is None:
            value = self._groups()
        if value is None:
            return None
        return Numeral(value, self._start, self._at, self._strong, self._doubtful)

    def _peek(self, ahead: int = 0) -> str:
        index = self._at + ahead
        return self._tokens[index] if index < len(self._tokens) else ""

    def _accept(self, *words: str) -> bool:
        if tuple(self._tokens[self._at : self._at + len(words)]) == words:
            self._at += len(words)
            return True
        return False

    def _fraction_of_scale(self) -> Decimal | None:
        """ "half a million", "a quarter of a million", "three quarters of a million"."""
        for words, share in _SHARES:
            at = self._at
            if self._accept(*words):
                self._accept("of")
                if self._peek() in _ARTICLES:
                    self._at += 1
                scale = SCALES.get(self._peek())
                if scale is not None:
                    self._at += 1
                    self._strong = True
                    return share * scale
                self._at = at
        return None

    def _groups(self) -> Decimal | None:
        """Groups of falling scale: "two million five hundred thousand and twelve"."""
        total = Decimal(0)
        last_scale = 10**12
        read_any = False
        while True:
            at = self._at
            joined = read_any and self._accept("and")
            scale, value = self._group(first=not read_any)
            if (
                value is None
                or scale >= last_scale
                or (joined and scale == 1 and value >= 100 and last_scale < 1000)
            ):
                self._at = at
                break
            if read_any and scale == 1 and not joined:
                self._doubt_short_tail(value, last_scale)
            total += value * scale
            last_scale = scale
            read_any = True
            if scale == 1:
                break
            if self._accept("and", "a", "half"):
                total += Decimal(scale) / 2
                break
        return total if read_any else None

    def _doubt_short_tail(self, value: Decimal, last_scale: int) -> None:
        """ "three thousand five" may be 3,005 or 3,500, "two million three hundred" 2.3 million."""
        if value < 10 or last_scale > 1000:
            self._doubtful = True

    def _group(self, *, first: bool) -> tuple[int, Decimal | None]:
        value = self._below_thousand(first=first)
        if value is None:
            return 1, None
        scale = 1
        while self._peek() in SCALES:
            scale *= SCALES[self._peek()]
            self._at += 1
            self._strong = True
        return scale, value

    def _below_thousand(self, *, first: bool) -> Decimal | None:
        token = self._peek()
        if token[:1].isdigit():
            return self._literal()
        if token in _ARTICLES and first and (self._peek(1) in SCALES or self._peek(1) == "hundred"):
            self._at += 1
            return Decimal(1) if self._peek() in SCALES else self._hundreds(Decimal(1))
        if token == "hundred" or (token in SCALES and first):
            return self._dropped_leading_word(token)
        small = self._below_hundred()
        if small is None:
            return None
        if self._peek() == "hundred":
            return self._hundreds(Decimal(small))
        return self._with_fraction(self._paired(small))

    def _dropped_leading_word(self, token: str) -> Decimal | None:
        """A bare "hundred thousand" has lost its first word: what was it?"""
        if token in {"k", "grand", "mil", "thou"}:
            return None
        if token in SCALES:
            return None if token.endswith("s") else self._doubt(Decimal(1))
        return self._doubt(self._hundreds(Decimal(1)))

    def _doubt(self, value: Decimal) -> Decimal:
        self._doubtful = True
        return value

    def _literal(self) -> Decimal | None:
        token = self._peek().replace(",", "")
        try:
            value = Decimal(token)
        except InvalidOperation:
            return None
        self._at += 1
        if "." in token and len(token.split(".")[1]) > 2:
            self._doubtful = True
        if self._peek() == "hundred" and value < 100:
            return self._hundreds(value)
        self._strong = self._strong or value >= 1000
        return self._with_fraction(value)

    def _below_hundred(self) -> int | None:
        token = self._peek()
        if token in ONES:
            self._at += 1
            return ONES[token]
        if token in TENS:
            self._at += 1
            unit = ONES.get(self._peek(), 0)
            if 1 <= unit <= 9:
                self._at += 1
                return TENS[token] + unit
            return TENS[token]
        return None

    def _hundreds(self, count: Decimal) -> Decimal:
        """ "five hundred and twelve", "twenty five hundred"."""
        self._at += 1
        self._strong = True
        value = count * 100
        at = self._at
        joined = self._accept("and")
        if joined and self._accept("a", "half"):
            return value + 50
        rest = self._below_hundred()
        if rest is None:
            self._at = at
            return value
        if not joined and rest < 10:
            self._doubtful = self._doubtful or self._peek() not in SCALES
        return self._with_fraction(value + rest)

    def _paired(self, small: int) -> Decimal:
        """ "two fifty thousand" is 250 thousand; without its scale, "two fifty" is in doubt."""
        if 1 <= small <= 9 and self._peek() in TENS:
            at = self._at
            rest = self._below_hundred()
            if rest is not None and self._peek() in SCALES:
                return Decimal(small * 100 + rest)
            self._at = at
        return Decimal(small)

    def _with_fraction(self, value: Decimal) -> Decimal:
        """ "twelve and a half", "two point two five"; only whole numbers take one."""
        if self._peek() == "point" and (
            self._peek(1) in ONES or self._peek(1) == "oh" or self._peek(1).isdigit()
        ):
            self._at += 1
            digits = ""
            while self._peek() in _POINT_DIGITS or self._peek().isdigit():
                digits += _POINT_DIGITS.get(self._peek(), self._peek())
                self._at += 1
            return value + Decimal(f"0.{digits}")
        if self._accept("and", "a", "half"):
            return value + Decimal("0.5")
        if self._accept("and", "a", "quarter"):
            return value + Decimal("0.25")
        return value


_SHARES: list[tuple[tuple[str, ...], Decimal]] = [
    (("half",), Decimal("0.5")),
    (("a", "half"), Decimal("0.5")),
    (("a", "quarter"), Decimal("0.25")),
    (("quarter",), Decimal("0.25")),
    (("three", "quarters"), Decimal("0.75")),
]
_POINT_DIGITS = {word: str(value) for word, value in ONES.items() if value < 10} | {"oh": "0", "o": "0"}
