# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of a reply goes, each stage measured on its own. Pure.

    |— vad_error —|—— end_of_utterance_delay ——|— dialogue —|— ttfb —|——— playout ———|
                  |— transcription_delay —|
    speech ends   the VAD places             turn committed   first sound sent   first sound at the
    (caller)      its end (agent)                                                  caller's ear

The ends are the caller's, on the clock of the caller's telephone; the stages between are the agent's, from
its journal: audio time (`end_of_utterance_delay`) and a steady clock (`dialogue`, `ttfb`). Both clocks are
laid over the time of day of the one machine that they run on, which gives the first stage and the last. So
the sum of the stages is not the whole by definition: what is missing is the `residual`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from agent.journal.chain import Entry

STAGES = ("vad_error", "end_of_utterance_delay", "dialogue", "ttfb", "playout")
INSIDE = ("transcription_delay",)
# Journalled in the moment in which a frame is heard: what they tell of the audio clock is exact to the frame.
_AT_A_FRAME = ("speech_started", "speech_stopped")


@dataclass(frozen=True, slots=True)
class Said:
    """Something the caller said, as the caller knows it: times of day in seconds of the epoch.

    `e2e_latency_ms` is measured on the telephone's own clock.
    """

    began: float
    ended: float
    heard: float
    e2e_latency_ms: int


@dataclass(frozen=True, slots=True)
class Waterfall:
    """One reply, in milliseconds.

    `vad_error` holds the way from the caller to the agent and how much too early (below 0) or too late the
    VAD placed the end of speech; `playout` the way back. `transcription_delay` runs inside
    `end_of_utterance_delay`, from the VAD's end to the transcript that the turn was made of.
    """

    e2e_latency: float
    vad_error: float
    end_of_utterance_delay: float
    transcription_delay: float
    dialogue: float
    ttfb: float
    playout: float

    @property
    def residual(self) -> float:
        """What the stages leave of the whole; below 0 when their sum is longer."""
        stages: list[float] = [getattr(self, name) for name in STAGES]
        return self.e2e_latency - sum(stages)


@dataclass(frozen=True, slots=True)
class Committed:
    """The turn that the agent made of something said: before its end (`premature`) or after."""

    entry: Entry
    premature: bool


def committed_turn(entries: Sequence[Entry], said: Said) -> Committed | None:
    """The first turn that was committed of what was said, before the reply was heard."""
    for entry in entries:
        if entry.kind == "turn_committed" and said.began <= _seconds(entry) <= said.heard:
            return Committed(entry, _seconds(entry) < said.ended)
    return None


def waterfall(entries: Sequence[Entry], said: Said) -> Waterfall | None:
    """The stages of the reply to what was said, from all of the call's entries; None when the journal has no
    answer to it.
    """
    committed = committed_turn(entries, said)
    zero = audio_zero(entries)
    if committed is None or zero is None:
        return None
    turn, end_ms = committed.entry.data["turn"], committed.entry.data["end_ms"]
    answered = _of_turn(entries, "dialogue_answered", turn)
    sounded = _of_turn(entries, "first_sound", turn)
    if answered is None or sounded is None:
        return None
    heard = [entry for entry in entries if entry.kind == "transcript" and entry.seq < committed.entry.seq]
    return Waterfall(
        e2e_latency=said.e2e_latency_ms,
        vad_error=1000 * (zero + end_ms / 1000 - said.ended),
        end_of_utterance_delay=committed.entry.data["end_of_utterance_delay_ms"],
        transcription_delay=max(0, heard[-1].at_ms - end_ms) if heard else 0,
        dialogue=answered.data["took_ms"],
        ttfb=sounded.data["took_ms"],
        playout=1000 * (said.heard - _seconds(sounded)),
    )


def audio_zero(entries: Sequence[Entry]) -> float | None:
    """The time of day (seconds of the epoch) at which the call's audio clock showed 0.

    None for a call without speech.
    """
    told = [_seconds(entry) - entry.at_ms / 1000 for entry in entries if entry.kind in _AT_A_FRAME]
    return median(told) if told else None


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, nearest rank.

    Raises ValueError for no values.
    """
    if not values:
        raise ValueError("no values")
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def _seconds(entry: Entry) -> float:
    return datetime.fromisoformat(entry.time).timestamp()


def _of_turn(entries: Sequence[Entry], kind: str, turn: int) -> Entry | None:
    return next((entry for entry in entries if entry.kind == kind and entry.data["turn"] == turn), None)
