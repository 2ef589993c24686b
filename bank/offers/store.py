# SPDX-License-Identifier: GPL-3.0-or-later
"""Offers in the bank's database: made once an event, told best first, decided once, and silent after a no.

A declined product is not offered to the same customer again for 90 days, whatever events arrive.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bank.lending.eligibility import age_in_months
from bank.models import AccountKind, Customer, Offer, OfferState
from bank.offers.events import CustomerEvent
from bank.offers.strategy import Facts, Strategy

SUPPRESSED_AFTER_NO = dt.timedelta(days=90)


class UnknownCustomer(LookupError):
    """The event names a customer whom the bank doesn't have."""


def make_offers(session: Session, strategy: Strategy, event: CustomerEvent, now: dt.datetime) -> list[Offer]:
    """Store what the strategy offers for an event; an event seen before adds nothing. Raises
    UnknownCustomer.
    """
    customer = session.get(Customer, event.customer_id)
    if customer is None:
        raise UnknownCustomer(f"no customer {event.customer_id}")
    made: list[Offer] = []
    for rule in strategy.matching(event, facts_of(customer, now.date())):
        if _exists(session, event.id, rule.name) or is_suppressed(session, customer.id, rule.product, now):
            continue
        offer = Offer(
            customer_id=customer.id,
            event_id=event.id,
            rule=rule.name,
            strategy_version=strategy.version,
            product=rule.product,
            wording=rule.words(event),
            priority=rule.priority,
            state=OfferState.OPEN,
            created_at=now,
            expires_at=now + dt.timedelta(days=rule.valid_days),
        )
        session.add(offer)
        made.append(offer)
    session.flush()
    return made


def facts_of(customer: Customer, today: dt.date) -> Facts:
    """What the strategy's conditions may ask about a customer."""
    savings = [a.balance for a in customer.accounts if a.kind is AccountKind.SAVINGS]
    return {
        "monthly_income": customer.monthly_income,
        "credit_score": Decimal(customer.credit_score),
        "age": Decimal(age_in_months(customer.birth_date, today) // 12),
        "savings_balance": sum(savings, Decimal(0)),
    }


def best_offer(session: Session, customer_id: int, now: dt.datetime) -> Offer | None:
    """The open offer to tell first: by priority, then the newest; lapsed and suppressed ones are left out."""
    query = (
        select(Offer)
        .where(Offer.customer_id == customer_id, Offer.state == OfferState.OPEN, Offer.expires_at > now)
        .order_by(Offer.priority.desc(), Offer.created_at.desc(), Offer.id)
    )
    return next(
        (o for o in session.scalars(query) if not is_suppressed(session, customer_id, o.product, now)), None
    )


def decide_offer(
    session: Session, customer_id: int, offer_id: int, *, accept: bool, now: dt.datetime
) -> Offer:
    """Record the customer's yes or no. The first answer stands. Raises LookupError when it isn't this
    customer's offer.
    """
    offer = session.get(Offer, offer_id, with_for_update=True)
    if offer is None or offer.customer_id != customer_id:
        raise LookupError(f"customer {customer_id} has no offer {offer_id}")
    if offer.state is OfferState.OPEN:
        offer.state = OfferState.ACCEPTED if accept else OfferState.DECLINED
        offer.decided_at = now
    return offer


def is_suppressed(session: Session, customer_id: int, product: str, now: dt.datetime) -> bool:
    """Whether the customer said no to the product within the last 90 days."""
    query = select(Offer.id).where(
        Offer.customer_id == customer_id,
        Offer.product == product,
        Offer.state == OfferState.DECLINED,
        Offer.decided_at > now - SUPPRESSED_AFTER_NO,
    )
    return session.scalars(query).first() is not None


def _exists(session: Session, event_id: str, rule: str) -> bool:
    query = select(Offer.id).where(Offer.event_id == event_id, Offer.rule == rule)
    return session.scalars(query).first() is not None
