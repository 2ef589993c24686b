# SPDX-License-Identifier: GPL-3.0-or-later
"""Silences in a recording: when the agent fell silent and when it went on."""

from __future__ import annotations

from tellerline.scenario.listening import Gap, first_gap, speech_spans
from tests.telephony.signals import tone

TALK = tone(1.0) + bytes(16 * 600) + tone(1.0)


def test_a_pause_and_its_end() -> None:
    assert first_gap(TALK, 300) == Gap(1000, 1600)


def test_a_silence_that_is_under_way_counts_from_where_one_looks() -> None:
    assert first_gap(TALK, 1200) == Gap(1200, 1600)


def test_a_silence_that_lasts_has_no_end_and_a_short_one_is_none() -> None:
    assert first_gap(TALK + bytes(16 * 400), 1700) == Gap(2600, None)
    assert first_gap(TALK, 1700) is None
    assert first_gap(tone(0.5) + bytes(16 * 150) + tone(0.5), 0) is None


def test_spans_bridge_what_a_consonant_leaves() -> None:
    assert speech_spans(tone(0.2) + bytes(16 * 30) + tone(0.2)) == [(0, 430)]
    assert speech_spans(TALK, 500) == [(500, 1000), (1600, 2600)]
    assert speech_spans(bytes(1600)) == []
