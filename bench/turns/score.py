# SPDX-License-Identifier: GPL-3.0-or-later
"""What a played timeline shows: turns cut off or ended late, interruptions missed or imagined. Pure.

A commit belongs to the act that began last before the silence which it ended. Whatever belongs to no turn of
the caller is a false interruption.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.turns.caller import Placed
from bench.turns.played import Commit, Played, Silenced
from bench.turns.timeline import INTERRUPTIONS, NOISES

# A turn that is committed later after its end counts as late. Milliseconds, as all here.
LATE_MS = 1500
# An interruption must silence the agent within this.
BARGE_IN_MS = 300
# The agent falls silent a little after the sound that made it: VAD and the way to the gateway take time.
_AFTERMATH_MS = 700
# An interruption that has not silenced the agent by then was missed.
_MISSED_MS = 1500
_NOBODY = "nobody"


@dataclass(slots=True)
class Score:
    """What one timeline, or many, came to. Counts, and lists of milliseconds."""

    timelines: int = 0
    turns: int = 0
    cut_offs: int = 0
    late_ends: int = 0
    never_ended: int = 0
    interruptions: int = 0
    missed_barge_ins: int = 0
    false_interruptions: int = 0
    stopped_for_good_by_a_cough: int = 0
    recognitions: int = 0
    partial_recognitions: int = 0
    stale_recognitions: int = 0
    lasted_ms: int = 0
    delays_ms: list[int] = field(default_factory=list)
    barge_ins_ms: list[int] = field(default_factory=list)
    pauses_for_nothing_ms: list[int] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, other: Score) -> None:
        """Count another score in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def barge_in_within_300ms(self) -> float:
        """Share of all interruptions, missed ones included, that made the agent give way within 300 ms."""
        quick = sum(took <= BARGE_IN_MS for took in self.barge_ins_ms)
        return quick / self.interruptions if self.interruptions else 1.0


def score(played: Played) -> Score:
    """Judge one timeline."""
    found = Score(
        timelines=1,
        recognitions=played.recognitions,
        partial_recognitions=played.partials,
        stale_recognitions=played.stale,
        lasted_ms=played.lasted_ms,
    )
    owned = _by_act(played.acts, played.commits)
    for placed in played.acts:
        found.kinds[placed.act.kind] += 1
        if placed.act.is_turn:
            _score_turn(placed, owned.get(placed.start_ms, []), found)
        if placed.act.kind in INTERRUPTIONS:
            _score_interruption(placed, played, found)
    _score_nothings(played, owned, found)
    return found


def _by_act(acts: Sequence[Placed], commits: Sequence[Commit]) -> dict[int, list[Commit]]:
    """The commits of each act, by when it began; those before the first act under −1."""
    owned: dict[int, list[Commit]] = {}
    for commit in commits:
        began = [placed.start_ms for placed in acts if placed.start_ms <= commit.end_ms]
        owned.setdefault(began[-1] if began else -1, []).append(commit)
    return owned


def _score_turn(placed: Placed, commits: Sequence[Commit], found: Score) -> None:
    found.turns += 1
    early = [commit for commit in commits if commit.at_ms < placed.end_ms]
    if early:
        found.cut_offs += len(early)
        found.faults.append(("cut_offs", placed.act.kind))
    delay_ms = next(
        (commit.at_ms - placed.end_ms for commit in commits if commit.at_ms >= placed.end_ms), None
    )
    if delay_ms is not None:
        found.delays_ms.append(delay_ms)
    if delay_ms is None or delay_ms > LATE_MS:
        found.late_ends += 1
        found.never_ended += delay_ms is None
        found.faults.append(("late_ends", placed.act.kind))


def _score_interruption(placed: Placed, played: Played, found: Score) -> None:
    """Whether the agent gave way: silent soon after the onset, and for good."""
    found.interruptions += 1
    silenced = next(
        (
            silence
            for silence in played.silenced
            if placed.start_ms <= silence.at_ms <= placed.start_ms + _MISSED_MS
        ),
        None,
    )
    if silenced is None or not _gave_way(silenced, played.commits):
        found.missed_barge_ins += 1
        found.faults.append(("missed_barge_ins", placed.act.kind))
    else:
        found.barge_ins_ms.append(silenced.at_ms - placed.start_ms)


def _gave_way(silenced: Silenced, commits: Sequence[Commit]) -> bool:
    """Whether a turn was committed before the agent sounded again, so that it did not just go on."""
    until_ms = silenced.again_ms
    return any(
        commit.at_ms >= silenced.at_ms and (until_ms is None or commit.at_ms <= until_ms)
        for commit in commits
    )


def _score_nothings(played: Played, owned: dict[int, list[Commit]], found: Score) -> None:
    """What happened although nobody wanted a turn: commits first, then silences that no commit explains."""
    imagined = list(owned.get(-1, []))
    for placed in played.acts:
        commits = owned.get(placed.start_ms, [])
        if placed.act.is_turn:
            imagined += [commit for commit in commits if commit.at_ms >= placed.end_ms][1:]
        else:
            imagined += commits
    for commit in imagined:
        _count_false(_cause(commit.end_ms, played.acts), found)
    for silenced in played.silenced:
        cause = _cause(silenced.at_ms, played.acts)
        for_good = silenced.dropped or silenced.again_ms is None
        # Whatever the agent says next, the reply is lost; so a turn made of the cough excuses nothing.
        found.stopped_for_good_by_a_cough += for_good and cause is not None and cause.act.kind in NOISES
        if (cause is not None and cause.act.is_turn) or _gave_way(silenced, played.commits):
            continue
        if for_good or silenced.again_ms is None:
            _count_false(cause, found)
        else:
            found.pauses_for_nothing_ms.append(silenced.again_ms - silenced.at_ms)
            found.faults.append(("pauses_for_nothing", cause.act.kind if cause else _NOBODY))


def _count_false(cause: Placed | None, found: Score) -> None:
    found.false_interruptions += 1
    found.faults.append(("false_interruptions", cause.act.kind if cause else _NOBODY))


def _cause(at_ms: int, acts: Sequence[Placed]) -> Placed | None:
    """The act that was going on, or had just ended."""
    for placed in acts:
        if placed.start_ms <= at_ms <= placed.end_ms + _AFTERMATH_MS:
            return placed
    return None
