# SPDX-License-Identifier: GPL-3.0-or-later
"""Played timelines are judged by what is true of them: written by hand, without sound."""

from __future__ import annotations

import numpy as np
import pytest

from bench.turns.caller import Placed
from bench.turns.played import Commit, Played, Silenced
from bench.turns.score import Score, score
from bench.turns.sounds import PER_MS
from bench.turns.timeline import Act, Kind, Span, Start, Timeline
from contracts.reply import Reply

_NOTHING = np.zeros(0, np.float32)


def placed(kind: Kind, start_ms: int, end_ms: int) -> Placed:
    sound = np.ones((end_ms - start_ms) * PER_MS, np.float32)
    return Placed(Act(kind, "", Start.AGENT_SILENT, 0, (Span(0, end_ms - start_ms),), sound), start_ms)


def judged(acts: list[Placed], commits: list[Commit], silenced: list[Silenced] | None = None) -> Score:
    acted = tuple(act.act for act in acts)
    timeline = Timeline(0, "", acted, (Reply(text="hello"),), Reply(text="again"), "hiss", _NOTHING)
    return score(Played(timeline, acts, commits, silenced or []))


def commit(at_ms: int, end_ms: int) -> Commit:
    return Commit(at_ms, 0, end_ms, "words")


SENTENCE = placed(Kind.PAUSED, 1000, 4000)


def test_a_turn_committed_after_its_end_has_a_delay_and_no_fault() -> None:
    found = judged([SENTENCE], [commit(4300, 3980)])
    assert found.delays_ms == [300]
    assert found.faults == []


def test_a_commit_in_a_pause_is_a_cut_off_and_the_rest_still_ends() -> None:
    found = judged([SENTENCE], [commit(2500, 2000), commit(4400, 3980)])
    assert (found.cut_offs, found.late_ends, found.delays_ms) == (1, 0, [400])


@pytest.mark.parametrize(
    ("commits", "never"), [([], 1), ([commit(5600, 3980)], 0), ([commit(3000, 2000)], 1)]
)
def test_a_turn_that_ends_late_or_never_is_late(commits: list[Commit], never: int) -> None:
    found = judged([SENTENCE], commits)
    assert (found.late_ends, found.never_ended) == (1, never)


def test_what_nobody_said_is_a_false_interruption() -> None:
    assert judged([SENTENCE], [commit(800, 500), commit(4300, 3980)]).false_interruptions == 1
    assert judged([SENTENCE], [commit(4300, 3980), commit(7000, 6500)]).false_interruptions == 1


COUGH = placed(Kind.COUGH, 8000, 8300)


def test_a_cough_that_pauses_the_agent_for_a_moment_is_no_interruption() -> None:
    found = judged([COUGH], [], [Silenced(8200, again_ms=8700)])
    assert found.pauses_for_nothing_ms == [500]
    assert (found.false_interruptions, found.stopped_for_good_by_a_cough) == (0, 0)


def test_a_cough_that_silences_the_agent_for_good_counts_twice() -> None:
    found = judged([COUGH], [], [Silenced(8200, dropped=True)])
    assert (found.false_interruptions, found.stopped_for_good_by_a_cough) == (1, 1)


def test_a_cough_that_becomes_a_turn_is_one_false_interruption() -> None:
    found = judged([COUGH], [commit(9000, 8250)], [Silenced(8200, dropped=True, again_ms=9100)])
    assert (found.false_interruptions, found.pauses_for_nothing_ms) == (1, [])
    assert found.stopped_for_good_by_a_cough == 1, "the reply is lost, whatever the agent says next"


def test_a_reply_given_up_for_a_cough_is_lost_although_the_agent_speaks_again() -> None:
    found = judged([COUGH], [], [Silenced(8200, dropped=True, again_ms=9100)])
    assert (found.false_interruptions, found.stopped_for_good_by_a_cough) == (1, 1)
    assert found.pauses_for_nothing_ms == []


HALT = placed(Kind.HALT, 8000, 8500)


def test_an_interruption_silences_the_agent_within_300_ms() -> None:
    found = judged([HALT], [commit(8800, 8480)], [Silenced(8240, dropped=True, again_ms=8900)])
    assert (found.missed_barge_ins, found.barge_ins_ms, found.barge_in_within_300ms) == (0, [240], 1.0)
    slow = judged([HALT], [commit(8900, 8480)], [Silenced(8400, dropped=True)])
    assert (slow.missed_barge_ins, slow.barge_in_within_300ms) == (0, 0.0)


def test_an_interruption_that_the_agent_talks_over_or_resumes_after_is_missed() -> None:
    talked_over = judged([HALT], [commit(8800, 8480)])
    resumed = judged([HALT], [], [Silenced(8240, again_ms=8900)])
    for found in (talked_over, resumed):
        assert (found.missed_barge_ins, found.barge_ins_ms, found.barge_in_within_300ms) == (1, [], 0.0)


def test_scores_add_up() -> None:
    whole = Score()
    for _ in range(3):
        whole.add(judged([SENTENCE, HALT], [commit(4300, 3980)]))
    assert (whole.timelines, whole.turns, whole.delays_ms) == (3, 6, [300] * 3)
    assert whole.kinds == {Kind.PAUSED: 3, Kind.HALT: 3}
