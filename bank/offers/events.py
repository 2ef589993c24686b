# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to customers that may lead to an offer, as typed events on the stream `events:customers`.

An entry of the stream has one field, `event`, holding the event as a JSON object; `id` makes it idempotent.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

STREAM = "events:customers"
DEAD_LETTERS = "events:customers:dead"
FIELD = "event"


class MalformedEvent(ValueError):
    """An entry of the stream is no customer event; the text says why."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=64)
    customer_id: int = Field(gt=0, le=2**31 - 1)
    occurred_at: AwareDatetime


class SalaryCredited(_Event):
    """A salary of `amount` dollars came in."""

    type: Literal["salary_credited"] = "salary_credited"
    amount: Decimal = Field(gt=0, decimal_places=2)


class DepositMaturing(_Event):
    """A fixed deposit of `amount` dollars ends on `matures_on`."""

    type: Literal["deposit_maturing"] = "deposit_maturing"
    amount: Decimal = Field(gt=0, decimal_places=2)
    matures_on: dt.date

    @property
    def days_to_maturity(self) -> int:
        """Days from the event to maturity."""
        return (self.matures_on - self.occurred_at.date()).days


class LoanPageViewed(_Event):
    """The customer looked at a loan in the app or on the web."""

    type: Literal["loan_page_viewed"] = "loan_page_viewed"
    product: str = Field(default="personal_loan", max_length=64)


CustomerEvent = Annotated[SalaryCredited | DepositMaturing | LoanPageViewed, Field(discriminator="type")]
_ADAPTER: TypeAdapter[CustomerEvent] = TypeAdapter(CustomerEvent)
Trigger = Literal["salary_credited", "deposit_maturing", "loan_page_viewed"]


def decode(text: str | bytes | None) -> CustomerEvent:
    """Parse an event. Raises MalformedEvent with the field and the reason, never with the value."""
    if text is None:
        raise MalformedEvent(f"the entry has no field {FIELD!r}")
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "event"
        raise MalformedEvent(f"{where}: {first['msg']}") from None


def encode(event: CustomerEvent) -> str:
    """The JSON text of an event."""
    return event.model_dump_json()
