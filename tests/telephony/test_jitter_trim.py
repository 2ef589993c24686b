# SPDX-License-Identifier: GPL-3.0-or-later
"""When a jitter buffer is shortened and when it is left alone."""

from __future__ import annotations

from telephony.jitter_trim import JitterTrim, is_quiet
from tests.telephony.signals import tone


def test_a_surplus_that_lasts_half_a_second_is_taken_off() -> None:
    trim = JitterTrim()
    for _ in range(24):
        trim.watch(left_ms=110, starved=0)
    assert trim.surplus_frames == 0
    trim.watch(left_ms=50, starved=0)
    assert trim.surplus_frames == 2, "what was left at the worst moment, in whole frames"
    trim.taken()
    trim.taken()
    assert trim.surplus_frames == 0


def test_a_buffer_that_runs_low_now_and_then_is_left_alone() -> None:
    trim = JitterTrim()
    for tick in range(500):
        trim.watch(left_ms=0 if tick % 20 == 0 else 80, starved=0)
        assert trim.surplus_frames == 0


def test_running_dry_after_a_trim_makes_it_wait_longer() -> None:
    trim = JitterTrim()
    waits = []
    for starved in range(4):
        trim.watch(left_ms=40, starved=starved)
        waits.append(1)
        while trim.surplus_frames == 0:
            trim.watch(left_ms=40, starved=starved)
            waits[-1] += 1
        trim.taken()
    assert waits == [25, 50, 100, 200]
    for _ in range(10 * 800):
        trim.watch(left_ms=0, starved=3)
    for _ in range(25):
        trim.watch(left_ms=40, starved=3)
    assert trim.surplus_frames == 2, "calm for long: as quick as in the beginning"


def test_running_dry_without_a_trim_changes_nothing() -> None:
    trim = JitterTrim()
    for starved in range(9):
        trim.watch(left_ms=0, starved=starved)
    for _ in range(49):
        trim.watch(left_ms=60, starved=8)
    assert trim.surplus_frames == 3


def test_noise_is_quiet_and_a_murmur_is_not() -> None:
    assert is_quiet(bytes(320))
    assert is_quiet(tone(0.02, amplitude=250))
    assert not is_quiet(tone(0.02, amplitude=500))
