# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may have which loan: a typed decision with reasons, and what would be possible instead.

Pure: an applicant and a request go in, a decision comes out, so every case can be tested and explained. The
limits are the bank's policy, in one place; the debt-to-income ceiling of 40 % follows common consumer-lending
practice (36 to 43 %).
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from bank.lending.annuity import affordable_principal, monthly_payment


class Purpose(enum.StrEnum):
    """What the money is for."""

    RENOVATION = "renovation"
    CAR = "car"
    EDUCATION = "education"
    HOLIDAY = "holiday"
    MEDICAL = "medical"
    WEDDING = "wedding"
    BUSINESS = "business"
    DEBT = "debt"
    OTHER = "other"


class Reason(enum.StrEnum):
    """Why a loan was declined; `text` is how to say it to a customer."""

    AMOUNT_TOO_SMALL = "amount_too_small"
    AMOUNT_TOO_LARGE = "amount_too_large"
    TERM_TOO_SHORT = "term_too_short"
    TERM_TOO_LONG = "term_too_long"
    TOO_YOUNG = "too_young"
    TOO_OLD_AT_END = "too_old_at_end"
    CREDIT_SCORE = "credit_score"
    NOT_AFFORDABLE = "not_affordable"

    @property
    def text(self) -> str:
        """The reason in plain words."""
        return _REASON_TEXTS[self]


_REASON_TEXTS = {
    Reason.AMOUNT_TOO_SMALL: "the amount is below our minimum of $1,000",
    Reason.AMOUNT_TOO_LARGE: "the amount is above our maximum of $300,000",
    Reason.TERM_TOO_SHORT: "the term is below our minimum of 6 months",
    Reason.TERM_TOO_LONG: "the term is above our maximum of 10 years",
    Reason.TOO_YOUNG: "borrowers must be at least 18 years old",
    Reason.TOO_OLD_AT_END: "the loan would end after your 75th birthday",
    Reason.CREDIT_SCORE: "your credit record doesn't allow a new loan at the moment",
    Reason.NOT_AFFORDABLE: "the monthly payment would be too high for your income",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The bank's limits. Amounts in dollars, terms in months, rates in percent a year by lowest credit
    score, best first.
    """

    min_amount: Decimal = Decimal(1000)
    max_amount: Decimal = Decimal(300_000)
    min_term: int = 6
    max_term: int = 120
    min_age: int = 18
    max_age_at_end: int = 75
    max_debt_to_income: Decimal = Decimal("0.40")
    rate_bands: tuple[tuple[int, Decimal], ...] = (
        (740, Decimal("5.9")),
        (670, Decimal("7.9")),
        (600, Decimal("11.9")),
    )


@dataclass(frozen=True, slots=True)
class Applicant:
    """What the decision needs to know of a customer. Income and debt are dollars a month."""

    birth_date: dt.date
    monthly_income: Decimal
    monthly_debt: Decimal
    credit_score: int


@dataclass(frozen=True, slots=True)
class LoanRequest:
    """What a customer asks for: dollars, months."""

    purpose: Purpose
    amount: Decimal
    term_months: int


@dataclass(frozen=True, slots=True)
class LoanTerms:
    """What a loan costs: percent a year, dollars a month."""

    amount: Decimal
    term_months: int
    annual_rate_percent: Decimal
    monthly_payment: Decimal


@dataclass(frozen=True, slots=True)
class Decision:
    """Approved with `terms`, or declined with `reasons`, and the `alternative` that the bank could agree to,
    if any.
    """

    terms: LoanTerms | None
    reasons: tuple[Reason, ...] = field(default=())
    alternative: LoanTerms | None = None


def decide(
    request: LoanRequest, applicant: Applicant, today: dt.date, policy: Policy | None = None
) -> Decision:
    """The decision on a request, on the day it is made."""
    policy = policy or Policy()
    rate = annual_rate(applicant.credit_score, policy)
    reasons = _reasons(request, applicant, today, policy, rate)
    if not reasons and rate is not None:
        return Decision(_terms(request.amount, request.term_months, rate))
    alternative = _alternative(request, applicant, today, policy, rate) if rate is not None else None
    return Decision(None, tuple(reasons), alternative)


def annual_rate(credit_score: int, policy: Policy) -> Decimal | None:
    """The rate in percent a year of the score's risk band; None when no band takes it."""
    return next((rate for lowest, rate in policy.rate_bands if credit_score >= lowest), None)


def _terms(amount: Decimal, months: int, rate: Decimal) -> LoanTerms:
    return LoanTerms(amount, months, rate, monthly_payment(amount, rate, months))


def _reasons(
    request: LoanRequest, applicant: Applicant, today: dt.date, policy: Policy, rate: Decimal | None
) -> list[Reason]:
    checks = [
        (request.amount < policy.min_amount, Reason.AMOUNT_TOO_SMALL),
        (request.amount > policy.max_amount, Reason.AMOUNT_TOO_LARGE),
        (request.term_months < policy.min_term, Reason.TERM_TOO_SHORT),
        (request.term_months > policy.max_term, Reason.TERM_TOO_LONG),
        (age_in_months(applicant.birth_date, today) < policy.min_age * 12, Reason.TOO_YOUNG),
        (request.term_months > _months_left(applicant, today, policy), Reason.TOO_OLD_AT_END),
        (rate is None, Reason.CREDIT_SCORE),
    ]
    reasons = [reason for failed, reason in checks if failed]
    sound = request.amount > 0 and request.term_months > 0
    if rate is not None and sound:
        payment = monthly_payment(request.amount, rate, request.term_months)
        if payment > _free_payment(applicant, policy):
            reasons.append(Reason.NOT_AFFORDABLE)
    return reasons


def _free_payment(applicant: Applicant, policy: Policy) -> Decimal:
    """What debt-to-income leaves for a new monthly payment; negative when the customer is above the ceiling
    already.
    """
    return applicant.monthly_income * policy.max_debt_to_income - applicant.monthly_debt


def _alternative(
    request: LoanRequest, applicant: Applicant, today: dt.date, policy: Policy, rate: Decimal
) -> LoanTerms | None:
    """The nearest loan within the limits, in whole hundreds; None when even the smallest is out of reach."""
    if age_in_months(applicant.birth_date, today) < policy.min_age * 12:
        return None
    longest = min(policy.max_term, _months_left(applicant, today, policy))
    term = min(max(request.term_months, policy.min_term), longest)
    free = _free_payment(applicant, policy)
    if term < policy.min_term or free <= 0:
        return None
    largest = affordable_principal(free, rate, term)
    amount = min(max(request.amount, policy.min_amount), policy.max_amount, largest)
    hundreds = (amount / 100).to_integral_value(ROUND_DOWN) * 100
    return _terms(hundreds, term, rate) if hundreds >= policy.min_amount else None


def age_in_months(birth_date: dt.date, today: dt.date) -> int:
    """Whole months since birth."""
    months = (today.year - birth_date.year) * 12 + today.month - birth_date.month
    return months - (1 if today.day < birth_date.day else 0)


def _months_left(applicant: Applicant, today: dt.date, policy: Policy) -> int:
    """Whole months until the birthday by which a loan must be repaid."""
    birth = applicant.birth_date
    months = (birth.year + policy.max_age_at_end - today.year) * 12 + birth.month - today.month
    return months - (1 if birth.day < today.day else 0)
