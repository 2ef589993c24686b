# SPDX-License-Identifier: GPL-3.0-or-later
"""The grammar's words, read from `phrases.txt`: templates by kind, slot fillers, hesitations, a vocabulary.

They are data and not code, so that whoever knows a bank's callers can add to them without reading Python.
"""

from __future__ import annotations

from pathlib import Path

from training.recognizer import spoken_numbers

Phrases = tuple[str, ...]


def read_phrases(path: Path) -> dict[str, Phrases]:
    """The sections of a phrase file, `[heading]` and a phrase a line; `[words …]` holds many on a line.

    Raises ValueError, with the line's number, for a phrase before the first heading.
    """
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    heading = ""
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            heading = line[1:-1]
            current = sections.setdefault(heading, [])
        elif current is None:
            raise ValueError(f"{path.name}, line {number}: put a [heading] before the first phrase")
        else:
            current.extend(line.split() if heading.startswith("words ") else [line])
    return {name: tuple(phrases) for name, phrases in sections.items()}


def _under(prefix: str) -> dict[str, Phrases]:
    return {
        name.removeprefix(prefix): phrases for name, phrases in _SECTIONS.items() if name.startswith(prefix)
    }


def _plain_words(texts: Phrases) -> set[str]:
    words = {
        word for text in texts for word in text.replace("(", " ").replace(")", " ").replace("|", " ").split()
    }
    return {word for word in words if not word.startswith("{")}


_SECTIONS = read_phrases(Path(__file__).with_name("phrases.txt"))

FILLERS: Phrases = _SECTIONS["fillers"]
FIRST_NAMES: Phrases = _SECTIONS["words name"]
SURNAMES: Phrases = _SECTIONS["words surname"]
SLOTS: dict[str, Phrases] = _under("slot ") | {"name": FIRST_NAMES, "surname": SURNAMES}
TEMPLATES: dict[str, Phrases] = _under("say ")
HELD_OUT_TEMPLATES: dict[str, Phrases] = _under("unseen ")

CORE_PHRASES = frozenset(
    template
    for templates in TEMPLATES.values()
    for template in templates
    if "{" not in template and "(" not in template
)

WORDS: Phrases = tuple(
    sorted(
        {
            *_SECTIONS["words common"],
            *(word for texts in (*TEMPLATES.values(), *SLOTS.values()) for word in _plain_words(texts)),
            *FIRST_NAMES,
            *SURNAMES,
            *spoken_numbers.NUMBER_WORDS,
            *spoken_numbers.ORDINALS,
            *spoken_numbers.MONTHS,
        }
    )
)
