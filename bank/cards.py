# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocking a card: at once, once, and for good; a replacement follows by post."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from bank.models import Card, CardBlock

REPLACEMENT_TIME = dt.timedelta(days=7)


def active_cards(session: Session, customer_id: int) -> list[Card]:
    """The customer's cards that are not blocked, oldest first."""
    query = select(Card).where(Card.customer_id == customer_id, ~Card.block.has()).order_by(Card.id)
    return list(session.scalars(query))


def block_card(session: Session, customer_id: int, card_id: int, reason: str, now: dt.datetime) -> CardBlock:
    """Block a card and order its replacement, which can be blocked in its turn (the post may lose it).

    A card that is blocked already keeps its first block. Raises LookupError when it isn't
    this customer's.
    """
    card = session.get(Card, card_id, with_for_update=True)
    if card is None or card.customer_id != customer_id:
        raise LookupError(f"customer {customer_id} has no card {card_id}")
    existing = session.scalar(select(CardBlock).where(CardBlock.card_id == card_id))
    if existing is not None:
        return existing
    session.add(Card(customer_id=customer_id, kind=card.kind, last_four=_next_number(card.last_four)))
    block = CardBlock(
        card_id=card_id, reason=reason, blocked_at=now, replacement_by=(now + REPLACEMENT_TIME).date()
    )
    session.add(block)
    session.flush()
    return block


def _next_number(last_four: str) -> str:
    """The last four digits of a replacement: the card schemes never reuse a number."""
    return f"{(int(last_four) + 1_111) % 10_000:04d}"
