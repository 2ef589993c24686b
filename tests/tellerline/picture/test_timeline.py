# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal becomes spans and moments."""

from __future__ import annotations

from tellerline.picture.timeline import Span, playing, timeline_of
from tests.tellerline.picture.conversation import AGENT_SPEAKS, CALLER_SPEAKS, JOURNAL


def test_a_conversation_as_spans_and_moments() -> None:
    timeline = timeline_of(JOURNAL)
    assert [(span.from_ms, span.until_ms) for span in timeline.vad] == list(CALLER_SPEAKS)
    assert [turn.text for turn in timeline.turns] == ["what are your hours", "keys •"]
    assert [word.text for word in timeline.words] == ["what are", "what are your hours  [0.93]"]
    assert timeline.pauses == (Span(6160, 6600),)
    first, second = timeline.speeches
    assert first.protected
    assert first.complete
    assert not second.complete
    assert second.heard == "From nine to six."
    assert (second.from_ms, second.until_ms) == (4400, 9020)


def test_what_played_leaves_the_pauses_out() -> None:
    spans = [(span.from_ms, span.until_ms) for span in playing(timeline_of(JOURNAL))]
    assert spans == [*AGENT_SPEAKS[:2], (6600, 9020)]


def test_a_call_that_goes_on_is_drawn_as_far_as_it_went() -> None:
    timeline = timeline_of(JOURNAL[:13])
    assert timeline.pauses == (Span(6160, 6160),)
    assert timeline.speeches[-1].until_ms == timeline.ends_ms
    assert timeline_of([]).speeches == ()
