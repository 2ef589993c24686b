# SPDX-License-Identifier: GPL-3.0-or-later
"""The delay follows the caller, and stays within its bounds whatever they do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.turns.endpointing import endpointing_delay_ms
from agent.turns.expectation import Expectation
from agent.turns.pauses import CallerPauses
from agent.turns.settings import EndpointingSettings

SETTINGS = EndpointingSettings()


def test_fluent_turns_make_it_shorter_and_one_pause_longer_at_once() -> None:
    pauses = CallerPauses(SETTINGS)
    assert pauses.delay_ms == SETTINGS.free_ms
    for _ in range(20):
        pauses.turn_ended()
    assert pauses.delay_ms <= SETTINGS.free_shortest_ms + 5
    pauses.paused(600)
    assert pauses.delay_ms == 750
    pauses.turn_ended()
    assert pauses.delay_ms == 750, "a turn with a pause in it earns nothing"


@given(st.lists(st.one_of(st.none(), st.integers(0, 60_000))))
def test_bounds(history: list[int | None]) -> None:
    pauses = CallerPauses(SETTINGS)
    for pause_ms in history:
        pauses.turn_ended() if pause_ms is None else pauses.paused(pause_ms)
        assert SETTINGS.free_shortest_ms <= pauses.delay_ms <= SETTINGS.free_longest_ms


def test_only_free_speech_follows_the_caller() -> None:
    yes_no = endpointing_delay_ms(Expectation("yes_no"), "yes", None, 1500, SETTINGS)
    assert yes_no == SETTINGS.yes_no_ms
    assert endpointing_delay_ms(Expectation(), "my balance", None, 420, SETTINGS) == 420
    assert (
        endpointing_delay_ms(Expectation(), "my balance and", None, 420, SETTINGS) == SETTINGS.unfinished_ms
    )
