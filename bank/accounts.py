# SPDX-License-Identifier: GPL-3.0-or-later
"""What a customer has: balances by account."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bank.models import Account


def accounts_of(session: Session, customer_id: int) -> list[Account]:
    """The customer's accounts, current account first."""
    query = select(Account).where(Account.customer_id == customer_id).order_by(Account.kind, Account.id)
    return list(session.scalars(query))
