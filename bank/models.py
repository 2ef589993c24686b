# SPDX-License-Identifier: GPL-3.0-or-later
"""The bank's records: customers and what they have, the offers made to them, the quotes and card blocks they
asked for.
"""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal

from sqlalchemy import Enum, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from bank.columns import Money, Percent, UtcDateTime


class Base(DeclarativeBase):
    """The declarative base of all records."""


class AccountKind(enum.StrEnum):
    """What an account is for."""

    CURRENT = "current"
    SAVINGS = "savings"


class CardKind(enum.StrEnum):
    """Whether a card spends the account's money or the bank's."""

    DEBIT = "debit"
    CREDIT = "credit"


class OfferState(enum.StrEnum):
    """What the customer did with an offer."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class Customer(Base):
    """A person who banks here. `pin` is a salted hash; `credit_score` lies in 300 to 850."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str] = mapped_column(String(60))
    last_name: Mapped[str] = mapped_column(String(60))
    birth_date: Mapped[dt.date]
    phone: Mapped[str] = mapped_column(String(20), unique=True, index=True)
    monthly_income: Mapped[Decimal] = mapped_column(Money)
    monthly_debt: Mapped[Decimal] = mapped_column(Money)
    credit_score: Mapped[int]
    pin: Mapped[str] = mapped_column(String(160))
    failed_pins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    accounts: Mapped[list[Account]] = relationship(back_populates="customer", order_by="Account.id")
    cards: Mapped[list[Card]] = relationship(back_populates="customer", order_by="Card.id")


class Account(Base):
    """An account with its booked balance."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    kind: Mapped[AccountKind] = mapped_column(Enum(AccountKind, native_enum=False, length=16))
    number: Mapped[str] = mapped_column(String(20), unique=True)
    balance: Mapped[Decimal] = mapped_column(Money)
    currency: Mapped[str] = mapped_column(String(3), default="USD")

    customer: Mapped[Customer] = relationship(back_populates="accounts")


class Card(Base):
    """A payment card, known by its last four digits only: the full number is not the telephone bank's to
    keep.
    """

    __tablename__ = "cards"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    kind: Mapped[CardKind] = mapped_column(Enum(CardKind, native_enum=False, length=16))
    last_four: Mapped[str] = mapped_column(String(4))

    customer: Mapped[Customer] = relationship(back_populates="cards")
    block: Mapped[CardBlock | None] = relationship(back_populates="card")


class CardBlock(Base):
    """A card's one block: unique by card, so that it can't be blocked twice."""

    __tablename__ = "card_blocks"

    id: Mapped[int] = mapped_column(primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey("cards.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(16))
    blocked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    replacement_by: Mapped[dt.date]

    card: Mapped[Card] = relationship(back_populates="block")


class Offer(Base):
    """An offer made to a customer by an event; unique by event and strategy rule."""

    __tablename__ = "offers"
    __table_args__ = (UniqueConstraint("event_id", "rule"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    event_id: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(64))
    strategy_version: Mapped[int]
    product: Mapped[str] = mapped_column(String(64))
    wording: Mapped[str] = mapped_column(String(500))
    priority: Mapped[int]
    state: Mapped[OfferState] = mapped_column(
        Enum(OfferState, native_enum=False, length=16), default=OfferState.OPEN
    )
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class LoanQuote(Base):
    """A loan's terms as quoted to a customer; unique by the call and its terms, so that a repeated yes
    stores one.
    """

    __tablename__ = "loan_quotes"
    __table_args__ = (UniqueConstraint("customer_id", "call_id", "purpose", "amount", "term_months"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    call_id: Mapped[str] = mapped_column(String(128))
    purpose: Mapped[str] = mapped_column(String(32))
    amount: Mapped[Decimal] = mapped_column(Money)
    term_months: Mapped[int]
    annual_rate_percent: Mapped[Decimal] = mapped_column(Percent)
    monthly_payment: Mapped[Decimal] = mapped_column(Money)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    valid_until: Mapped[dt.date]
