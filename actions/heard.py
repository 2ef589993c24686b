# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the caller heard what a yes must rest on.

The agent tells with each turn which words of its last reply were really played. Conditions that were cut are
no ground for consent, so a yes after them is no informed one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# The responses that carry the conditions of a loan or an offer, and the one that says them again.
CONDITIONS = frozenset({"utter_loan_conditions", "utter_offer"})
SAID_AGAIN = "utter_said_again"


def was_heard(required: str, heard: str) -> bool:
    """Whether all words of `required` are in `heard`, in a row; case and punctuation don't count."""
    wanted, played = _words(required), _words(heard)
    return any(played[at : at + len(wanted)] == wanted for at in range(len(played) - len(wanted) + 1))


def _words(text: str) -> list[str]:
    bare = (word.strip(".,;:!?\"'()…") for word in text.lower().split())
    return [word for word in bare if word]


def cut_conditions(events: Sequence[Mapping[str, Any]]) -> str | None:
    """The conditions told last, if the turn after them (or after they were said again) says that they were
    cut; None if they were heard.

    `events` are the call's events in rasa-sdk's form, the present turn's included. Without a word from the
    agent about it, conditions count as heard.
    """
    told = [at for at, event in enumerate(events) if _name(event) in CONDITIONS]
    if not told:
        return None
    required = str(events[told[-1]].get("text") or "")
    spoken = max(at for at, event in enumerate(events) if at == told[-1] or _name(event) == SAID_AGAIN)
    answer = next((event for event in events[spoken + 1 :] if event.get("event") == "user"), {})
    metadata = answer.get("metadata") or {}
    interrupted = str(metadata.get("interrupted", "")).lower() == "true"
    return required if interrupted and not was_heard(required, str(metadata.get("heard") or "")) else None


def _name(event: Mapping[str, Any]) -> str:
    """The name of the reply that the event is; empty for anything else."""
    if event.get("event") != "bot":
        return ""
    return str((event.get("metadata") or {}).get("utter_action") or "")
