# SPDX-License-Identifier: GPL-3.0-or-later
"""The reading list of the voice: sentences from a seeded grammar, so that a retraining reads the same text.

Half is what a bank agent says, a quarter dictionary words in carrier sentences (diphone coverage), the rest
everyday sentences. Numbers are written as words because verbalisation happens before the voice.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.voice import phrases

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = (
    "-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_ORDINALS = (
    "-", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
    "eighteenth", "nineteenth", "twentieth",
)  # fmt: skip
_BANKING_SHARE, _CARRIER_SHARE = 0.52, 0.22
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Sentences to train on and, held out, banking and everyday sentences to measure on."""

    train: tuple[str, ...]
    held_banking: tuple[str, ...]
    held_general: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """All sentences, held-out ones last, in a fixed order: the index is the sentence's identity."""
        return self.train + self.held_banking + self.held_general


def cardinal(number: int) -> str:
    """Number words of 0 … 999 999 999, without "and" ("two hundred six").

    Raises:
        ValueError: the number is outside that range.
    """
    if not 0 <= number < 10**9:
        raise ValueError(f"cardinal() speaks 0 to 999999999, not {number}")
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + (f" {_ONES[number % 10]}" if number % 10 else "")
    for size, name in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = f" {cardinal(number % size)}" if number % size else ""
            return f"{cardinal(number // size)} {name}{rest}"
    raise AssertionError("unreachable")


def ordinal(day: int) -> str:
    """Ordinal word of a day of the month, 1 … 31."""
    if day <= 20:
        return _ORDINALS[day]
    if day == 30:
        return "thirtieth"
    return f"{_TENS[day // 10]} {_ORDINALS[day % 10]}"


def dictionary_words(path: Path) -> list[str]:
    """Words of 4 to 11 letters in a festival lexicon: one `("word" pos (syllables))` a line."""
    pattern = re.compile(r'\("([a-z]{4,11})" ')
    with path.open(encoding="latin-1") as lines:
        return sorted({found[1] for line in lines if (found := pattern.match(line))})


class Grammar:
    """Draws sentences from `phrases`; the only state is the random generator it was given."""

    def __init__(self, rng: random.Random, words: Sequence[str]) -> None:
        if not words:
            raise ValueError("the carrier sentences need at least one dictionary word")
        self._rng = rng
        self._words = words
        pick = rng.choice
        self._slots: dict[str, Callable[[], str]] = {
            "bank": lambda: pick(phrases.BANKS),
            "account": lambda: pick(phrases.ACCOUNTS),
            "loan": lambda: pick(phrases.LOANS),
            "shop": lambda: pick(phrases.SHOPS),
            "month": lambda: pick(phrases.MONTHS),
            "weekday": lambda: pick(phrases.WEEKDAYS),
            "part": lambda: pick(phrases.DAY_PARTS),
            "letter": lambda: pick(phrases.LETTERS),
            "name": self._name,
            "amount": self._amount,
            "round": self._round_amount,
            "percent": self._percent,
            "date": self._date,
            "term": self._term,
            "hour": self._hour,
            "cents": lambda: f"{cardinal(rng.randrange(2, 100))} cents",
            "small": lambda: cardinal(rng.randrange(2, 60)),
            "word": lambda: pick(words),
            "adj": lambda: pick(phrases.ADJECTIVES),
            "thing": lambda: pick(phrases.THINGS),
            "place": lambda: pick(phrases.PLACES),
            "when": lambda: pick(phrases.TIMES),
            "When_cap": lambda: _capital(pick(phrases.TIMES)),
            "the_who": lambda: pick(phrases.WHO),
            "The_who": lambda: _capital(pick(phrases.WHO)),
        }
        for column, slot in enumerate(("do", "does", "did", "done", "doing")):
            self._slots[slot] = lambda column=column: pick(phrases.VERBS)[column]  # type: ignore[misc]
        for count in (2, 4, 5, 6):
            self._slots[f"d{count}"] = lambda count=count: self._digits(count)  # type: ignore[misc]

    def banking(self) -> str:
        """A sentence of a bank's telephone agent."""
        return self._fill(phrases.BANKING)

    def carrier(self) -> str:
        """Dictionary words in a plain frame."""
        return self._fill(phrases.CARRIERS)

    def general(self) -> str:
        """An everyday sentence."""
        return self._fill(phrases.GENERAL)

    def _fill(self, patterns: Sequence[str]) -> str:
        text = _SLOT.sub(lambda slot: self._slots[slot[1]](), self._rng.choice(patterns))
        return _capital(re.sub(r"\ba (?=[aeio])", "an ", text))

    def _name(self) -> str:
        first = self._rng.choice(phrases.NAMES)
        return f"{first} {self._rng.choice(phrases.NAMES)}" if self._rng.random() < 0.4 else first

    def _digits(self, count: int) -> str:
        return " ".join(_ONES[self._rng.randrange(10)] for _ in range(count))

    def _amount(self) -> str:
        rng = self._rng
        low, high = rng.choice(((2, 100), (100, 1000), (1000, 20_000), (20_000, 2_000_000)))
        text = f"{cardinal(rng.randrange(low, high))} {rng.choice(phrases.CURRENCIES)}"
        if text.endswith("dollars") and rng.random() < 0.5:
            text += f" and {cardinal(rng.randrange(2, 100))} cents"
        return text

    def _round_amount(self) -> str:
        value = self._rng.choice((500, 1000, 2500, 5000)) * self._rng.randrange(1, 100)
        return f"{cardinal(value)} {self._rng.choice(phrases.CURRENCIES)}"

    def _percent(self) -> str:
        whole = cardinal(self._rng.randrange(0, 20))
        kind = self._rng.random()
        if kind < 0.25:
            return f"{whole} percent"
        return f"{whole} point {self._digits(1 if kind < 0.6 else 2)} percent"

    def _date(self) -> str:
        rng = self._rng
        text = f"{rng.choice(phrases.MONTHS)} {ordinal(rng.randrange(1, 32))}"
        if rng.random() < 0.25:
            text = f"{rng.choice(phrases.WEEKDAYS)}, {text}"
        if rng.random() < 0.3:
            text += f", twenty {cardinal(rng.randrange(20, 40))}"
        return text

    def _term(self) -> str:
        if self._rng.random() < 0.5:
            return f"{cardinal(self._rng.choice((6, 12, 18, 24, 36, 48, 60, 72, 84)))} months"
        return f"{cardinal(self._rng.randrange(2, 31))} years"

    def _hour(self) -> str:
        minutes = self._rng.choice(("", "", " fifteen", " thirty", " forty five"))
        part = self._rng.choice(("in the morning", "in the afternoon", "in the evening"))
        return f"{cardinal(self._rng.randrange(1, 13))}{minutes} {part}"


def compose(count: int, words: Sequence[str], seed: int = 0, held: int = 60) -> Corpus:
    """A corpus of `count` distinct training sentences and `held` held-out ones (two thirds banking).

    The fixed sentences of every call come first, as far as `count` reaches; the remainder is drawn by shares.

    Raises:
        ValueError: `count` or `held` is not positive, or `words` is empty.
    """
    if count < 1 or held < 1:
        raise ValueError("a corpus needs at least one training sentence and one held-out sentence")
    rng = random.Random(seed)
    grammar = Grammar(rng, words)
    fixed = list(phrases.FIXED)[: max(1, count // 4)]
    seen = set(phrases.FIXED)
    train = fixed + _distinct(lambda: _mixed(grammar, rng.random()), count - len(fixed), seen)
    banking = _distinct(grammar.banking, held - held // 3, seen)
    general = _distinct(grammar.general, held // 3, seen)
    return Corpus(tuple(train), tuple(banking), tuple(general))


def _mixed(grammar: Grammar, draw: float) -> str:
    if draw < _BANKING_SHARE:
        return grammar.banking()
    return grammar.carrier() if draw < _BANKING_SHARE + _CARRIER_SHARE else grammar.general()


def _distinct(draw: Callable[[], str], count: int, seen: set[str]) -> list[str]:
    fresh: list[str] = []
    while len(fresh) < count:
        sentence = draw()
        if sentence not in seen:
            seen.add(sentence)
            fresh.append(sentence)
    return fresh


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def speakable(sentences: Iterable[str]) -> list[str]:
    """The sentences that hold anything besides letters, apostrophes and simple punctuation."""
    return [text for text in sentences if not re.fullmatch(r"[A-Za-z' ,.?]+", text)]
