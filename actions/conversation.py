# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to every conversation: yes and no, keys, courtesy, cancelling, not understanding, a person."""

from __future__ import annotations

from collections.abc import Mapping

from rasa_sdk.events import EventType, SlotSet

from actions.loan import SLOTS, read_values
from actions.office import office
from actions.turn import LOAN_FORM, Awaiting, Turn, TurnAction, await_answer, go_on_with, leave_form

MENU: Mapping[str, str] = {
    "1": "action_tell_balance",
    "2": "action_read_loan_request",
    "3": "action_fetch_offers",
    "4": "action_block_card",
    "0": "action_transfer_to_person",
}
YES: Mapping[Awaiting | None, str] = {
    Awaiting.OFFER: "action_accept_offer",
    Awaiting.LOAN_APPLICATION: "action_prepare_application",
    Awaiting.OTHER_LOAN: "action_prepare_application",
    Awaiting.CARD_CONFIRM: "action_confirm_block",
    Awaiting.PERSON: "action_transfer_to_person",
}
# A mumble must not apply for a loan or block a card.
SURE_YES = 0.6
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
}


class ActionAffirm(TurnAction):
    """A yes goes to the open question."""

    action_name = "action_affirm"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Let the question's action answer."""
        if turn.in_form:
            return [go_on_with("action_fallback")]
        question = turn.awaiting
        if question in YES and turn.confidence >= SURE_YES:
            return [go_on_with(YES[question])]
        if question in YES:
            turn.say("utter_yes_or_no")
            return ask_again(turn)
        if question in {Awaiting.PIN, Awaiting.CARD_CHOICE}:
            return ask_again(turn)
        turn.say("utter_how_else")
        return [await_answer(None)]


class ActionDeny(TurnAction):
    """A no goes to the open question; to "anything else?" it ends the call."""

    action_name = "action_deny"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Let the question's action answer, or go on to the next wish."""
        if turn.in_form:
            return [go_on_with("action_fallback")]
        question = turn.awaiting
        if question in NO_GOES_ON:
            return [go_on_with(NO_GOES_ON[question])]
        if question in NO_IS_SAID:
            turn.say(NO_IS_SAID[question])
            return turn.finish()
        turn.say("utter_how_else")
        return [await_answer(None)]


class ActionInform(TurnAction):
    """A value without a wish: the answer to an open question, or part of a loan."""

    action_name = "action_inform"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Find out what it answers."""
        if turn.awaiting in {Awaiting.CARD_CHOICE, Awaiting.CARD_CONFIRM}:
            return [go_on_with("action_block_card")]
        if turn.awaiting is Awaiting.PIN or not read_values(turn):
            return [go_on_with("action_fallback")]
        return [go_on_with("action_read_loan_request")]


class ActionOnKeys(TurnAction):
    """Keys are the PIN when it was asked for, a choice of the menu otherwise."""

    action_name = "action_on_keys"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Let the chosen action answer."""
        if turn.awaiting is Awaiting.PIN or self._keyed_ahead(turn):
            return [go_on_with("action_verify_pin")]
        if turn.awaiting is Awaiting.CARD_CHOICE:
            return [go_on_with("action_block_card")]
        chosen = MENU.get(turn.keys(office().seal) or "")
        if chosen is not None:
            return [go_on_with(chosen)]
        turn.say("utter_unknown_key")
        return ask_again(turn)

    def _keyed_ahead(self, turn: Turn) -> bool:
        """Whether the PIN came before it was asked for, as people who call often do."""
        nothing_open = turn.awaiting is None and not turn.in_form
        return turn.keys_are_sealed and not turn.slot("verified") and nothing_open


class ActionAskAgain(TurnAction):
    """After a digression: the open question once more, so that the caller knows where they are."""

    action_name = "action_ask_again"

    async def answer(self, turn: Turn) -> list[EventType]:
        """The question, if one is open."""
        return ask_again(turn)


def ask_again(turn: Turn) -> list[EventType]:
    """Ask the open question once more; without one nothing is said."""
    if turn.in_form:
        return [go_on_with(LOAN_FORM)]
    if turn.awaiting in {Awaiting.CARD_CHOICE, Awaiting.CARD_CONFIRM}:
        return [go_on_with("action_block_card")]
    if turn.awaiting in ASKED_AGAIN:
        turn.say(ASKED_AGAIN[turn.awaiting])
    return []


class ActionGreet(TurnAction):
    """Hello to a hello."""

    action_name = "action_greet"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Greet, and come back to the open question."""
        turn.say("utter_hello")
        if turn.in_form or turn.awaiting:
            return ask_again(turn)
        turn.say("utter_how_else")
        return []


class ActionThank(TurnAction):
    """A thank you is answered; to "anything else?" it means no, anywhere else the call goes on."""

    action_name = "action_thank"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Answer, and come back to the open question."""
        turn.say("utter_youre_welcome")
        if turn.in_form:
            return ask_again(turn)
        if turn.awaiting is Awaiting.ANYTHING_ELSE:
            return [go_on_with("action_goodbye")]
        if turn.awaiting is not None:
            return ask_again(turn)
        return turn.finish()


class ActionRepeat(TurnAction):
    """The agent says its last words again; in a form the question must not be asked on top."""

    action_name = "action_repeat"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Tell the agent to repeat, and listen."""
        turn.say("utter_repeat")
        return [go_on_with("action_listen")]


class ActionCancel(TurnAction):
    """Drops whatever is under way."""

    action_name = "action_cancel"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Forget the open question and the loan."""
        turn.say("utter_cancelled")
        forgotten = ("pending", "loan_paused", "offer_id", "card_id", "card_reason", *SLOTS)
        return [*leave_form(), await_answer(None), *(SlotSet(slot, None) for slot in forgotten)]


class ActionGoodbye(TurnAction):
    """The last words of the call."""

    action_name = "action_goodbye"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Say goodbye and hang up."""
        turn.say("utter_goodbye")
        return [*leave_form(), await_answer(None)]


class ActionTransferToPerson(TurnAction):
    """Puts the caller through to a colleague."""

    action_name = "action_transfer_to_person"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Transfer. The transfer target comes from the settings."""
        turn.say("utter_transfer", target=office().transfer_target)
        return [*leave_form(), SlotSet("pending", None), SlotSet("loan_paused", None), await_answer(None)]


class ActionFallback(TurnAction):
    """Not understood: what can be said, then keys, then a person. Within a question, the question in other
    words.
    """

    action_name = "action_fallback"

    async def answer(self, turn: Turn) -> list[EventType]:
        """One step further with each turn in a row."""
        if turn.awaiting is Awaiting.CARD_CHOICE and turn.misses() == 0:
            return [go_on_with("action_block_card")]
        if turn.misses() >= 2:
            turn.say("utter_fallback_person")
            return [*leave_form(), go_on_with("action_transfer_to_person")]
        if turn.in_form:
            turn.say("utter_fallback_in_form")
            if turn.misses() and turn.slot("requested_slot"):
                turn.say(f"utter_hint_{turn.slot('requested_slot')}")
            return [go_on_with(LOAN_FORM)]
        if turn.awaiting in YES:
            turn.say("utter_yes_or_no")
            return ask_again(turn)
        if turn.awaiting is Awaiting.PIN:
            return ask_again(turn)
        turn.say("utter_fallback_keys" if turn.misses() else "utter_fallback_first")
        return [await_answer(None)]
