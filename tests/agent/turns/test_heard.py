# SPDX-License-Identifier: GPL-3.0-or-later
"""Interruption truth: the log never claims more than was played."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.turns.heard import words_heard

CLAUSE = "Your savings account holds twenty eight thousand dollars."


def test_all_none_and_half() -> None:
    assert words_heard(CLAUSE, 1.0) == CLAUSE
    assert words_heard(CLAUSE, 0.0) == ""
    assert words_heard(CLAUSE, 0.5) == "Your savings account holds"


@given(st.lists(st.text("abcdef,.", min_size=1, max_size=9), min_size=1, max_size=12), st.floats(0, 1))
def test_what_was_heard_is_how_the_clause_begins(words: list[str], share: float) -> None:
    clause = " ".join(words)
    heard = words_heard(clause, share)
    assert words[: len(heard.split())] == heard.split()
    assert len(heard) <= share * (len(clause) + 1)
