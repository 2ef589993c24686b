# SPDX-License-Identifier: GPL-3.0-or-later
"""Self-corrections in speech: "fifty no wait sixty thousand" means what comes after the marker."""

from __future__ import annotations

import re

_MARKER = re.compile(
    r"\b(?:no,? wait|wait,? no|no,? sorry|sorry,? no|i mean|i meant|make that|make it|scratch that|"
    r"correction|or rather|no,? actually|actually,? no|let me correct that|no no|oh no|sorry|actually|"
    r"rather|no)\b"
)


def after_corrections(text: str) -> list[str]:
    """The stretches between correction markers, the last one spoken first; the first that holds a value is
    what is meant.
    """
    parts = [part.strip(" ,.") for part in _MARKER.split(text.lower())]
    return [part for part in reversed(parts) if part]
