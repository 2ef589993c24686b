# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of a reply are measured one by one, and account for what the caller waited."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.journal.chain import Entry
from bench.waterfall import STAGES, Said, audio_zero, committed_turn, percentile, waterfall

# The agent's audio clock showed 0 at this time of day.
ZERO = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()


def entry(seq: int, at_ms: int, kind: str, late_ms: int = 0, **data: object) -> Entry:
    """An entry journalled `late_ms` after its audio time."""
    time = datetime.fromtimestamp(ZERO + (at_ms + late_ms) / 1000, UTC)
    return Entry(seq, at_ms, time.isoformat(timespec="milliseconds"), kind, data)


# The VAD places the end at 5000 ms; the turn is committed at 5200; its first sound is sent at 5240.
CALL = [
    entry(1, 4000, "speech_started", onset_ms=3900),
    entry(2, 5100, "speech_stopped", end_ms=5000),
    entry(3, 5180, "transcript", text="hello", took_ms=20),
    entry(4, 5200, "turn_committed", turn=2, end_ms=5000, end_of_utterance_delay_ms=200),
    entry(5, 5220, "dialogue_answered", late_ms=8, turn=2, took_ms=28),
    entry(6, 5240, "first_sound", turn=2, took_ms=12, speech=3),
]
# The caller stopped 30 ms before that, and heard the first sound 60 ms after it had been sent.
SAID = Said(began=ZERO + 3.9, ended=ZERO + 4.970, heard=ZERO + 5.300, e2e_latency_ms=330)


def test_every_stage_is_measured_and_nothing_is_left_over() -> None:
    stages = waterfall(CALL, SAID)
    assert stages is not None
    measured = [getattr(stages, name) for name in STAGES]
    assert measured == pytest.approx([30, 200, 28, 12, 60], abs=0.5)
    assert stages.transcription_delay == 180
    assert stages.residual == pytest.approx(0, abs=1)


def test_time_that_no_stage_knows_of_is_shown() -> None:
    """Half a second between the answer and the voice: the sum no longer is the whole."""
    late = [*CALL[:5], entry(6, 5740, "first_sound", turn=2, took_ms=12, speech=3)]
    said = Said(SAID.began, SAID.ended, SAID.heard + 0.5, SAID.e2e_latency_ms + 500)
    stages = waterfall(late, said)
    assert stages is not None
    assert stages.residual == pytest.approx(500, abs=1)


def test_a_turn_committed_before_the_caller_had_finished_is_premature() -> None:
    early = Said(SAID.began, ZERO + 6.0, ZERO + 6.4, 400)
    found = committed_turn(CALL, early)
    assert found is not None
    assert found.premature
    found = committed_turn(CALL, SAID)
    assert found is not None
    assert not found.premature


def test_another_utterance_s_turn_is_not_taken_for_this_one_s() -> None:
    later = Said(ZERO + 9, ZERO + 10, ZERO + 11, 1000)
    assert committed_turn(CALL, later) is None
    assert waterfall(CALL, later) is None


def test_a_turn_without_an_answer_has_no_waterfall() -> None:
    assert waterfall(CALL[:4], SAID) is None
    assert waterfall([], SAID) is None
    assert audio_zero([]) is None


def test_one_late_entry_does_not_move_the_clock() -> None:
    entries = [*CALL, entry(7, 8000, "speech_started", late_ms=400), entry(8, 9000, "speech_stopped")]
    assert audio_zero(entries) == pytest.approx(ZERO, abs=0.002)


def test_percentiles_are_values_of_the_list() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert percentile([7], 0.95) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)
