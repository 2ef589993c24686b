# SPDX-License-Identifier: GPL-3.0-or-later
"""What loans cost, who gets them, and why not."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from bank.database import Database
from bank.lending.annuity import affordable_principal, monthly_payment
from bank.lending.eligibility import (
    Applicant,
    LoanRequest,
    Policy,
    Purpose,
    Reason,
    age_in_months,
    decide,
)
from bank.lending.quotes import NotEligible, decide_for, reference, store_quote
from bank.models import LoanQuote
from tests.bank.conftest import NOW

TODAY = NOW.date()
SOLID = Applicant(dt.date(1985, 6, 1), Decimal("6000.00"), Decimal("0.00"), 760)


@pytest.mark.parametrize(
    ("principal", "rate", "months", "payment"),
    [
        # Worked by hand from the formula; the first is the textbook loan of 100,000 at 6 % over 30 years.
        ("100000", "6", 360, "599.55"),
        ("200000", "6", 60, "3866.56"),
        ("10000", "12", 12, "888.49"),
        ("5000", "8", 24, "226.14"),
        ("1200", "0", 12, "100.00"),
        ("1000", "12", 1, "1010.00"),
    ],
)
def test_worked_examples(principal: str, rate: str, months: int, payment: str) -> None:
    assert monthly_payment(Decimal(principal), Decimal(rate), months) == Decimal(payment)


@given(
    st.decimals(1000, 300_000, places=2),
    st.decimals(0, 30, places=2),
    st.integers(6, 120),
)
def test_payments_repay_the_loan(principal: Decimal, rate: Decimal, months: int) -> None:
    """Booked month by month, the rest at the end is no more than the rounding of the payments."""
    payment = monthly_payment(principal, rate, months)
    rest = principal
    for _ in range(months):
        rest = rest * (1 + rate / 1200) - payment
    tolerance = Decimal("0.005") * affordable_growth(rate, months) + Decimal("0.01")
    assert abs(rest) <= tolerance


def affordable_growth(rate: Decimal, months: int) -> Decimal:
    """What half a cent a month grows to."""
    return sum(((1 + rate / 1200) ** month for month in range(months)), Decimal(0))


@given(st.decimals(20, 5000, places=2), st.decimals(0, 30, places=2), st.integers(6, 120))
def test_affordable_principal_is_affordable(payment: Decimal, rate: Decimal, months: int) -> None:
    assert monthly_payment(affordable_principal(payment, rate, months), rate, months) <= payment


@pytest.mark.parametrize(("principal", "months"), [("0", 12), ("-5", 12), ("100", 0)])
def test_nonsense_is_refused(principal: str, months: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        monthly_payment(Decimal(principal), Decimal(5), months)


def request(amount: str = "20000", months: int = 36) -> LoanRequest:
    return LoanRequest(Purpose.CAR, Decimal(amount), months)


@pytest.mark.parametrize(
    ("score", "rate"), [(850, "5.9"), (740, "5.9"), (739, "7.9"), (670, "7.9"), (600, "11.9")]
)
def test_rate_follows_the_risk_band(score: int, rate: str) -> None:
    decision = decide(request(), dataclasses.replace(SOLID, credit_score=score), TODAY)
    assert decision.terms is not None
    assert decision.terms.annual_rate_percent == Decimal(rate)
    assert decision.terms.monthly_payment == monthly_payment(Decimal(20000), Decimal(rate), 36)


@pytest.mark.parametrize(
    ("change", "asked", "reason", "alternative"),
    [
        ({}, request("999.99"), Reason.AMOUNT_TOO_SMALL, (Decimal(1000), 36)),
        (
            {"monthly_income": Decimal(90_000)},
            request("300001"),
            Reason.AMOUNT_TOO_LARGE,
            (Decimal(300_000), 36),
        ),
        ({}, request(months=5), Reason.TERM_TOO_SHORT, (Decimal(14100), 6)),
        ({}, request(months=121), Reason.TERM_TOO_LONG, (Decimal(20000), 120)),
        ({"birth_date": dt.date(2008, 11, 24)}, request(), Reason.TOO_YOUNG, None),
        ({"birth_date": dt.date(1953, 11, 22)}, request(), Reason.TOO_OLD_AT_END, (Decimal(20000), 23)),
        ({"credit_score": 599}, request(), Reason.CREDIT_SCORE, None),
        ({"monthly_income": Decimal(1000)}, request(), Reason.NOT_AFFORDABLE, (Decimal(13100), 36)),
        ({"monthly_debt": Decimal(2400)}, request(), Reason.NOT_AFFORDABLE, None),
    ],
)
def test_reasons_and_what_would_be_possible(
    change: dict[str, object], asked: LoanRequest, reason: Reason, alternative: tuple[Decimal, int] | None
) -> None:
    applicant = dataclasses.replace(SOLID, **change)  # type: ignore[arg-type]
    decision = decide(asked, applicant, TODAY)
    assert decision.terms is None
    assert reason in decision.reasons
    offered = decision.alternative
    assert (offered and (offered.amount, offered.term_months)) == alternative


def test_limits_themselves_are_allowed() -> None:
    rich = dataclasses.replace(SOLID, monthly_income=Decimal(90_000))
    for asked in (request("1000", 6), request("300000", 120)):
        assert decide(asked, rich, TODAY).terms is not None
    eighteen = dataclasses.replace(SOLID, birth_date=dt.date(2008, 11, 23))
    assert decide(request(), eighteen, TODAY).terms is not None


@given(
    st.decimals(1, 500_000, places=2),
    st.integers(1, 200),
    st.decimals(0, 20_000, places=2),
    st.decimals(0, 8_000, places=2),
    st.integers(300, 850),
    st.dates(dt.date(1930, 1, 1), dt.date(2015, 1, 1)),
)
def test_an_alternative_would_be_approved(
    amount: Decimal, months: int, income: Decimal, debt: Decimal, score: int, birth: dt.date
) -> None:
    applicant = Applicant(birth, income, debt, score)
    decision = decide(LoanRequest(Purpose.OTHER, amount, months), applicant, TODAY)
    assert (decision.terms is None) == bool(decision.reasons)
    if decision.alternative is not None:
        other = LoanRequest(Purpose.OTHER, decision.alternative.amount, decision.alternative.term_months)
        assert decide(other, applicant, TODAY).terms == decision.alternative


@given(st.decimals(1000, 200_000, places=2), st.decimals(100, 20_000, places=2))
def test_more_income_never_turns_a_yes_into_a_no(amount: Decimal, income: Decimal) -> None:
    poorer = dataclasses.replace(SOLID, monthly_income=income)
    richer = dataclasses.replace(SOLID, monthly_income=income + 500)
    if decide(request(str(amount)), poorer, TODAY).terms:
        assert decide(request(str(amount)), richer, TODAY).terms


def test_every_reason_can_be_said() -> None:
    assert all(reason.text for reason in Reason)


def test_policy_can_be_another() -> None:
    strict = Policy(max_debt_to_income=Decimal("0.01"))
    assert decide(request(), SOLID, TODAY, strict).reasons == (Reason.NOT_AFFORDABLE,)


def test_age_counts_whole_months() -> None:
    assert age_in_months(dt.date(2000, 1, 31), dt.date(2000, 2, 29)) == 0
    assert age_in_months(dt.date(2000, 1, 31), dt.date(2000, 3, 31)) == 2


def test_quote_is_stored_once_a_call(database: Database) -> None:
    with database.session() as session:
        first = store_quote(session, 1, "call-a", request(), NOW)
        again = store_quote(session, 1, "call-a", request(), NOW)
        assert first.id == again.id
        assert reference(first) == reference(again)
        assert store_quote(session, 1, "call-b", request(), NOW).id != first.id
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(LoanQuote)) == 2
        stored = session.get_one(LoanQuote, first.id)
        assert stored.annual_rate_percent == Decimal("5.90")
        assert stored.valid_until == dt.date(2026, 12, 7)


def test_declined_loan_is_never_quoted(database: Database) -> None:
    with database.session() as session:
        assert decide_for(session, 2, request(), TODAY).terms is None
        with pytest.raises(NotEligible):
            store_quote(session, 2, "call", request(), NOW)
        with pytest.raises(LookupError):
            decide_for(session, 999, request(), TODAY)
