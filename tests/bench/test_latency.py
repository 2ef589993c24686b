# SPDX-License-Identifier: GPL-3.0-or-later
"""The latency benchmark's own parts: when a caller speaks, what counts, and which level is held."""

from __future__ import annotations

import numpy as np
import pytest
import typer

from bench.latency import _levels
from bench.load.caller_process import CallReport, Job, Reply, status_of
from bench.load.callers import Load, starting_times
from bench.load.ear import TimedEar
from bench.load.figures import Figures, figures_of
from bench.load.script import SCRIPTS, lines_of
from contracts.media_stream import FRAME_BYTES, SILENT_FRAME

LOUD = (np.sin(np.arange(160) / 3) * 8000).astype("<i2").tobytes()


class Clock:
    """A time of day that moves by itself, one tick late now and then."""

    def __init__(self, late: dict[int, float]) -> None:
        self.ticks, self.late = 0, late

    def __call__(self) -> float:
        at = 1000.0 + self.ticks * 0.02 + self.late.get(self.ticks, 0.0)
        self.ticks += 1
        return at


def listened(frames: list[bytes], late: dict[int, float] | None = None) -> TimedEar:
    ear = TimedEar(Clock(late or {}))
    for frame in frames:
        ear.next_frame()
        ear.on_frame(frame)
    return ear


def test_the_ear_knows_when_its_clock_began_in_spite_of_late_ticks() -> None:
    ear = listened([SILENT_FRAME] * 100, {3: 0.2, 50: 0.1, 51: 0.08})
    assert ear.began == pytest.approx(1000.0, abs=0.001)
    assert ear.latest_s == pytest.approx(0.2, abs=0.001)
    with pytest.raises(ValueError, match="no frame"):
        _ = TimedEar().began


def test_the_ear_hears_sound_and_silence() -> None:
    ear = listened([SILENT_FRAME] * 10 + [LOUD] * 5 + [SILENT_FRAME] * 20)
    assert ear.await_sound(0, 0.1) == 200
    ear.await_silence(400, 0.1)
    with pytest.raises(TimeoutError):
        ear.await_silence(420, 0.05)
    with pytest.raises(TimeoutError):
        ear.await_sound(300, 0.05)
    assert len(ear.received) == 35 * FRAME_BYTES


def test_lines_are_spread_over_workers_and_differ_from_their_neighbours() -> None:
    lines = lines_of(["sip:a", "sip:b"], 4, 2, starting_times(4, 6.0, 1))
    assert [line.uri for line in lines] == ["sip:a", "sip:b", "sip:a", "sip:b"]
    assert lines[0].calls == (SCRIPTS[0], SCRIPTS[1])
    assert lines[1].calls == (SCRIPTS[1], SCRIPTS[0])
    assert lines[0].starts_s == 0
    assert all(0 <= line.starts_s <= 6 for line in lines)
    assert len({line.number for line in lines}) == 4
    job = Job(lines, {"hello": "/a"}, 450, 26000)
    assert Job.from_json(job.to_json()) == job


def reply(ended: float, latency_ms: int | None, *, premature: bool = False) -> Reply:
    heard = None if latency_ms is None else ended + latency_ms / 1000
    return Reply("hello", ended - 1, ended, heard, latency_ms, premature)


class NoJournal:
    """A journal that knows no call."""

    def call_of(self, sip_call_id: str) -> str | None:
        return "c"

    def summary(self, call_id: str) -> dict[str, str]:
        return {"state": "ended"}

    def entries(self, call_id: str) -> list[object]:
        return []


def counted(calls: list[CallReport], lines: int = 1) -> Figures:
    return figures_of(Load(calls, 1.0), NoJournal(), lines)  # type: ignore[arg-type]


def test_what_was_not_heard_or_came_too_early_is_no_latency() -> None:
    replies = [reply(10, 400), reply(20, None), reply(30, 0, premature=True)]
    found = counted([CallReport("s", 200, 0, 40, 0.01, replies)])
    assert (found.latencies_s, found.unanswered, found.premature) == ([0.4], 1, 1)
    assert found.unexplained == 1, "heard, but the journal does not say why it took so long"


@pytest.mark.parametrize(("lost", "held"), [(0, True), (1, True), (2, False)])
def test_a_reply_that_never_came_counts_as_the_slowest(lost: int, held: bool) -> None:
    replies = [reply(10, 400)] * 20 + [reply(20, None)] * lost
    assert counted([CallReport("s", 200, 0, 40, 0.01, replies)]).held(0.9) is held


@pytest.mark.parametrize(("early", "held"), [(1, True), (2, False)])
def test_a_reply_that_came_too_early_counts_as_the_slowest(early: int, held: bool) -> None:
    replies = [reply(10, 400)] * 20 + [reply(20, 0, premature=True)] * early
    assert counted([CallReport("s", 200, 0, 40, 0.01, replies)]).held(0.9) is held


@pytest.mark.parametrize(
    ("status", "said", "found"),
    [(200, 4, 200), (200, 3, 0), (200, 0, 0), (0, 2, 0), (503, 0, 503), (503, 2, 503)],
)
def test_a_call_that_ends_before_all_was_said_has_failed(status: int, said: int, found: int) -> None:
    assert status_of(status, said, 4) == found
    good = CallReport("a", 200, 0, 50, 0, [reply(20, 300)])
    ended = CallReport("b", found, 0, 50, 0, [reply(20, 300)] * said)
    assert counted([good, ended]).held(0.9) is (found == 200)


def test_only_replies_that_came_while_all_were_busy_count() -> None:
    calls = [
        CallReport("a", 200, 0, 50, 0, [reply(2, 100), reply(20, 300)]),
        CallReport("b", 200, 5, 40, 0, [reply(20, 500), reply(39, 700)]),
        CallReport("a", 200, 51, 60, 0, [reply(55, 100)]),
    ]
    assert sorted(counted(calls, 2).latencies_s) == [0.3, 0.5, 0.7]


def test_a_level_with_a_refused_call_is_not_held() -> None:
    good = CallReport("a", 200, 0, 50, 0, [reply(20, 300)])
    assert counted([good]).held(0.9)
    assert not counted([good, CallReport("", 503, 0, 50, 0, [])], 1).held(0.9)
    assert not counted([CallReport("a", 200, 0, 50, 0, [reply(20, 950)])]).held(0.9)


@pytest.mark.parametrize("text", ["", "a", "0,1", "4,2", "1,1"])
def test_levels_must_grow(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        _levels(text)
