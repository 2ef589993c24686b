# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways of ending a turn, compared on the same timelines: silence alone, the caller's pauses, the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.turns.settings import EndpointingSettings, TurnSettings

# Spans what voice agents ship with: from those that interrupt to those that are slow.
SILENCES_MS = (350, 550, 800, 1200)
# Not a delay, but how a cut-off is noticed.
_KEPT = "cut_off_ms"


@dataclass(frozen=True, slots=True)
class Policy:
    """A named way of ending turns; `judges` says whether the turn-end model is asked."""

    name: str
    settings: TurnSettings
    judges: bool


def silence_only(silence_ms: int, settings: TurnSettings) -> Policy:
    """Every turn ends after the same silence, whatever was said."""
    names = [name for name in EndpointingSettings.model_fields if name.endswith("_ms") and name != _KEPT]
    fixed = settings.endpointing.model_copy(update=dict.fromkeys(names, silence_ms))
    return Policy(
        f"silence {silence_ms} ms", settings.model_copy(update={"endpointing": fixed}), judges=False
    )


def policies(settings: TurnSettings, *, compare: bool, model: bool) -> Sequence[Policy]:
    """The policy to measure, last; before it, with `compare`, those to measure it against."""
    adaptive = Policy("adaptive", settings, judges=False)
    own = Policy("adaptive, model", settings, judges=True) if model else adaptive
    if not compare:
        return (own,)
    silences = [silence_only(silence_ms, settings) for silence_ms in SILENCES_MS]
    return (*silences, adaptive, own) if model else (*silences, adaptive)
