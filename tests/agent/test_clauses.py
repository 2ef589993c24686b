# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies are cut where a speaker would breathe, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clauses import split_clauses


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("You have ten dollars. Anything else?", ("You have ten dollars.", "Anything else?")),
        ("The rate is 8.9 %, and it stays.", ("The rate is 8.9 %, and it stays.",)),
        ("Yes, of course.", ("Yes, of course.",)),
        (
            "I can offer you a loan of ten thousand, payable over three years from today.",
            ("I can offer you a loan of ten thousand,", "payable over three years from today."),
        ),
        ("  ", ()),
    ],
)
def test_clauses(text: str, parts: tuple[str, ...]) -> None:
    assert split_clauses(text) == parts


@given(st.text())
def test_joined_again_they_are_the_text(text: str) -> None:
    assert " ".join(split_clauses(text)) == " ".join(text.split())
