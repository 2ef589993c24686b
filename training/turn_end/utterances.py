# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated utterances of callers, with every place to pause and what a listener should think there.

Sentences come from the recogniser's grammar, held-out ones apart. Around them: openers, hesitations, a second
sentence after the first, card numbers in groups.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Literal

from training.recognizer import grammar, spoken_numbers
from training.turn_end.completeness import NUMBER_WORDS, OPEN_KINDS, is_whole

KINDS = tuple(kind for kind in grammar.KINDS if kind not in OPEN_KINDS)
HESITATIONS = ("um", "uh", "er", "um", "uh", "uhm")
OPENERS = (
    "hello", "hi", "yes", "yeah", "well", "so", "okay", "okay so", "um", "yes hello", "good morning", "right",
    "hi there", "well um", "no", "no i mean", "sorry", "i mean", "actually", "and", "yes um", "ah",
    "right so", "good afternoon", "and then", "but", "thanks", "all right", "let me see",
)  # fmt: skip
COMPLETE_OPENERS = frozenset({
    "hello", "hi", "yes", "yeah", "okay", "yes hello", "good morning", "hi there", "no", "good afternoon",
    "thanks", "all right", "right", "sorry",
})  # fmt: skip
DICTATED = (
    "my card number is", "the card number is", "my account number is", "it's", "the number is", "", "",
    "my phone number is", "yes it's", "sure it's", "my customer number is", "it is",
)  # fmt: skip
AFTER_A_WHOLE_SENTENCE = 0.85
AFTER_AN_OPENER = 0.65
_WEAK_WORDS = """
a an and or but so because if to for of the my your with from at in on over about like is are was i'm i'd
would can could what how it's that's need want do i you me um uh er uhm not no
"""
_WEAK = frozenset(_WEAK_WORDS.split())

Place = Literal["whole", "unfinished", "number", "soft"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of an utterance that is a unit of its own: `opener`, `sentence` or `digits`."""

    words: tuple[str, ...]
    role: Literal["opener", "sentence", "digits"]


@dataclass(frozen=True, slots=True)
class Cut:
    """A pause after so many words: what kind of place it is and how probable it is that nothing follows."""

    words: int
    place: Place
    target: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a caller means to say before it is the agent's turn."""

    segments: tuple[Segment, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """All words in order, hesitations among them."""
        return tuple(word for segment in self.segments for word in segment.words)

    @property
    def joints(self) -> frozenset[int]:
        """After how many words one unit ends and the next begins, and where a caller hesitated."""
        found, position = set(), 0
        for segment in self.segments:
            found |= {position + n for n, word in enumerate(segment.words, 1) if word in HESITATIONS}
            position += len(segment.words)
            found.add(position)
        return frozenset(found - {position})

    def text(self, *, commas: frozenset[int] = frozenset()) -> str:
        """The utterance as written for a voice, with a comma after so many words where there is a pause."""
        return " ".join(word + ("," if n in commas else "") for n, word in enumerate(self.words, 1))

    def cut(self, words: int, *, unseen: bool = False) -> Cut:
        """What a pause after so many words is; `unseen` knows the held-out templates too."""
        if words >= len(self.words):
            return Cut(words, "whole", 1.0)
        position = 0
        for segment in self.segments:
            if words <= position + len(segment.words):
                break
            position += len(segment.words)
        said = segment.words[: words - position]
        following = self.words[words]
        if said[-1] in HESITATIONS:
            return Cut(words, "unfinished", 0.0)
        if segment.role == "digits":
            return Cut(words, "number" if said[-1] in NUMBER_WORDS else "unfinished", 0.0)
        if segment.role == "opener":
            if " ".join(said) in COMPLETE_OPENERS:
                return Cut(words, "soft", AFTER_AN_OPENER)
            return Cut(words, "unfinished", 0.0)
        if not is_whole(" ".join(word for word in said if word not in HESITATIONS), unseen=unseen):
            return Cut(words, "unfinished", 0.0)
        if said[-1] in NUMBER_WORDS and (following in NUMBER_WORDS or following in ("a", *HESITATIONS)):
            return Cut(words, "number", 0.0)
        return Cut(words, "soft", AFTER_A_WHOLE_SENTENCE if len(said) > 1 else AFTER_AN_OPENER)


def training_utterances(seed: int) -> Iterator[Utterance]:
    """Endless utterances for training, of sentences that are never held out."""
    rng = random.Random(seed)
    sentences = (sentence for sentence in grammar.training_sentences(seed) if sentence.kind not in OPEN_KINDS)
    while True:
        yield _compose([next(sentences).text, next(sentences).text], rng)


def evaluation_utterances(seed: int, number: int) -> Iterator[Utterance]:
    """Utterances of sentences that no training sees."""
    rng = random.Random(seed)
    texts = [sentence.text for sentence in grammar.evaluation_sentences(seed, 2 * number, KINDS)]
    rng.shuffle(texts)
    for position in count():
        if position >= number:
            return
        first, second = (texts[(2 * position + n) % len(texts)] for n in (0, 1))
        yield _compose([first, second], rng)


def choose_cuts(utterance: Utterance, wanted: int, rng: random.Random) -> list[int]:
    """After how many words the caller pauses: likelier at a joint and after a word that asks for another."""
    length = len(utterance.words)
    positions = list(range(1, length))
    weights = [
        4.0 if n in utterance.joints else 2.5 if utterance.words[n - 1] in _WEAK else 1.0 for n in positions
    ]
    chosen: set[int] = set()
    while positions and len(chosen) < min(wanted, length - 1):
        chosen.add(rng.choices(positions, weights)[0])
    return sorted(chosen)


def _compose(texts: list[str], rng: random.Random) -> Utterance:
    first, second = (tuple(text.split()) for text in texts)
    roll = rng.random()
    if roll < 0.46:
        return Utterance((Segment(first, "sentence"),))
    if roll < 0.60:
        opener = tuple(rng.choice(OPENERS).split())
        return Utterance((Segment(opener, "opener"), Segment(first, "sentence")))
    if roll < 0.78:
        return Utterance((Segment(_hesitant(first, rng), "sentence"),))
    if roll < 0.88:
        return Utterance((Segment(first, "sentence"), Segment(second, "sentence")))
    return _dictation(rng)


def _hesitant(words: tuple[str, ...], rng: random.Random) -> tuple[str, ...]:
    at = rng.randint(0, len(words) - 1)
    repeated = words[at - 1 : at] if at and rng.random() < 0.3 else ()
    return (*words[:at], rng.choice(HESITATIONS), *repeated, *words[at:])


def _dictation(rng: random.Random) -> Utterance:
    lead = tuple(rng.choice(DICTATED).split())
    size = rng.choice((2, 3, 4, 4, 4))
    groups = [spoken_numbers.digits(rng, size).split() for _ in range(rng.choice((1, 2, 2, 3, 4)))]
    parts = [Segment(lead, "opener")] if lead else []
    return Utterance((*parts, *(Segment(tuple(group), "digits") for group in groups)))
