# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences: how people phrase telephone banking, as a weighted template grammar.

A template is plain text with `(a|b|)` for alternatives and `{slot}` for an open class. Text is lower case,
without punctuation, numbers as words: what the dialogue manager receives. A good part of the sentences are
random words and digits: a decoder that only ever sees grammatical text recites it instead of listening.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from training.recognizer import lexicon, spoken_numbers

HELD_OUT_ONE_IN = 20
MINIMUM_HELD_OUT_WORDS = 4
KINDS = (
    "yes_no", "dialogue", "request", "loan", "amount", "term", "purpose", "digits", "date", "name",
    "random_words", "random_numbers",
)  # fmt: skip
WEIGHTS = (13, 12, 17, 12, 14, 3.5, 2.5, 8, 2, 2, 9, 9)
_PARENTHESES = re.compile(r"\(([^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: its text, as the recogniser shall write it, and its kind (one of `KINDS`)."""

    text: str
    kind: str


def held_out(text: str) -> bool:
    """Whether the text is kept for evaluation: one in twenty by checksum, none of three words or less.

    Core phrases, those every call needs word for word, are never held out.
    """
    if text in lexicon.CORE_PHRASES or len(text.split()) < MINIMUM_HELD_OUT_WORDS:
        return False
    return zlib.crc32(text.encode()) % HELD_OUT_ONE_IN == 0


def expand(template: str, rng: random.Random) -> str:
    """Fill a template's slots and choose among its alternatives."""
    text = _SLOT.sub(lambda match: _fill(match.group(1), rng), template)
    while "(" in text:
        text = _PARENTHESES.sub(lambda match: rng.choice(match.group(1).split("|")), text)
        text = _SLOT.sub(lambda match: _fill(match.group(1), rng), text)
    return " ".join(text.split())


def sample(rng: random.Random) -> Sentence:
    """Draw one sentence from the training templates; it may be a held-out one (see `training_sentences`)."""
    kind = rng.choices(KINDS, WEIGHTS)[0]
    return Sentence(_draw(kind, rng), kind)


def training_sentences(seed: int) -> Iterator[Sentence]:
    """Endless sentences for training, never a held-out one.

    A text may recur (there is only one "yes"), the open kinds hardly ever do.
    """
    rng = random.Random(seed)
    while True:
        sentence = sample(rng)
        if not held_out(sentence.text):
            yield sentence


def evaluation_sentences(seed: int, count: int, kinds: tuple[str, ...] = KINDS) -> list[Sentence]:
    """Distinct sentences that training never sees, evenly over the kinds.

    The exception is `yes_no` and `dialogue`, mostly of two or three words, which are a closed class: there is
    no unseen "no thanks", and what is unseen is only the voice.
    """
    rng = random.Random(seed)
    found: dict[str, Sentence] = {}
    attempts = 0
    while len(found) < count and attempts < 2000 * count:
        attempts += 1
        kind = kinds[len(found) % len(kinds)]
        if kind in ("loan", "request") and rng.random() < 0.4:
            text = expand(rng.choice(lexicon.HELD_OUT_TEMPLATES[kind]), rng)
        else:
            text = _draw(kind, rng)
            if not held_out(text) and kind not in ("yes_no", "dialogue"):
                continue
        found.setdefault(text, Sentence(text, kind))
    return list(found.values())


def _draw(kind: str, rng: random.Random) -> str:
    if kind == "random_words":
        count = rng.choices((1, 2, 3, 4, 5, 6), (2, 3, 4, 4, 3, 2))[0]
        return " ".join(rng.choice(lexicon.WORDS) for _ in range(count))
    if kind == "random_numbers":
        return spoken_numbers.random_number_words(rng)
    templates = lexicon.TEMPLATES[kind]
    text = expand(rng.choice(templates), rng)
    if kind not in ("yes_no", "digits") and rng.random() < 0.12:
        text = f"{rng.choice(lexicon.FILLERS)} {text}"
    return text


def _fill(slot: str, rng: random.Random) -> str:
    match slot:
        case "amount":
            return spoken_numbers.amount(rng)
        case "money":
            return spoken_numbers.amount(rng, currency=False)
        case "term":
            return spoken_numbers.term(rng)
        case "digits":
            return spoken_numbers.digits(rng, rng.choice((3, 4, 4, 4, 4, 5, 6, 6, 6, 7, 8)))
        case "pin":
            return spoken_numbers.digits(rng, rng.choice((4, 4, 6)))
        case "date":
            return spoken_numbers.date(rng)
        case "year":
            return spoken_numbers.year(rng)
        case "time":
            return spoken_numbers.clock_time(rng)
        case "count":
            return spoken_numbers.cardinal(
                rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 24, 30, 50)), rng
            )
        case _:
            return rng.choice(lexicon.SLOTS[slot])
