# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of a reply sum to what the caller waited."""

from __future__ import annotations

import pytest

from agent.journal.chain import Entry
from bench.waterfall import percentile, waterfall


def entry(seq: int, at_ms: int, kind: str, **data: object) -> Entry:
    return Entry(seq, at_ms, "2026-01-01T00:00:00.000+00:00", kind, data)


TURN = [
    entry(1, 5180, "transcript", text="hello"),
    entry(2, 5560, "turn_committed", turn=2, end_ms=5000, end_of_utterance_delay_ms=560),
    entry(3, 5600, "dialogue_answered", turn=2, took_ms=35),
    entry(4, 5600, "first_sound", turn=2, took_ms=12, speech=3),
]


def test_stages_sum_to_the_whole() -> None:
    stages = waterfall(TURN, 700)
    assert stages is not None
    assert (stages.end_of_utterance_delay, stages.transcription_delay) == (560, 180)
    assert stages.end_of_utterance_delay + stages.dialogue + stages.ttfb + stages.playout == 700


def test_a_turn_without_an_answer_has_no_waterfall() -> None:
    assert waterfall(TURN[:2], 700) is None
    assert waterfall([], 700) is None


def test_percentiles_are_values_of_the_list() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert percentile([7], 0.95) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)
