# SPDX-License-Identifier: GPL-3.0-or-later
"""Expectations hold or say how they differ."""

from __future__ import annotations

import pytest

from agent.journal.chain import Entry
from tellerline.scenario.outcome import CallOutcome, TurnOutcome, as_text, check
from tellerline.scenario.script import Expected


def entry(kind: str, **data: object) -> Entry:
    return Entry(0, 0, "2026-01-01T00:00:00.000+00:00", kind, data)


TURN = TurnOutcome(
    "what is my balance",
    [
        entry("turn_committed", text="what is my balance", turn=2),
        entry("dialogue_answered", intent="ask_balance", actions=["action_tell_balance"], turn=2),
        entry("agent_spoke", heard="Welcome. How", complete=False),
        entry("agent_speaks", text="Your PIN, please."),
    ],
    e2e_latency_ms=700,
    silence_latency_ms=120,
    resume_latency_ms=900,
)


@pytest.mark.parametrize(
    "expected",
    [
        Expected(says="pin"),
        Expected(heard="^what is"),
        Expected(action="action_tell_balance", intent="ask_balance", within_ms=700, silent_within_ms=120),
        Expected(absent="4821"),
        Expected(turns=1, journal=("turn_committed", "agent_spoke"), resumes_within_ms=900),
        Expected(spoke=r"^(?!.*help you)"),
    ],
)
def test_what_holds(expected: Expected) -> None:
    assert check(expected, TURN, as_text(TURN.entries)) == []


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        (Expected(says="goodbye"), "says: expected /goodbye/"),
        (Expected(action="action_x"), "action: expected action_x"),
        (Expected(within_ms=699), "after 700 ms"),
        (Expected(absent="PIN"), "is in the journal"),
        (Expected(ends="hangup"), "it goes on"),
        (Expected(turns=0), "1 turns were committed instead of 0"),
        (Expected(journal=("barge_in",)), "journal: expected barge_in"),
        (Expected(spoke="help you"), "spoke: expected /help you/"),
        (Expected(resumes_within_ms=899), "went on after 900 ms"),
        (Expected(sealed_within_ms=1000), "sealed never"),
        (Expected(briefed_ms=1000), "0 ms of speech"),
    ],
)
def test_what_does_not(expected: Expected, reason: str) -> None:
    assert any(reason in fault for fault in check(expected, TURN, as_text(TURN.entries)))


def test_a_reply_that_never_came_is_no_quick_one() -> None:
    assert check(Expected(within_ms=1000), TurnOutcome("x"), "") == [
        "the reply came never (allowed: 1000 ms)"
    ]


def test_waiting_for_a_check_in_is_no_reply() -> None:
    silence = TurnOutcome("(listens)", e2e_latency_ms=8000, is_reply=False)
    assert CallOutcome("x", "c-1", (TURN, TURN, silence)).latencies_ms == [700]


def test_the_greeting_is_no_reply() -> None:
    greeting = TurnOutcome("(listens)", e2e_latency_ms=90)
    call = CallOutcome("x", "c-1", (greeting, TURN))
    assert call.latencies_ms == [700]
    assert call.passed
