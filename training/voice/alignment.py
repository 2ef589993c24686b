# SPDX-License-Identifier: GPL-3.0-or-later
"""Alignment of two spellings of one sentence: the teacher's timed phones and Piper's IPA symbols.

Needleman–Wunsch over the two sequences (S. B. Needleman, C. D. Wunsch, J. Mol. Biol. 48, 1970) with costs
from phonetics; its result says how many frames each of Piper's symbols lasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.voice.teacher import Phone

PUNCTUATION = frozenset(",.?!:;")
_SILENT = PUNCTUATION | {" ", "^", "$"}
_DIPHTHONGS = frozenset(("aɪ", "aʊ", "ɔɪ", "eɪ", "oʊ", "tʃ", "dʒ"))
_MARKS = frozenset("ˈˌːʲ̩\"'-")
_VOWEL_SYMBOLS = frozenset("aeiouæɑɒɔɐəɚɛɜɪʊʌᵻ")
_VOWEL_PHONES = frozenset((
    "aa", "ae", "ah", "ao", "aw", "ax", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh", "uw",
))  # fmt: skip
_SAME = {
    "aɪ": "ay", "aʊ": "aw", "ɔɪ": "oy", "eɪ": "ey", "oʊ": "ow", "i": "iy ih y", "ɪ": "ih ax iy", "ᵻ":
    "ih ax iy", "u": "uw uh", "ʊ": "uh uw", "ɑ": "aa ao", "ɔ": "ao aa ow", "ɒ": "aa ao", "æ": "ae", "ʌ":
    "ah ax", "ɐ": "ax ah ae", "ə": "ax ah ih er", "ɚ": "er", "ɜ": "er", "ɛ": "eh ae", "e": "eh ey", "o":
    "ow ao", "a": "aa ae", "ɡ": "g", "h": "hh", "j": "y", "ɹ": "r er", "r": "r", "ŋ": "ng n", "ʃ": "sh",
    "ʒ": "zh jh", "θ": "th", "ð": "dh", "tʃ": "ch", "dʒ": "jh", "ɾ": "t d", "ʔ": "t", "x": "k hh", "ɬ":
    "l",
    **{letter: letter for letter in "bdfklmnpstvwz"},
}  # fmt: skip
_MATCHES = {symbol: frozenset(phones.split()) for symbol, phones in _SAME.items()}
_EXTRA_PHONE = 0.8
"""Cost of a phone that no symbol stands for."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sound of the IPA text: `symbol` and the indices of the characters that spell it."""

    symbol: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Seconds of each symbol, `^` first and `$` last; `cost` per phone, 0 is perfect."""

    seconds: tuple[float, ...]
    cost: float


def units(symbols: Sequence[str]) -> list[Unit]:
    """The sounds of an IPA sequence from `^` to `$`; stress and length marks are none."""
    found: list[Unit] = []
    place = 0
    while place < len(symbols):
        pair = "".join(symbols[place : place + 2])
        if pair in _DIPHTHONGS:
            found.append(Unit(pair, (place, place + 1)))
            place += 2
            continue
        if symbols[place] not in _MARKS:
            found.append(Unit(symbols[place], (place,)))
        place += 1
    return found


def align(symbols: Sequence[str], phones: Sequence[Phone]) -> Alignment:
    """How long each symbol of `^ … $` lasts, from the phones' times.

    Raises:
        ValueError: there is no phone, or the symbols do not begin with `^` and end with `$`.
    """
    if not phones or len(symbols) < 2 or symbols[0] != "^" or symbols[-1] != "$":
        raise ValueError("align() needs phones and symbols from '^' to '$'")
    sounds = units(symbols)
    total, owners = _match(sounds, phones)
    lasting = [0.0] * len(sounds)
    for phone, owner in zip(phones, owners, strict=True):
        lasting[owner] += phone.end - phone.start
    _share_with_unspoken(sounds, lasting)
    seconds = [0.0] * len(symbols)
    for sound, length in zip(sounds, lasting, strict=True):
        for place in sound.places:
            seconds[place] += length / len(sound.places)
    return Alignment(tuple(seconds), total / len(phones))


def _match(sounds: Sequence[Unit], phones: Sequence[Phone]) -> tuple[float, list[int]]:
    """Cost of the best path and the owner of each phone; a left-over phone goes to the sound before."""
    height, width = len(sounds), len(phones)
    best = [[0.0] * (width + 1) for _ in range(height + 1)]
    came = [[0] * (width + 1) for _ in range(height + 1)]
    for i in range(height + 1):
        for j in range(width + 1):
            options: list[tuple[float, int]] = []
            if i and j:
                options.append(
                    (best[i - 1][j - 1] + _substitution(sounds[i - 1].symbol, phones[j - 1].name), 1)
                )
            if i:
                options.append((best[i - 1][j] + _omission(sounds[i - 1].symbol), 2))
            if j:
                options.append((best[i][j - 1] + _EXTRA_PHONE, 3))
            if options:
                best[i][j], came[i][j] = min(options)
    owners: list[int | None] = [None] * width
    i, j = height, width
    while i or j:
        step = came[i][j]
        i -= step in (1, 2)
        j -= step in (1, 3)
        if step == 1:
            owners[j] = i
    return best[height][width], _fill_gaps(owners)


def _fill_gaps(owners: Sequence[int | None]) -> list[int]:
    filled: list[int] = []
    for owner in owners:
        filled.append(owner if owner is not None else (filled[-1] if filled else 0))
    return filled


def _share_with_unspoken(sounds: Sequence[Unit], lasting: list[float]) -> None:
    """A sound that the teacher swallowed takes a third of its predecessor, so that the student can say it."""
    for place in range(1, len(sounds)):
        if lasting[place] == 0 and sounds[place].symbol not in _SILENT and lasting[place - 1] > 0.03:
            lasting[place] = lasting[place - 1] / 3
            lasting[place - 1] *= 2 / 3


def _substitution(symbol: str, phone: str) -> float:
    if phone == "pau":
        return 0.0 if symbol in PUNCTUATION or symbol in "^$" else 0.3 if symbol == " " else 3.0
    if symbol in _SILENT:
        return 3.0
    if phone in _MATCHES.get(symbol, frozenset()):
        return 0.0
    return 0.5 if (symbol[0] in _VOWEL_SYMBOLS) == (phone in _VOWEL_PHONES) else 1.4


def _omission(symbol: str) -> float:
    return 0.0 if symbol == " " else 0.2 if symbol in _SILENT else 0.8
