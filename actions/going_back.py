# SPDX-License-Identifier: GPL-3.0-or-later
"""One step back: to the form's question before, to the choice before a confirmation, or out of what was
begun.
"""

from __future__ import annotations

from collections.abc import Callable

from rasa_sdk.events import EventType, SlotSet

from actions.cards import cards_of
from actions.loan import CHECK, SLOTS
from actions.questions import back_to_question_before
from actions.turn import LOAN_FORM, Awaiting, Turn, TurnAction, await_answer, go_on_with, leave_form


class ActionGoBack(TurnAction):
    """Goes one step back, wherever the call is."""

    action_name = "action_go_back"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Back to the question before."""
        if turn.in_form:
            return _in_form(turn)
        if turn.awaiting is Awaiting.CARD_CONFIRM:
            return await _to_card_choice(turn)
        step = _STEPS.get(turn.awaiting)
        return step(turn) if step else _to_start(turn)


def _in_form(turn: Turn) -> list[EventType]:
    """The question before is that of the slot before, asked anew; before the first is the start."""
    asked = turn.slot("requested_slot")
    place = SLOTS.index(asked) if asked in SLOTS else 0
    if place == 0:
        return [*leave_form(), *(SlotSet(slot, None) for slot in SLOTS), *_to_start(turn)]
    return [SlotSet(SLOTS[place - 1], None), go_on_with(LOAN_FORM)]


def _to_last_form_question(turn: Turn) -> list[EventType]:
    return [
        SlotSet("pending", None), SlotSet(SLOTS[-1], None), SlotSet("loan_paused", None), await_answer(None),
        go_on_with(LOAN_FORM),
    ]  # fmt: skip


async def _to_card_choice(turn: Turn) -> list[EventType]:
    cards = await cards_of(turn, int(turn.slot("customer_id")))
    if len(cards) == 1:
        return [SlotSet("card_id", None), *_leave_card(turn)]
    return [SlotSet("card_id", None), await_answer(Awaiting.CARD_CHOICE), go_on_with("action_block_card")]


def _leave_card(turn: Turn) -> list[EventType]:
    turn.say("utter_card_not_blocked")
    return turn.finish()


def _leave_pin(turn: Turn) -> list[EventType]:
    if turn.slot("pending") == CHECK:
        return _to_last_form_question(turn)
    return [SlotSet("pending", None), *_leave(turn)]


def _leave(turn: Turn) -> list[EventType]:
    """Out of what was begun: on with the loan that it interrupted, else to the start."""
    if turn.slot("loan_paused"):
        turn.say("utter_all_right")
        return turn.finish()
    return [SlotSet("offer_id", None), *_to_start(turn)]


def _leave_person(turn: Turn) -> list[EventType]:
    return back_to_question_before(turn) or _leave(turn)


def _to_start(turn: Turn) -> list[EventType]:
    turn.say("utter_back_at_start")
    return [await_answer(None)]


_STEPS: dict[Awaiting | None, Callable[[Turn], list[EventType]]] = {
    Awaiting.LOAN_APPLICATION: _to_last_form_question,
    Awaiting.OTHER_LOAN: _to_last_form_question,
    Awaiting.CARD_CHOICE: _leave_card,
    Awaiting.PIN: _leave_pin,
    Awaiting.OFFER: _leave,
    Awaiting.PERSON: _leave_person,
}
