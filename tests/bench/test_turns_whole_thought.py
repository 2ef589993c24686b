# SPDX-License-Identifier: GPL-3.0-or-later
"""Beginnings of sentences that are sentences themselves."""

from __future__ import annotations

import random

import pytest

from bench.turns.whole_thought import is_whole
from training.recognizer.grammar import evaluation_sentences, sample


@pytest.mark.parametrize(
    "text",
    ["what is my balance", "i want to borrow twenty thousand", "yes", "um stop", "a loan please"],
)
def test_whole(text: str) -> None:
    assert is_whole(text)


@pytest.mark.parametrize(
    "text",
    ["what is my", "i'd like to", "my card number is", "i want to borrow money for", "it's for the",
     "twenty thousand and", "for"],
)  # fmt: skip
def test_cut(text: str) -> None:
    assert not is_whole(text)


def test_every_sentence_of_the_grammar_is_whole() -> None:
    rng = random.Random(1)
    drawn = [sample(rng) for _ in range(400)]
    sentences = [s.text for s in drawn if s.kind not in ("random_words", "random_numbers")]
    unseen = [s.text for s in evaluation_sentences(1, 100, ("request", "loan", "term"))]
    assert [text for text in (*sentences, *unseen) if not is_whole(text)] == []
