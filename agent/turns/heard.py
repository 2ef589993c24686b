# SPDX-License-Identifier: GPL-3.0-or-later
"""Interruption truth: which words of a clause reached the caller before it was cut."""

from __future__ import annotations

import math


def words_heard(clause: str, share: float) -> str:
    """The words of `clause` that are over when `share` (0 to 1) of its sound has been played.

    A word takes time in proportion to its letters and the gap behind it, which is right to about a
    syllable; a word counts only when all of it was played, so that the log never claims more than was
    heard.
    """
    if share >= 1.0:
        return clause
    played = math.floor(share * (len(clause) + 1))
    heard: list[str] = []
    end = 0
    for word in clause.split():
        end += len(word) + 1
        if end > played:
            break
        heard.append(word)
    return " ".join(heard)
