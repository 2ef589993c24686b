# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a scenario's turns, and whether it is what was expected: pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from agent.journal.chain import Entry
from contracts.reply import CALL_STARTED
from tellerline.scenario.script import Expected


@dataclass(slots=True)
class TurnOutcome:
    """What was heard on the line and written in the journal from the start of a turn to the start of the
    next.

    `e2e_latency_ms` counts from the end of the caller's deed to the first sound of the reply,
    `silence_latency_ms` and `resume_latency_ms` from its start until the agent fell silent and went on; all
    at the caller's ear. `sealed_ms` counts from the caller's hang-up, `briefed_ms` is speech that the person
    who took the call over heard before the caller. `is_reply`: the agent was to answer something.
    """

    deed: str
    entries: list[Entry] = field(default_factory=list)
    e2e_latency_ms: int | None = None
    silence_latency_ms: int | None = None
    resume_latency_ms: int | None = None
    sealed_ms: int | None = None
    briefed_ms: int | None = None
    ended: str | None = None
    failures: list[str] = field(default_factory=list)
    is_reply: bool = True

    @property
    def said(self) -> str:
        """What the agent began to say."""
        return " ".join(entry.data["text"] for entry in self._of("agent_speaks"))

    @property
    def spoke(self) -> str:
        """What was heard of the agent's speeches that ended in this turn, whenever they began."""
        return " ".join(entry.data["heard"] for entry in self._of("agent_spoke"))

    @property
    def heard(self) -> str:
        """What the agent understood the caller to say."""
        return " ".join(entry.data.get("text", "") for entry in self._of("turn_committed")).strip()

    @property
    def intents(self) -> list[str]:
        """The intents that the dialogue made of it."""
        return [entry.data["intent"] for entry in self._of("dialogue_answered")]

    @property
    def actions(self) -> list[str]:
        """What the dialogue did."""
        return [action for entry in self._of("dialogue_answered") for action in entry.data["actions"]]

    @property
    def committed(self) -> int:
        """How many turns of the caller's were committed."""
        return sum(entry.data.get("text") != CALL_STARTED for entry in self._of("turn_committed"))

    @property
    def kinds(self) -> frozenset[str]:
        """What kinds of things happened."""
        return frozenset(entry.kind for entry in self.entries)

    def _of(self, kind: str) -> Iterable[Entry]:
        return (entry for entry in self.entries if entry.kind == kind)


def check(expected: Expected, turn: TurnOutcome, journal: str) -> list[str]:
    """What differs from the expectation, in words;

    Empty when nothing does. `journal` is all of the call's, as text.
    """
    return [
        *_matches("says", expected.says, turn.said),
        *_matches("spoke", expected.spoke, turn.spoke),
        *_matches("heard", expected.heard, turn.heard),
        *_contains("action", expected.action, turn.actions),
        *_contains("intent", expected.intent, turn.intents),
        *(fault for kind in expected.journal for fault in _contains("journal", kind, sorted(turn.kinds))),
        *_within("the reply came", expected.within_ms, turn.e2e_latency_ms),
        *_within("silence came", expected.silent_within_ms, turn.silence_latency_ms),
        *_within("the agent went on", expected.resumes_within_ms, turn.resume_latency_ms),
        *_within("the journal was sealed", expected.sealed_within_ms, turn.sealed_ms),
        *_otherwise(expected, turn, journal),
    ]


def _otherwise(expected: Expected, turn: TurnOutcome, journal: str) -> list[str]:
    faults = []
    if expected.turns is not None and expected.turns != turn.committed:
        faults.append(f"{turn.committed} turns were committed instead of {expected.turns}")
    if expected.absent and expected.absent in journal:
        faults.append(f"{expected.absent!r} is in the journal")
    if expected.ends and expected.ends != turn.ended:
        faults.append(f"the call should end by {expected.ends}, but: {turn.ended or 'it goes on'}")
    if expected.briefed_ms is not None and (turn.briefed_ms or 0) < expected.briefed_ms:
        heard = f"{turn.briefed_ms or 0} ms of speech"
        faults.append(f"the person was told {heard} beforehand (wanted: {expected.briefed_ms} ms)")
    return faults


def as_text(entries: Iterable[Entry]) -> str:
    """Everything that a journal holds, as one text to search for what must not be in it."""
    return "\n".join(f"{entry.kind} {json.dumps(dict(entry.data), ensure_ascii=False)}" for entry in entries)


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """A whole call."""

    name: str
    call_id: str
    turns: tuple[TurnOutcome, ...]
    late_failures: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every expectation held, also those that only the end of the journal could break."""
        return not self.late_failures and not any(turn.failures for turn in self.turns)

    @property
    def latencies_ms(self) -> list[int]:
        """The reply latencies, the greeting's left out: nobody had spoken before it."""
        return [
            turn.e2e_latency_ms
            for turn in self.turns[1:]
            if turn.is_reply and turn.e2e_latency_ms is not None
        ]

    def summary(self) -> dict[str, Any]:
        """The outcome as one JSON object."""
        latencies = self.latencies_ms
        return {
            "scenario": self.name,
            "call_id": self.call_id,
            "passed": self.passed,
            "e2e_latency_p50": round(median(latencies) / 1000, 3) if latencies else None,
            "e2e_latency_max": round(max(latencies) / 1000, 3) if latencies else None,
            "turns": [
                {
                    "deed": turn.deed,
                    "heard": turn.heard,
                    "said": turn.said,
                    "intents": turn.intents,
                    "e2e_latency_ms": turn.e2e_latency_ms,
                    "failures": turn.failures,
                }
                for turn in self.turns
            ],
        }


def _matches(what: str, pattern: str | None, text: str) -> list[str]:
    if pattern is None or re.search(pattern, text, re.IGNORECASE):
        return []
    return [f"{what}: expected /{pattern}/, got {text!r}"]


def _contains(what: str, wanted: str | None, got: Sequence[str]) -> list[str]:
    return (
        []
        if wanted is None or wanted in got
        else [f"{what}: expected {wanted}, got {', '.join(got) or 'none'}"]
    )


def _within(what: str, limit_ms: int | None, took_ms: int | None) -> list[str]:
    if limit_ms is None or (took_ms is not None and took_ms <= limit_ms):
        return []
    return [f"{what} {'never' if took_ms is None else f'after {took_ms} ms'} (allowed: {limit_ms} ms)"]
