# SPDX-License-Identifier: GPL-3.0-or-later
"""Loan quotes: a decision applied to a customer, and its terms stored once when the customer says yes."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from bank.lending.eligibility import Applicant, Decision, LoanRequest, decide
from bank.models import Customer, LoanQuote

QUOTE_VALID = dt.timedelta(days=14)
# References start here so that each has six digits, easy to say and to write down.
_FIRST_REFERENCE = 700_000


class NotEligible(ValueError):
    """A quote was asked for a loan that the bank would decline."""


def decide_for(session: Session, customer_id: int, request: LoanRequest, today: dt.date) -> Decision:
    """The decision on a customer's request. Raises LookupError when there is no such customer."""
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise LookupError(f"no customer {customer_id}")
    applicant = Applicant(
        customer.birth_date, customer.monthly_income, customer.monthly_debt, customer.credit_score
    )
    return decide(request, applicant, today)


def store_quote(
    session: Session, customer_id: int, call_id: str, request: LoanRequest, now: dt.datetime
) -> LoanQuote:
    """Store the quote of a call, once: the same request in the same call gives the same quote.

    It is decided anew here, so that nothing the dialogue passes on can change the terms. Raises NotEligible
    when declined.
    """
    existing = session.scalar(
        select(LoanQuote).where(
            LoanQuote.customer_id == customer_id,
            LoanQuote.call_id == call_id,
            LoanQuote.purpose == request.purpose,
            LoanQuote.amount == request.amount,
            LoanQuote.term_months == request.term_months,
        )
    )
    if existing is not None:
        return existing
    terms = decide_for(session, customer_id, request, now.date()).terms
    if terms is None:
        raise NotEligible("this loan was declined")
    quote = LoanQuote(
        customer_id=customer_id,
        call_id=call_id,
        purpose=request.purpose,
        amount=terms.amount,
        term_months=terms.term_months,
        annual_rate_percent=terms.annual_rate_percent,
        monthly_payment=terms.monthly_payment,
        created_at=now,
        valid_until=(now + QUOTE_VALID).date(),
    )
    session.add(quote)
    session.flush()
    return quote


def reference(quote: LoanQuote) -> str:
    """The quote's number as customers hear it."""
    return str(_FIRST_REFERENCE + quote.id)
