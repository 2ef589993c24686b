# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a timeline: the caller's acts in time, the machine's turns, and when the agent fell silent."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.turns.caller import Placed
from bench.turns.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Commit:
    """A turn that the machine committed; `end_ms` is where it believes that the caller stopped."""

    at_ms: int
    from_ms: int
    end_ms: int
    text: str


@dataclass(slots=True)
class Silenced:
    """The agent fell silent at `at_ms` in the middle of a speech, and sounded again at `again_ms`, if it did.

    `dropped`: what it was saying was given up.
    """

    at_ms: int
    dropped: bool = False
    again_ms: int | None = None


@dataclass(slots=True)
class Played:
    """A call that was played: what the caller did, and what the agent made of it."""

    timeline: Timeline
    acts: list[Placed] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    silenced: list[Silenced] = field(default_factory=list)
    recognitions: int = 0
    partials: int = 0
    stale: int = 0
    lasted_ms: int = 0
    log: list[tuple[int, str]] = field(default_factory=list)
