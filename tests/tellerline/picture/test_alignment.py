# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of a recording on the journal's clock is found from the sound."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tellerline.picture.alignment import offset_ms
from tellerline.picture.timeline import timeline_of
from tests.tellerline.picture.conversation import AGENT_SPEAKS, CALLER_SPEAKS, JOURNAL, sound


@settings(max_examples=10, deadline=None)
@given(shift_ms=st.integers(0, 5000))
def test_found_to_30_ms_wherever_it_begins(shift_ms: int) -> None:
    caller, agent = sound(CALLER_SPEAKS, shift_ms), sound(AGENT_SPEAKS, shift_ms)
    assert offset_ms(caller, agent, timeline_of(JOURNAL)) == pytest.approx(shift_ms, abs=30)


def test_the_agents_side_alone_is_enough() -> None:
    nobody = sound((), 0)
    assert offset_ms(nobody, sound(AGENT_SPEAKS, 700), timeline_of(JOURNAL)) == pytest.approx(700, abs=30)


def test_the_recording_of_another_call_is_refused() -> None:
    other = sound(((500, 900), (9500, 15_500)), 0)
    with pytest.raises(ValueError, match="do not fit"):
        offset_ms(sound(CALLER_SPEAKS, 0), other, timeline_of(JOURNAL))


def test_a_recording_of_silence_has_no_place() -> None:
    with pytest.raises(ValueError, match="is it of this call"):
        offset_ms(sound((), 0), sound((), 0), timeline_of(JOURNAL))
