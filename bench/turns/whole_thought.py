# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the beginning of a sentence is a whole thought by itself, told by the grammar that made it.

"what is my balance" of "what is my balance please" is: a listener who answers there has cut nobody off. So no
pause that a turn must survive is put behind it.
"""

from __future__ import annotations

import re
from functools import cache

from training.recognizer import lexicon, spoken_numbers

_SLOT = re.compile(r"\{(\w+)\}")
# Words that stand inside a number, a term, a date or a time, but do not end one.
_JOINTS = "a|and|of|or|to|the|in|past|point|quarter|couple|double"
_OTHERS = (
    "thirtieth",
    "oh",
    "first",
    "o'clock",
    "morning",
    "afternoon",
    "cents",
    "euros",
    "pounds",
    "yuan",
    "year",
)
_KNOWN = {
    *spoken_numbers.NUMBER_WORDS,
    *spoken_numbers.ORDINALS,
    *spoken_numbers.MONTHS,
    *spoken_numbers.TENS,
}
_NUMBERS = "|".join(sorted({*_KNOWN, *_OTHERS} - set(_JOINTS.split("|"))))
_NUMERIC = f"(?:(?:a|the|half|double|quarter|couple|of)*(?:{_NUMBERS})(?:(?:{_JOINTS})*(?:{_NUMBERS}))*)"


def is_whole(text: str) -> bool:
    """Whether some template of the grammar makes `text` in full, a filler before it allowed."""
    squeezed = text.replace(" ", "")
    return any(pattern.fullmatch(squeezed) for pattern in _patterns())


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    fillers = "|".join(_closed(filler) for filler in lexicon.FILLERS)
    return tuple(
        re.compile(f"(?:{fillers})?{_pattern(template)}")
        for kind in (lexicon.TEMPLATES, lexicon.HELD_OUT_TEMPLATES)
        for templates in kind.values()
        for template in templates
    )


def _pattern(template: str) -> str:
    """A template is a regular expression already, once slots are filled and spaces, which may double where an
    alternative is empty, are left out.
    """
    parts = _SLOT.split(template)
    filled = [_slot(part) if index % 2 else _closed(part) for index, part in enumerate(parts)]
    return "".join(filled).replace("(", "(?:").replace("(?:?:", "(?:")


def _slot(name: str) -> str:
    phrases = lexicon.SLOTS.get(name)
    if phrases is None:
        return _NUMERIC
    return "(?:" + "|".join(_closed(phrase) for phrase in phrases) + ")"


def _closed(text: str) -> str:
    return text.replace(" ", "").replace(".", r"\.")
