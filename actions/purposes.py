# SPDX-License-Identifier: GPL-3.0-or-later
"""What a loan is for, in the caller's words, as one of the bank's purposes."""

from __future__ import annotations

import re

from bank.lending.eligibility import Purpose

_WORDS: dict[Purpose, tuple[str, ...]] = {
    Purpose.RENOVATION: (
        r"renovat\w*", "kitchen", "bath ?room", "roof", "improvements?", "extension", r"refurbish\w*",
        "repairs?", r"remodel\w*", "(?:my|our|the) (?:house|home)", "insulation", "windows",
        "furniture", "garden",
    ),
    Purpose.CAR: ("cars?", "vehicle", "van", "truck", "motor ?bike", "motorcycle", "scooter", "auto"),
    Purpose.EDUCATION: (
        r"educat\w*", "stud(?:y|ies|ying|ent)", "tuition", "university", "college", "school",
        "course", "training", "degree",
    ),
    Purpose.HOLIDAY: ("holidays?", "vacation", "trip", r"travel\w*", "cruise", "honeymoon"),
    Purpose.MEDICAL: (
        "medical", "doctor", "operation", "surgery", "hospital", "dentist", "dental", "treatment", "health",
    ),
    Purpose.WEDDING: ("weddings?", "marriage", "getting married", "marry"),
    Purpose.BUSINESS: ("business", "company", "shop", "start ?up", "firm"),
    Purpose.DEBT: (
        "debts?", r"consolidat\w*", r"refinanc\w*", "pay off", "credit cards", "card bills?", "overdraft",
    ),
    Purpose.OTHER: ("something else", "other", "anything", "boat", "horse", "nothing special", "personal"),
}  # fmt: skip
_PATTERNS = [(purpose, re.compile(rf"\b(?:{'|'.join(words)})\b")) for purpose, words in _WORDS.items()]
_FOR_SOMETHING = re.compile(
    r"\b(?:for|to (?:buy|get|pay|have)|it's|it is) (?:a|an|the|my|our|some|her|his)? ?[a-z]{3,}"
)


def parse_purpose(words: str, *, asked: bool = False) -> Purpose | None:
    """The purpose that the words name, None when there is none.

    The last of several wins ("not the car, the wedding"). With `asked` set, "for a …" that is on no list
    counts as OTHER.
    """
    found = [(match.start(), purpose) for purpose, pattern in _PATTERNS for match in pattern.finditer(words)]
    named = [hit for hit in found if hit[1] is not Purpose.OTHER] or found
    if named:
        return max(named, key=lambda hit: hit[0])[1]
    return Purpose.OTHER if asked and _FOR_SOMETHING.search(words) else None
