# SPDX-License-Identifier: GPL-3.0-or-later
"""The open question: what a yes or no to it leads to, how it is asked again, what helps with it."""

from __future__ import annotations

from collections.abc import Mapping

from rasa_sdk.events import EventType, SlotSet

from actions.turn import LOAN_FORM, Awaiting, Turn, TurnAction, await_answer, go_on_with, leave_form

YES: Mapping[Awaiting | None, str] = {
    Awaiting.OFFER: "action_accept_offer",
    Awaiting.LOAN_APPLICATION: "action_prepare_application",
    Awaiting.OTHER_LOAN: "action_prepare_application",
    Awaiting.CARD_CONFIRM: "action_confirm_block",
    Awaiting.PERSON: "action_transfer_to_person",
}
NO_GOES_ON: Mapping[Awaiting | None, str] = {
    Awaiting.OFFER: "action_decline_offer",
    Awaiting.ANYTHING_ELSE: "action_goodbye",
    Awaiting.PIN: "action_cancel",
}
NO_IS_SAID: Mapping[Awaiting | None, str] = {
    Awaiting.LOAN_APPLICATION: "utter_application_declined",
    Awaiting.OTHER_LOAN: "utter_application_declined",
    Awaiting.CARD_CONFIRM: "utter_card_not_blocked",
    Awaiting.CARD_CHOICE: "utter_card_not_blocked",
    Awaiting.PERSON: "utter_all_right",
}
ASKED_AGAIN: Mapping[Awaiting | None, str] = {
    Awaiting.PIN: "utter_pin_hint",
    Awaiting.OFFER: "utter_ask_offer",
    Awaiting.LOAN_APPLICATION: "utter_ask_application",
    Awaiting.OTHER_LOAN: "utter_ask_application",
    Awaiting.PERSON: "utter_ask_person",
    Awaiting.ANYTHING_ELSE: "utter_anything_else",
}
HELP: Mapping[Awaiting | None, str] = {
    Awaiting.PIN: "utter_help_pin",
    Awaiting.CARD_CHOICE: "utter_help_card",
    **dict.fromkeys(YES, "utter_help_yes_no"),
}


def ask_again(turn: Turn) -> list[EventType]:
    """Ask the open question once more; without one nothing is said."""
    return [go_on_with(LOAN_FORM)] if turn.in_form else ask(turn, turn.awaiting)


def ask(turn: Turn, question: Awaiting | None) -> list[EventType]:
    """Ask a question that was asked before."""
    if question in {Awaiting.CARD_CHOICE, Awaiting.CARD_CONFIRM}:
        return [go_on_with("action_block_card")]
    if question in ASKED_AGAIN:
        turn.say(ASKED_AGAIN[question])
    return []


def offer_person(before: Awaiting | None = None) -> list[EventType]:
    """Wait for a yes or no to a person; `before` is the question that a no brings back."""
    return [SlotSet("asked_before", before.value if before else None), await_answer(Awaiting.PERSON)]


def back_to_question_before(turn: Turn) -> list[EventType] | None:
    """Ask the question that the offer of a person interrupted; None when there was none."""
    value = turn.slot("asked_before")
    if turn.awaiting is not Awaiting.PERSON or value is None:
        return None
    before = Awaiting(value)
    return [SlotSet("asked_before", None), await_answer(before), *ask(turn, before)]


class ActionAskAgain(TurnAction):
    """After a digression: the open question once more, so that the caller knows where they are."""

    action_name = "action_ask_again"

    async def answer(self, turn: Turn) -> list[EventType]:
        """The question, if one is open."""
        return ask_again(turn)


class ActionHelp(TurnAction):
    """What can be said at this point of the call."""

    action_name = "action_help"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Name it, and ask the open question again."""
        asked = turn.slot("requested_slot") if turn.in_form else None
        turn.say(f"utter_help_{asked}" if asked else HELP.get(turn.awaiting, "utter_help"))
        return ask_again(turn)


class ActionOfferLanguage(TurnAction):
    """This line speaks English so far; a person may speak the caller's language."""

    action_name = "action_offer_language"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Say so, and offer the person. What was under way waits for a no."""
        before = turn.awaiting
        if before is Awaiting.PERSON:
            before = Awaiting(turn.slot("asked_before")) if turn.slot("asked_before") else None
        paused = [*leave_form(), SlotSet("loan_paused", True)] if turn.in_form else []
        turn.say("utter_language")
        return [*paused, *offer_person(before)]
