# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in the figures that wording may carry and the voice can read: $12,500.37, 8.9, 2026-11-30."""

from __future__ import annotations

from decimal import Decimal


def dollars(amount: Decimal) -> str:
    """ "$12,500" or "$12,500.37"; negative as "-$5"."""
    sign = "-" if amount < 0 else ""
    size = abs(amount)
    return f"{sign}${size:,.0f}" if size == size.to_integral_value() else f"{sign}${size:,.2f}"


def percent(rate: Decimal) -> str:
    """ "8.9" for 8.90; the sign stands in the wording."""
    return f"{rate.normalize():f}"
