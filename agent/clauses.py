# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts a reply into clauses, the unit in which it is synthesised, cached, marked and, after an interruption,
resumed.
"""

from __future__ import annotations

import re

# A sentence end, or a pause mark. A dot or comma inside a number or an abbreviation is followed by no space.
_BOUNDARY = re.compile(r"(?<=[.!?;:])\s+|(?<=,)\s+")
# Shorter clauses sound chopped, so a comma cuts only where both sides stand on their own. Characters.
_SHORTEST = 24


def split_clauses(text: str) -> tuple[str, ...]:
    """The clauses of `text` in order;

    Joined by single spaces they are the text again. Empty for a text of spaces.
    """
    parts: list[str] = []
    for piece in _BOUNDARY.split(" ".join(text.split())):
        if parts and parts[-1].endswith(",") and (len(parts[-1]) < _SHORTEST or len(piece) < _SHORTEST):
            parts[-1] = f"{parts[-1]} {piece}"
        elif piece:
            parts.append(piece)
    return tuple(parts)
