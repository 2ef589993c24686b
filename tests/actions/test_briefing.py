# SPDX-License-Identifier: GPL-3.0-or-later
"""What a colleague is told."""

from __future__ import annotations

from actions.briefing import Handover, briefing


def test_unknown_caller() -> None:
    assert briefing(Handover(None, verified=False)) == (
        "A caller whose number we don't know. The caller asked for a person."
    )


def test_done_is_told_once_and_in_order() -> None:
    call = Handover(
        "Casey Reed", True, ("utter_balance", "utter_balance", "utter_card_blocked", "utter_transfer")
    )
    assert briefing(call) == (
        "Casey Reed, verified by PIN. The caller heard their balance and had a card blocked. "
        "The caller asked for a person."
    )


def test_locked_out_is_not_said_to_have_asked() -> None:
    call = Handover("Casey Reed", False, ("utter_pin_wrong", "utter_pin_locked"))
    assert briefing(call) == "Casey Reed, not verified. The caller was locked out after three wrong PINs."


def test_not_understood_while_choosing_a_card() -> None:
    call = Handover("Casey Reed", False, ("utter_fallback_person",), "card_choice")
    assert briefing(call).endswith("I could not understand them.")
