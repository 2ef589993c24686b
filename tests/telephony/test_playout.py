# SPDX-License-Identifier: GPL-3.0-or-later
"""The playout queue: order, pacing and accounting, for every sequence of pushes, marks, pulls and clears."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.media_stream import FRAME_BYTES, FRAME_MS
from telephony.playout import MarkPassed, Playout


def frame(value: int) -> bytes:
    return bytes([value % 256]) * FRAME_BYTES


def test_silence_when_nothing_is_queued() -> None:
    assert Playout().pull().frame is None


def test_frames_come_out_one_a_tick_in_order() -> None:
    playout = Playout()
    assert playout.push(frame(1) + frame(2)) == 0
    playout.push(frame(3))
    assert playout.queued_ms == 60
    assert [playout.pull().frame for _ in range(4)] == [frame(1), frame(2), frame(3), None]
    assert playout.played_ms == 60


def test_a_mark_falls_due_when_the_frame_before_it_has_lasted() -> None:
    playout = Playout()
    playout.push(frame(1))
    playout.mark("end")
    assert playout.pull().marks == ()
    assert playout.pull().marks == (MarkPassed("end", played=True),)


def test_a_mark_between_utterances_does_not_delay_the_next_frame() -> None:
    playout = Playout()
    playout.push(frame(1))
    playout.mark("between")
    playout.push(frame(2))
    playout.pull()
    tick = playout.pull()
    assert (tick.frame, tick.marks) == (frame(2), (MarkPassed("between", played=True),))


def test_clear_tells_played_marks_from_dropped_ones() -> None:
    playout = Playout()
    playout.push(frame(1))
    playout.mark("heard")
    playout.push(frame(2) * 3)
    playout.mark("lost")
    playout.pull()
    outcome = playout.clear()
    assert outcome.marks == (MarkPassed("heard", played=True), MarkPassed("lost", played=False))
    assert (outcome.dropped_ms, outcome.played_ms) == (60, 20)
    assert playout.pull().frame is None


def test_an_action_is_done_once_after_the_speech_or_at_the_clear() -> None:
    done: list[str] = []
    for clear in (False, True):
        playout = Playout()
        playout.push(frame(1))
        playout.then(lambda: done.append("x"))
        assert playout.pull().actions == ()
        due = playout.clear().actions if clear else playout.pull().actions
        for action in due:
            action()
        assert playout.pull().actions == ()
    assert done == ["x", "x"]


@given(st.integers(0, 5), st.integers(0, FRAME_BYTES - 1))
def test_bytes_beyond_whole_frames_are_reported_and_dropped(frames: int, extra: int) -> None:
    playout = Playout()
    assert playout.push(bytes(frames * FRAME_BYTES + extra)) == extra
    assert playout.queued_ms == frames * FRAME_MS


@dataclass
class Model:
    """What must come out: a list of entries with how many frames were pushed before each mark."""

    pushed: int = 0
    played: list[bytes] = field(default_factory=list)
    marks: list[MarkPassed] = field(default_factory=list)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 4)),
        st.tuples(st.just("mark"), st.just(0)),
        st.tuples(st.just("pull"), st.integers(1, 5)),
        st.tuples(st.just("clear"), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(steps)
def test_every_frame_is_played_or_dropped_and_every_mark_answered_once(
    sequence: list[tuple[str, int]],
) -> None:
    playout, model = Playout(), Model()
    sent, named, dropped_ms = 0, 0, 0
    for step, count in sequence:
        if step == "push":
            playout.push(b"".join(frame(sent + i) for i in range(count)))
            sent += count
        elif step == "mark":
            playout.mark(str(named))
            named += 1
        elif step == "clear":
            outcome = playout.clear()
            dropped_ms += outcome.dropped_ms
            model.marks += outcome.marks
        else:
            for _ in range(count):
                tick = playout.pull()
                model.marks += tick.marks
                model.played += [tick.frame] if tick.frame is not None else []
    assert playout.queued_ms + playout.played_ms + dropped_ms == sent * FRAME_MS
    assert playout.played_ms == len(model.played) * FRAME_MS
    model.marks += playout.clear().marks
    assert [m.name for m in model.marks] == [str(i) for i in range(named)]


@settings(max_examples=40)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=10))
def test_without_a_clear_everything_is_played_in_order(pushes: list[int]) -> None:
    playout, number = Playout(), 0
    for count in pushes:
        playout.push(b"".join(frame(number + i) for i in range(count)))
        number += count
        playout.mark(str(number))
    ticks = [playout.pull() for _ in range(number + 1)]
    assert [t.frame for t in ticks] == [frame(i) for i in range(number)] + [None]
    for at, tick in enumerate(ticks):
        assert all(mark == MarkPassed(str(at), played=True) for mark in tick.marks)
