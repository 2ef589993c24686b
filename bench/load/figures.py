# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load showed: the callers' reports joined with the journals of their calls."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from agent.journal.chain import Entry
from agent.journal.store import JournalReader
from bench.load.caller_process import CallReport, Reply
from bench.load.callers import Load
from bench.waterfall import INSIDE, STAGES, Said, Waterfall, committed_turn, percentile, waterfall

_JOURNAL_S = 5.0
# A median of the residuals beyond this means that a stage is measured wrongly, or is missing. Milliseconds.
MOST_RESIDUAL_MS = 30


@dataclass(slots=True)
class Figures:
    """All replies of a load.

    `unanswered`: nothing was heard, or something else than a reply, because no turn was made of what was
    said; `premature`: the agent spoke, or ended the turn, before the caller had finished. `unexplained`
    replies were heard, but the journal does not have their stages. `latest_ticks_s`: how late the callers'
    own media came at worst, call by call; where that is much, the callers lacked CPU and the figures are
    theirs.
    """

    calls: int = 0
    refused: int = 0
    failed: int = 0
    unanswered: int = 0
    premature: int = 0
    unexplained: int = 0
    callers_cpu_s: float = 0.0
    latest_ticks_s: list[float] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    stages: list[Waterfall] = field(default_factory=list)
    by_text: dict[str, list[float]] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether the stages account for the whole of the latency."""
        return not self.stages or abs(median(found.residual for found in self.stages)) <= MOST_RESIDUAL_MS

    def held(self, most_p95_s: float) -> bool:
        """Whether every call was taken and held to its end, and 95 % of what was said was answered within
        `most_p95_s`. A premature reply answers nothing: the caller had not said it yet.
        """
        if self.refused + self.failed or not self.latencies_s:
            return False
        never = [math.inf] * (self.unanswered + self.premature)
        return percentile([*self.latencies_s, *never], 0.95) <= most_p95_s

    def summary(self) -> dict[str, Any]:
        """The figures as one JSON object, times in seconds."""
        counted = ("refused", "failed", "unanswered", "premature", "unexplained")
        found: dict[str, Any] = {"calls": self.calls, "turns": len(self.latencies_s)}
        found.update({name: getattr(self, name) for name in counted})
        if self.latencies_s:
            for share in (50, 95):
                found[f"e2e_latency_p{share}"] = round(percentile(self.latencies_s, share / 100), 3)
        for name in (*STAGES, *INSIDE):
            values = [getattr(stages, name) / 1000 for stages in self.stages]
            if values:
                found[f"{name}_p50"] = round(percentile(values, 0.5), 3)
                found[f"{name}_p95"] = round(percentile(values, 0.95), 3)
        if self.stages:
            residuals = [stages.residual / 1000 for stages in self.stages]
            found["residual_median"] = round(median(residuals), 3)
            largest: float = max(residuals, key=abs)
            found["residual_largest"] = round(largest, 3)
        found["by_text"] = {text: round(percentile(each, 0.5), 3) for text, each in self.by_text.items()}
        found["callers_cpu_s"] = round(self.callers_cpu_s, 1)
        found["callers_latest_tick"] = round(max(self.latest_ticks_s, default=0.0), 3)
        return found


def figures_of(load: Load, reader: JournalReader, lines: int = 1) -> Figures:
    """The figures of the replies that came while all `lines` were busy."""
    found = Figures(
        calls=len(load.calls), refused=load.refused, failed=load.failed, callers_cpu_s=load.callers_cpu_s
    )
    found.latest_ticks_s = [call.latest_tick_s for call in load.calls]
    from_s, until_s = _all_busy(load.calls, lines)
    for call in load.calls:
        replies = [reply for reply in call.replies if from_s <= reply.ended <= until_s]
        if replies:
            entries = _journal(reader, call.sip_call_id)
            for reply in replies:
                _count(found, reply, entries)
    return found


def _all_busy(calls: Sequence[CallReport], lines: int) -> tuple[float, float]:
    """From when the last line begins its first call to when the first line ends its last one."""
    begun = sorted(call.began for call in calls)
    ended = sorted(call.ended for call in calls)
    return begun[lines - 1], ended[-lines]


def _journal(reader: JournalReader, sip_call_id: str) -> list[Entry]:
    """The journal of a call, once it is sealed or a few seconds have gone by."""
    deadline = time.monotonic() + _JOURNAL_S
    call_id = reader.call_of(sip_call_id) or ""
    while reader.summary(call_id).get("state") != "ended" and time.monotonic() < deadline:
        time.sleep(0.1)
        call_id = reader.call_of(sip_call_id) or ""
    return [stored.entry for stored in reader.entries(call_id)]


def _count(found: Figures, reply: Reply, entries: Sequence[Entry]) -> None:
    if reply.e2e_latency_ms is None or reply.heard is None:
        found.unanswered += 1
        return
    said = Said(reply.began, reply.ended, reply.heard, reply.e2e_latency_ms)
    turn = committed_turn(entries, said)
    if turn is None and entries:
        found.unanswered += 1
        return
    if reply.premature or (turn is not None and turn.premature):
        found.premature += 1
        return
    found.latencies_s.append(reply.e2e_latency_ms / 1000)
    found.by_text.setdefault(reply.text, []).append(reply.e2e_latency_ms / 1000)
    stages = waterfall(entries, said)
    if stages is None:
        found.unexplained += 1
    else:
        found.stages.append(stages)
