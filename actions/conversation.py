# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to every conversation: yes and no, keys, courtesy, cancelling, not understanding, a person."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from rasa_sdk.events import EventType, SlotSet
from sqlalchemy.orm import Session

from actions.briefing import Handover, briefing
from actions.figures import dollars
from actions.loan import SLOTS, read_values
from actions.office import office
from actions.questions import NO_GOES_ON, NO_IS_SAID, YES, ask_again, back_to_question_before
from actions.turn import LOAN_FORM, Awaiting, Turn, TurnAction, await_answer, go_on_with, leave_form
from bank.models import Customer

MENU: Mapping[str, str] = {
    "1": "action_tell_balance",
    "2": "action_read_loan_request",
    "3": "action_fetch_offers",
    "4": "action_block_card",
    "0": "action_transfer_to_person",
}
RESTS_ON_CONDITIONS = {Awaiting.OFFER, Awaiting.LOAN_APPLICATION, Awaiting.OTHER_LOAN}
# A mumble must not apply for a loan or block a card.
SURE_YES = 0.6
# So many turns in a row: words, then keys, then a person.
MISSES_BEFORE_PERSON = 2


class ActionAffirm(TurnAction):
    """A yes goes to the open question."""

    action_name = "action_affirm"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Let the question's action answer."""
        if turn.in_form:
            return [go_on_with("action_fallback")]
        question = turn.awaiting
        if question in YES and turn.confidence >= SURE_YES:
            return consent(turn)
        if question in YES:
            turn.say("utter_yes_or_no")
            return ask_again(turn)
        if question in {Awaiting.PIN, Awaiting.CARD_CHOICE}:
            return ask_again(turn)
        turn.say("utter_how_else")
        return [await_answer(None)]


def consent(turn: Turn) -> list[EventType]:
    """A sure yes goes on with the question's action, unless it rests on conditions that were cut."""
    cut = turn.cut_conditions() if turn.awaiting in RESTS_ON_CONDITIONS else None
    if cut is None:
        return [go_on_with(YES[turn.awaiting])]
    turn.say("utter_said_again", sentence=cut)
    return ask_again(turn)


class ActionDeny(TurnAction):
    """A no goes to the open question; to "anything else?" it ends the call."""

    action_name = "action_deny"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Let the question's action answer, or go on to the next wish."""
        if turn.in_form:
            return [go_on_with("action_fallback")]
        return refusal(turn)


def refusal(turn: Turn) -> list[EventType]:
    """A no to the open question."""
    question = turn.awaiting
    if question in NO_GOES_ON:
        return [go_on_with(NO_GOES_ON[question])]
    if question in NO_IS_SAID:
        turn.say(NO_IS_SAID[question])
        return back_to_question_before(turn) or turn.finish()
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
    """Keys are the PIN when it was asked for, yes or no where that was offered, a choice of the menu
    otherwise.
    """

    action_name = "action_on_keys"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Let the chosen action answer."""
        if turn.awaiting is Awaiting.PIN or self._keyed_ahead(turn):
            return [go_on_with("action_verify_pin")]
        if turn.awaiting is Awaiting.CARD_CHOICE:
            return [go_on_with("action_block_card")]
        keys = turn.keys(office().seal) or ""
        if turn.awaiting in YES and keys in {"1", "2"}:
            return self._yes_or_no(turn, keys)
        chosen = MENU.get(keys)
        if chosen is not None:
            return [go_on_with(chosen)]
        turn.say("utter_unknown_key")
        return ask_again(turn)

    def _yes_or_no(self, turn: Turn, key: str) -> list[EventType]:
        """A key is consent only where the caller has just been told what it means."""
        if "utter_yes_or_no_keys" in turn.said_last:
            return consent(turn) if key == "1" else refusal(turn)
        turn.say("utter_yes_or_no_keys")
        return ask_again(turn)

    def _keyed_ahead(self, turn: Turn) -> bool:
        """Whether the PIN came before it was asked for, as people who call often do."""
        nothing_open = turn.awaiting is None and not turn.in_form
        return turn.keys_are_sealed and not turn.slot("verified") and nothing_open


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


class ActionHold(TurnAction):
    """The caller needs a moment; whatever was expected is expected still."""

    action_name = "action_hold"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Wait; a form must not ask its question on top."""
        turn.say("utter_hold", custom={**turn.listening_for, "action": "hold"})
        return [go_on_with("action_listen")]


class ActionCancel(TurnAction):
    """Drops whatever is under way."""

    action_name = "action_cancel"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Forget the open question and the loan."""
        turn.say("utter_cancelled")
        forgotten = ("pending", "loan_paused", "asked_before", "offer_id", "card_id", "card_reason", *SLOTS)
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
        told = briefing(await _handover(turn))
        turn.say("utter_transfer", target=office().transfer_target, briefing=told)
        return [*leave_form(), SlotSet("pending", None), SlotSet("loan_paused", None), await_answer(None)]


async def _handover(turn: Turn) -> Handover:
    customer = turn.slot("customer_id")

    def name(session: Session) -> str | None:
        record = session.get(Customer, int(customer))
        return f"{record.first_name} {record.last_name}" if record else None

    amount, purpose = turn.slot("loan_amount"), turn.slot("loan_purpose")
    loan = "a loan" + (f" of {dollars(Decimal(amount))}" if amount else "")
    loan += f" for the purpose {purpose}" if purpose else ""
    return Handover(
        name=await office().ask_bank(name) if customer is not None else None,
        verified=bool(turn.slot("verified")),
        said=turn.said,
        open_question=turn.slot("awaiting"),
        loan=loan if turn.in_form or turn.slot("loan_paused") else None,
    )


class ActionFallback(TurnAction):
    """Not understood: what can be said, then keys, then a person. Within a question, the question in other
    words.
    """

    action_name = "action_fallback"

    async def answer(self, turn: Turn) -> list[EventType]:
        """One step further with each turn in a row."""
        misses = turn.misses()
        if misses >= MISSES_BEFORE_PERSON:
            turn.say("utter_fallback_person")
            return [*leave_form(), go_on_with("action_transfer_to_person")]
        if turn.in_form:
            turn.say("utter_fallback_in_form")
            if misses and turn.slot("requested_slot"):
                turn.say(f"utter_hint_{turn.slot('requested_slot')}")
            return [go_on_with(LOAN_FORM)]
        if turn.awaiting in YES:
            if misses:
                turn.say("utter_fallback_in_form")
            turn.say("utter_yes_or_no_keys" if misses else "utter_yes_or_no")
            return ask_again(turn)
        if turn.awaiting is Awaiting.CARD_CHOICE:
            turn.say("utter_card_keys" if misses else "utter_fallback_in_form")
            return ask_again(turn)
        if turn.awaiting is Awaiting.PIN:
            return ask_again(turn)
        turn.say("utter_fallback_keys" if misses else "utter_fallback_first")
        return [await_answer(None)]
