# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocking a lost or stolen card: which one, are you sure, done. The caller's number is identification
enough to prevent harm.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from rasa_sdk.events import EventType, SlotSet
from sqlalchemy.orm import Session

from actions.caller import customer_id
from actions.office import office
from actions.questions import offer_person
from actions.turn import Awaiting, Turn, TurnAction, await_answer, leave_form
from bank.cards import active_cards, block_card
from bank.models import Card
from spoken.digits import parse_digits

_STOLEN = re.compile(r"\b(?:stole|stolen|theft|thief|robbed|using my card|did not make)\b")
_FIRST, _SECOND = re.compile(r"\b(?:first|former)\b"), re.compile(r"\b(?:second|latter|last)\b")


@dataclass(frozen=True, slots=True)
class CardChoice:
    """A card as the caller hears of it."""

    card_id: int
    kind: str
    last_four: str


async def cards_of(turn: Turn, customer: int) -> list[CardChoice]:
    """The caller's cards that can be blocked."""

    def find(session: Session) -> list[CardChoice]:
        return [
            CardChoice(card.id, card.kind.value, card.last_four) for card in active_cards(session, customer)
        ]

    return await office().ask_bank(find)


def chosen(cards: list[CardChoice], words: str) -> CardChoice | None:
    """The card that the words name by kind, order or last digits; the only one needs no name."""
    if len(cards) == 1:
        return cards[0]
    kinds = [card for card in cards if re.search(rf"\b{card.kind}\b", words)]
    if len(kinds) == 1:
        return kinds[0]
    ending = parse_digits(words.split("ending in")[-1].strip() if "ending in" in words else words, count=4)
    by_digits = [card for card in cards if ending and card.last_four == ending]
    if len(by_digits) == 1:
        return by_digits[0]
    if len(cards) == 2 and _FIRST.search(words):
        return cards[0]
    if len(cards) == 2 and _SECOND.search(words):
        return cards[1]
    return None


class ActionBlockCard(TurnAction):
    """Finds the card and asks for a yes."""

    action_name = "action_block_card"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Which card, then: shall I?"""
        leaving = [*leave_form(), SlotSet("loan_paused", True)] if turn.in_form else []
        customer = await customer_id(turn)
        if customer is None:
            turn.say("utter_unknown_number")
            return [*leaving, *offer_person()]
        cards = await cards_of(turn, customer)
        if not cards:
            turn.say("utter_no_card")
            return turn.finish()
        reason = "stolen" if _STOLEN.search(turn.words) else turn.slot("card_reason") or "lost"
        events = [*leaving, SlotSet("customer_id", customer), SlotSet("card_reason", reason)]
        # "Which card?" may be answered by its last digits, keyed in.
        answer = turn.words or turn.keys(office().seal) or ""
        card = chosen(cards, answer) or self._asked_about(turn, cards)
        if card is None:
            names = [f"the {card.kind} card ending in {card.last_four}" for card in cards]
            turn.say("utter_ask_which_card", cards=", or ".join(names))
            return [*events, await_answer(Awaiting.CARD_CHOICE)]
        turn.say("utter_ask_block", kind=card.kind, last_four=card.last_four)
        return [*events, SlotSet("card_id", card.card_id), await_answer(Awaiting.CARD_CONFIRM)]

    def _asked_about(self, turn: Turn, cards: list[CardChoice]) -> CardChoice | None:
        """The card of the open question, when it is asked again."""
        if turn.awaiting is not Awaiting.CARD_CONFIRM:
            return None
        return next((card for card in cards if card.card_id == turn.slot("card_id")), None)


class ActionConfirmBlock(TurnAction):
    """Blocks the card that the caller said yes to, and promises the new one."""

    action_name = "action_confirm_block"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Blocked once, however often it is said."""
        customer, card_id = turn.slot("customer_id"), turn.slot("card_id")
        reason = str(turn.slot("card_reason") or "lost")
        if customer is None or card_id is None:
            turn.say("utter_no_card")
            return turn.finish()

        def block(session: Session) -> tuple[str, str, dt.date]:
            blocked = block_card(session, int(customer), int(card_id), reason, office().now())
            card = session.get_one(Card, int(card_id))
            return card.kind.value, card.last_four, blocked.replacement_by

        kind, last_four, replacement = await office().ask_bank(block)
        turn.say("utter_card_blocked", kind=kind, last_four=last_four, replacement_by=replacement.isoformat())
        return [SlotSet("card_id", None), SlotSet("card_reason", None), *turn.finish()]
