# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way the voice should change, read from every example that training has of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from actions.voice import parse_voice_change

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("slow down please", "slower"),
        ("that was too fast for me", "slower"),
        ("not so fast", "slower"),
        ("you're talking too slow", "faster"),
        ("could you speak a bit faster", "faster"),
        ("you are too quiet", "louder"),
        ("i can hardly hear you", "louder"),
        ("please speak up", "louder"),
        ("too loud", "softer"),
        ("turn the volume down", "softer"),
        ("a bit quieter please", "softer"),
        ("speak normally again", "normal"),
        ("blah", None),
    ],
)
def test_direction(words: str, change: str | None) -> None:
    assert parse_voice_change(words) == change


def test_hardly_any_way_of_asking_names_no_direction() -> None:
    blocks = yaml.safe_load((ROOT / "nlu_data" / "nlu.yml").read_text(encoding="utf-8"))["nlu"]
    examples = next(block["examples"] for block in blocks if block["intent"] == "change_voice")
    asked = re.findall(r"^- (.+)$", examples, re.MULTILINE)
    unread = [words for words in asked if parse_voice_change(words) is None]
    assert len(unread) <= 0.05 * len(asked), unread
