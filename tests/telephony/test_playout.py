# SPDX-License-Identifier: GPL-3.0-or-later
"""The playout queue: order, pacing and accounting, for every sequence of pushes, marks, pulls and clears."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.media_stream import FRAME_BYTES, FRAME_MS
from telephony.fade import cross_fade, fade_out
from telephony.playout import MarkPassed, Playout


def frame(value: int) -> bytes:
    """A frame of its own, that begins and ends too quietly for a ramp."""
    return bytes([value % 256, 0]) + bytes([value % 256]) * (FRAME_BYTES - 4) + bytes(2)


def played(playout: Playout, ticks: int) -> list[bytes | None]:
    return [playout.pull().frame for _ in range(ticks)]


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
    assert playout.pull().marks == (MarkPassed("end", True, 20),)


def test_a_mark_between_utterances_does_not_delay_the_next_frame() -> None:
    playout = Playout()
    playout.push(frame(1))
    playout.mark("between")
    playout.push(frame(2))
    playout.pull()
    tick = playout.pull()
    assert (tick.frame, tick.marks) == (frame(2), (MarkPassed("between", True, 20),))


def test_clear_tells_played_marks_from_dropped_ones() -> None:
    playout = Playout()
    playout.push(frame(1))
    playout.mark("heard")
    playout.push(frame(2) * 3)
    playout.mark("lost")
    playout.pull()
    outcome = playout.clear()
    assert outcome.marks == (MarkPassed("heard", True, 20), MarkPassed("lost", False, 0))
    assert (outcome.dropped_ms, outcome.played_ms) == (60, 20)
    assert played(playout, 2) == [fade_out(frame(2)), None]


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


def test_a_pause_keeps_everything_and_resume_goes_on_exactly_there() -> None:
    playout = Playout()
    playout.push(frame(1) + frame(2) + frame(3))
    assert played(playout, 1) == [frame(1)]
    playout.pause()
    playout.push(frame(4))
    playout.mark("end")
    done: list[str] = []
    playout.then(lambda: done.append("hung up"))
    assert played(playout, 5) == [fade_out(frame(2)), None, None, None, None]
    playout.resume()
    assert played(playout, 3) == [frame(2), frame(3), frame(4)]
    tick = playout.pull()
    assert tick.marks == (MarkPassed("end", True, 80),)
    assert len(tick.actions) == 1
    assert not done


def test_a_rewind_says_the_last_word_again_and_counts_it_once() -> None:
    playout = Playout()
    playout.push(b"".join(frame(i) for i in range(1, 7)))
    playout.mark("end")
    played(playout, 4)
    playout.pause()
    played(playout, 2)
    playout.resume(rewind_ms=30)
    assert (playout.played_ms, playout.queued_ms) == (80, 40)
    assert played(playout, 4) == [frame(3), frame(4), frame(5), frame(6)]
    assert playout.pull().marks == (MarkPassed("end", True, 120),)
    assert playout.played_ms == 120


def test_nothing_is_rewound_over_a_mark_that_was_passed() -> None:
    playout = Playout()
    playout.push(frame(1) * 3)
    playout.mark("first")
    playout.push(frame(2) + frame(3))
    played(playout, 4)
    playout.pause()
    playout.resume(rewind_ms=2000)
    assert played(playout, 3) == [cross_fade(frame(3), frame(2)), frame(3), None]


def test_a_second_rewind_may_go_further_back() -> None:
    playout = Playout()
    playout.push(b"".join(frame(i) for i in range(1, 6)))
    played(playout, 4)
    for _ in range(2):
        playout.pause()
        played(playout, 1)
        playout.resume(rewind_ms=40)
    assert played(playout, 5) == [frame(1), frame(2), frame(3), frame(4), frame(5)]
    assert playout.played_ms == 100


def test_what_was_heard_before_a_rewind_stays_heard_after_a_clear() -> None:
    playout = Playout()
    playout.push(frame(1) * 4)
    playout.mark("half")
    played(playout, 2)
    playout.pause()
    playout.pull()
    playout.resume(rewind_ms=40)
    outcome = playout.clear()
    assert (outcome.dropped_ms, outcome.played_ms) == (40, 40)
    assert outcome.marks == (MarkPassed("half", False, 40),)


def test_clear_ends_a_pause_and_resume_without_one_does_nothing() -> None:
    playout = Playout()
    playout.push(frame(1) * 4)
    playout.pull()
    playout.pause()
    playout.clear()
    playout.pull()
    playout.push(frame(7))
    playout.resume(rewind_ms=500)
    assert played(playout, 2) == [frame(7), None]


def test_a_hold_and_a_pause_both_have_to_end() -> None:
    playout = Playout()
    playout.push(frame(1) + frame(2))
    playout.freeze(True)
    playout.pause()
    playout.freeze(False)
    assert played(playout, 1) == [None]
    playout.freeze(True)
    playout.resume()
    assert played(playout, 1) == [None]
    playout.freeze(False)
    assert played(playout, 2) == [frame(1), frame(2)]


@settings(max_examples=60)
@given(st.integers(0, 12), st.integers(0, 12), st.sampled_from(["pause", "clear", "resume", "starve"]))
def test_a_cut_makes_no_click(before: int, after: int, cut: str) -> None:
    wave = 12_000 * np.sin(2 * np.pi * 210 * (np.arange(160 * 25) + 17) / 8000)
    playout = Playout()
    playout.push(wave.astype("<i2").tobytes()[: (before + 1) * 320 if cut == "starve" else None])
    frames = played(playout, before + 1)
    if cut == "clear":
        playout.clear()
        playout.push(wave.astype("<i2").tobytes())
    elif cut != "starve":
        playout.pause()
        frames += played(playout, after)
        playout.resume(rewind_ms=100 if cut == "resume" else 0)
    frames += played(playout, 4)
    heard = np.frombuffer(b"".join(f or bytes(FRAME_BYTES) for f in frames), "<i2").astype(float)
    heard = np.concatenate(([0.0], heard, [0.0] if cut == "starve" else []))
    steepest = float(np.max(np.abs(np.diff(wave))))
    assert float(np.max(np.abs(np.diff(heard)))) <= 2 * steepest, "no step that the sound itself lacks"


@given(st.integers(0, 5), st.integers(0, FRAME_BYTES - 1))
def test_bytes_beyond_whole_frames_are_reported_and_dropped(frames: int, extra: int) -> None:
    playout = Playout()
    assert playout.push(bytes(frames * FRAME_BYTES + extra)) == extra
    assert playout.queued_ms == frames * FRAME_MS


@dataclass
class Model:
    """What has come out."""

    marks: list[MarkPassed] = field(default_factory=list)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 4)),
        st.tuples(st.just("mark"), st.just(0)),
        st.tuples(st.just("pull"), st.integers(1, 5)),
        st.tuples(st.just("clear"), st.just(0)),
        st.tuples(st.just("pause"), st.just(0)),
        st.tuples(st.just("resume"), st.integers(0, 200)),
        st.tuples(st.just("freeze"), st.integers(0, 1)),
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
        elif step == "pause":
            playout.pause()
        elif step == "resume":
            playout.resume(count)
        elif step == "freeze":
            playout.freeze(bool(count))
        elif step == "clear":
            outcome = playout.clear()
            dropped_ms += outcome.dropped_ms
            model.marks += outcome.marks
        else:
            for _ in range(count):
                tick = playout.pull()
                model.marks += tick.marks
    assert playout.queued_ms + playout.played_ms + dropped_ms == sent * FRAME_MS
    playout.mark(str(named))
    model.marks += playout.clear().marks
    assert [m.name for m in model.marks] == [str(i) for i in range(named + 1)]
    assert sum(m.played_ms for m in model.marks) == playout.played_ms


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
        assert all((mark.name, mark.played) == (str(at), True) for mark in tick.marks)
    heard = [mark.played_ms for tick in ticks for mark in tick.marks]
    assert heard == [count * FRAME_MS for count in pushes]
