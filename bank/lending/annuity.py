# SPDX-License-Identifier: GPL-3.0-or-later
"""The annuity: equal monthly payments that repay a loan with interest, and the loan that a payment repays.

payment = principal * r / (1 - (1 + r)^-n), with r the monthly rate and n the number of months; see any text
on the time value of money, e.g. Brealey, Myers and Allen, Principles of Corporate Finance, chapter 2. The
monthly rate is a twelfth of the annual one.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext

CENT = Decimal("0.01")
_DIGITS = 40


def monthly_payment(principal: Decimal, annual_rate_percent: Decimal, months: int) -> Decimal:
    """The payment at the end of each month, rounded half up to a cent. Raises ValueError unless principal
    and months are positive.
    """
    _require_positive(principal, months)
    with localcontext() as context:
        context.prec = _DIGITS
        return (principal / _annuity_factor(annual_rate_percent, months)).quantize(CENT, ROUND_HALF_UP)


def affordable_principal(payment: Decimal, annual_rate_percent: Decimal, months: int) -> Decimal:
    """The largest loan that a monthly payment repays, rounded down to a cent."""
    _require_positive(payment, months)
    with localcontext() as context:
        context.prec = _DIGITS
        return (payment * _annuity_factor(annual_rate_percent, months)).quantize(CENT, ROUND_DOWN)


def _annuity_factor(annual_rate_percent: Decimal, months: int) -> Decimal:
    """What a payment of 1 a month is worth today."""
    if annual_rate_percent < 0:
        raise ValueError("a rate can't be negative")
    if annual_rate_percent == 0:
        return Decimal(months)
    rate = annual_rate_percent / 1200
    return (1 - (1 + rate) ** -months) / rate


def _require_positive(amount: Decimal, months: int) -> None:
    if amount <= 0 or months <= 0:
        raise ValueError("amount and number of months must be positive")
