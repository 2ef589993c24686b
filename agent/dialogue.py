# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue as the conversation sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from contracts.reply import DialogueTurn, Foreseen


class DialogueUnavailable(Exception):
    """The dialogue gave no usable answer in time; the message says why."""


class Dialogue(Protocol):
    """Whoever answers committed turns."""

    async def answer(self, call_id: str, text: str, metadata: Mapping[str, str]) -> DialogueTurn:
        """The replies to one turn. One turn a call at a time. Raises DialogueUnavailable."""
        ...

    async def foresee(self, call_id: str, text: str) -> Foreseen:
        """What these words would probably lead to, without any effect. Raises DialogueUnavailable."""
        ...
