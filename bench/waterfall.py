# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of a reply goes: the journal's stages between the end of the caller's speech and the first
sound. Pure.

    |—— end_of_utterance_delay ——|— dialogue —|— ttfb —|———— playout ————|
    |— transcription_delay —|
    speech ends (VAD)            turn committed        first sound sent  first sound at the caller's ear

`playout` is what is left of the latency at the ear: both directions of the line with their jitter buffers,
the frames' grid, the voice's own leading silence, and the error of the VAD's end of speech.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.journal.chain import Entry

STAGES = ("end_of_utterance_delay", "transcription_delay", "dialogue", "ttfb", "playout")


@dataclass(frozen=True, slots=True)
class Waterfall:
    """One reply. All in milliseconds; `transcription_delay` runs inside `end_of_utterance_delay`."""

    e2e_latency: int
    end_of_utterance_delay: int
    transcription_delay: int
    dialogue: int
    ttfb: int

    @property
    def playout(self) -> int:
        """What the other stages leave of the whole."""
        return self.e2e_latency - self.end_of_utterance_delay - self.dialogue - self.ttfb


def waterfall(entries: Sequence[Entry], e2e_latency_ms: int) -> Waterfall | None:
    """The stages of the first turn committed in `entries`; None when it was not answered with speech."""
    committed = next((entry for entry in entries if entry.kind == "turn_committed"), None)
    if committed is None:
        return None
    turn = committed.data["turn"]
    answered = _of_turn(entries, "dialogue_answered", turn)
    sounded = _of_turn(entries, "first_sound", turn)
    heard = [entry for entry in entries if entry.kind == "transcript" and entry.seq < committed.seq]
    if answered is None or sounded is None:
        return None
    end_ms = committed.data["end_ms"]
    return Waterfall(
        e2e_latency_ms,
        committed.data["end_of_utterance_delay_ms"],
        heard[-1].at_ms - end_ms if heard else 0,
        answered.data["took_ms"],
        sounded.data["took_ms"],
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, nearest rank.

    Raises ValueError for no values.
    """
    if not values:
        raise ValueError("no values")
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def _of_turn(entries: Sequence[Entry], kind: str, turn: int) -> Entry | None:
    return next((entry for entry in entries if entry.kind == kind and entry.data["turn"] == turn), None)
