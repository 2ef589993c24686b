# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is on the line: the call's beginning, and the PIN that turns a number into a proven customer."""

from __future__ import annotations

import logging

from rasa_sdk.events import EventType, SlotSet
from sqlalchemy.orm import Session

from actions.office import office
from actions.questions import offer_person
from actions.turn import Awaiting, Turn, TurnAction, await_answer, go_on_with, leave_form
from bank.identity import PinCheck, PinOutcome, check_pin, customer_of_number, is_locked
from bank.models import Customer

log = logging.getLogger(__name__)
PIN_DIGITS = 4
TRANSFER = "action_transfer_to_person"


async def customer_id(turn: Turn) -> int | None:
    """The id of the customer with the caller's number, verified or not."""
    known = turn.slot("customer_id")
    if known is not None:
        return int(known)
    number = str(turn.slot("caller_number") or turn.metadata.get("from") or "")

    def look_up(session: Session) -> int | None:
        customer = customer_of_number(session, number)
        return customer.id if customer else None

    return await office().ask_bank(look_up)


async def proven_customer(turn: Turn, pending: str) -> int | list[EventType]:
    """The verified customer's id, or the events that begin verification and come back to the action
    `pending`.
    """
    if turn.slot("verified"):
        customer = await customer_id(turn)
        if customer is not None:
            return customer
    return [SlotSet("pending", pending), go_on_with("action_start_verification")]


class ActionCallStarted(TurnAction):
    """Disclosure first, then the floor is the caller's. The number is looked up, the name not told."""

    action_name = "action_call_started"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Greet and remember the caller's number."""
        customer = await customer_id(turn)
        turn.say("utter_disclosure")
        turn.say("utter_how_can_help")
        return [
            SlotSet("caller_number", str(turn.metadata.get("from") or "") or None),
            SlotSet("customer_id", customer),
            SlotSet("verified", None),
            await_answer(None),
        ]


class ActionStartVerification(TurnAction):
    """Asks for the PIN; a locked or unknown caller goes to a person instead."""

    action_name = "action_start_verification"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Ask, and leave the loan form while the answer is out."""
        paused = turn.in_form
        events = leave_form() if paused else []
        customer = await customer_id(turn)
        if customer is None:
            turn.say("utter_unknown_number")
            return [*events, SlotSet("pending", None), *offer_person()]
        events += [SlotSet("customer_id", customer), SlotSet("loan_paused", True if paused else None)]
        if await office().ask_bank(lambda session: _locked(session, customer)):
            turn.say("utter_pin_locked")
            return [*events, SlotSet("pending", None), go_on_with(TRANSFER)]
        turn.say("utter_ask_pin")
        return [*events, await_answer(Awaiting.PIN)]


def _locked(session: Session, customer: int) -> bool:
    record = session.get(Customer, customer)
    return record is not None and is_locked(record, office().now())


class ActionVerifyPin(TurnAction):
    """Opens the sealed keys and checks them; then the wish that asked for it goes on."""

    action_name = "action_verify_pin"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Verified, again, or locked."""
        customer = await customer_id(turn)
        if customer is None:
            return [go_on_with("action_start_verification")]
        if not turn.keys_are_sealed:
            log.error("call %s: the PIN arrived unsealed and was not used", turn.call_id)
        pin = turn.keys(office().seal) if turn.keys_are_sealed else None
        if pin is None or len(pin) != PIN_DIGITS or not pin.isdigit():
            turn.say("utter_pin_incomplete")
            return [await_answer(Awaiting.PIN)]
        check, first_name = await office().ask_bank(lambda session: _check(session, customer, pin))
        if check.outcome is PinOutcome.VERIFIED:
            return self._verified(turn, first_name)
        if check.outcome is PinOutcome.WRONG:
            turn.say("utter_pin_wrong")
            return [await_answer(Awaiting.PIN)]
        turn.say("utter_pin_locked")
        return [
            SlotSet("pending", None),
            SlotSet("loan_paused", None),
            await_answer(None),
            go_on_with(TRANSFER),
        ]

    def _verified(self, turn: Turn, first_name: str) -> list[EventType]:
        turn.say("utter_verified", first_name=first_name)
        events = [SlotSet("verified", True), SlotSet("pending", None), await_answer(None)]
        pending = turn.slot("pending")
        if pending:
            return [*events, go_on_with(str(pending))]
        turn.say("utter_how_else")
        return events


def _check(session: Session, customer: int, pin: str) -> tuple[PinCheck, str]:
    check = check_pin(session, customer, pin, office().now())
    record = session.get(Customer, customer)
    return check, record.first_name if record else ""
