# SPDX-License-Identifier: GPL-3.0-or-later
"""A timeline: what a caller does in one generated call, the line it is done over, and so the truth of it.

A caller reacts: an act starts so many milliseconds after the agent has fallen silent, or has spoken for so
long. Where in time that is depends on the agent; what must come of it does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bench.turns.sounds import PER_MS, EchoPath, Samples
from contracts.reply import Reply


class Kind(StrEnum):
    """What the caller, or the room around the caller, does."""

    SENTENCE = "sentence"
    PAUSED = "paused sentence"
    TRAILING = "trailing off"
    DIGITS = "dictated digits"
    YES_NO = "yes or no"
    HALT = "a word to stop"
    REQUEST = "request over the agent"
    BACKCHANNEL = "backchannel"
    COUGH = "cough"
    THROAT = "cleared throat"
    SLAM = "slam"
    CROSSTALK = "crosstalk"


INTERRUPTIONS = frozenset({Kind.HALT, Kind.REQUEST})
ANSWERS = frozenset({Kind.SENTENCE, Kind.PAUSED, Kind.TRAILING, Kind.DIGITS, Kind.YES_NO})
TURNS = ANSWERS | INTERRUPTIONS
NOISES = frozenset({Kind.COUGH, Kind.THROAT, Kind.SLAM})


class Start(StrEnum):
    """What an act waits for."""

    AGENT_SILENT = "after the agent"
    AGENT_SPEAKING = "over the agent"


@dataclass(frozen=True, slots=True)
class Span:
    """Where sound is, in milliseconds from the start of its act."""

    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that the caller does.

    `sound` is float32 at 8 kHz and starts and ends audibly; `spans` are its parts, with the pauses of a
    thought between them. `wait_ms` counts from what `start` names.
    """

    kind: Kind
    text: str
    start: Start
    wait_ms: int
    spans: tuple[Span, ...]
    sound: Samples = field(repr=False, compare=False)

    @property
    def is_turn(self) -> bool:
        """Whether the caller wants an answer."""
        return self.kind in TURNS

    @property
    def lasts_ms(self) -> int:
        """From the first sound to the last."""
        return -(-len(self.sound) // PER_MS)

    @property
    def pauses_ms(self) -> tuple[int, ...]:
        """The silences inside."""
        return tuple(
            after.from_ms - before.until_ms for before, after in zip(self.spans, self.spans[1:], strict=False)
        )


@dataclass(frozen=True, slots=True)
class Timeline:
    """One call. `replies` are the agent's: the opening, which can't be interrupted, and one after each turn.

    `again` is what a turn that was cut off gets. `background` repeats for as long as the call lasts.
    """

    number: int
    voice: str
    acts: tuple[Act, ...]
    replies: tuple[Reply, ...]
    again: Reply
    noise: str
    background: Samples = field(repr=False, compare=False)
    snr_db: float | None = None
    echo: EchoPath | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """The kinds of line that this is."""
        noise = (
            self.noise
            if self.snr_db is None
            else f"{self.noise} {'10–20' if self.snr_db >= 10 else '0–10'} dB"
        )
        return (noise,) if self.echo is None else (noise, "any, with echo")
