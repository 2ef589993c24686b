# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's best offer, and their yes or no to it."""

from __future__ import annotations

from rasa_sdk.events import EventType, SlotSet
from sqlalchemy.orm import Session

from actions.caller import proven_customer
from actions.office import office
from actions.turn import Awaiting, Turn, TurnAction, await_answer, leave_form
from bank.offers.store import best_offer, decide_offer


class ActionFetchOffers(TurnAction):
    """Tells a verified caller the offer with the highest priority."""

    action_name = "action_fetch_offers"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Verify if needed, then tell."""
        customer = await proven_customer(turn, self.action_name)
        if isinstance(customer, list):
            return customer

        def find(session: Session) -> tuple[int, str] | None:
            offer = best_offer(session, customer, office().now())
            return (offer.id, offer.wording) if offer else None

        found = await office().ask_bank(find)
        if found is None:
            turn.say("utter_no_offers")
            return turn.finish()
        offer_id, wording = found
        turn.say("utter_offer", wording=wording)
        turn.say("utter_ask_offer")
        # The yes or no to come belongs to the offer: a loan that was being asked for comes back after it.
        paused = [*leave_form(), SlotSet("loan_paused", True)] if turn.in_form else []
        return [*paused, SlotSet("offer_id", offer_id), await_answer(Awaiting.OFFER)]


async def _decide(turn: Turn, *, accept: bool) -> bool:
    """Record the answer; False when there is no offer to answer."""
    offer_id, customer = turn.slot("offer_id"), turn.slot("customer_id")
    if offer_id is None or customer is None or not turn.slot("verified"):
        return False
    await office().ask_bank(
        lambda session: decide_offer(session, int(customer), int(offer_id), accept=accept, now=office().now())
    )
    return True


class ActionAcceptOffer(TurnAction):
    """Records a yes."""

    action_name = "action_accept_offer"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Accepted once, however often it is said."""
        turn.say("utter_offer_accepted" if await _decide(turn, accept=True) else "utter_no_offers")
        return [SlotSet("offer_id", None), *turn.finish()]


class ActionDeclineOffer(TurnAction):
    """Records a no."""

    action_name = "action_decline_offer"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Declined, and not suggested again for a while."""
        turn.say("utter_offer_declined" if await _decide(turn, accept=False) else "utter_no_offers")
        return [SlotSet("offer_id", None), *turn.finish()]
