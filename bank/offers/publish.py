# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishes one customer event, for a demonstration or a test: `python -m bank.offers.publish
salary_credited --customer 1`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import uuid
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import redis

from bank.offers.events import (
    FIELD,
    STREAM,
    CustomerEvent,
    DepositMaturing,
    LoanPageViewed,
    SalaryCredited,
    Trigger,
    encode,
)
from bank.settings import BankSettings


def publish(connection: redis.Redis, event: CustomerEvent) -> None:
    """Append an event to the stream."""
    connection.xadd(STREAM, {FIELD: encode(event)})


def make_event(
    kind: Trigger, customer: int, amount: Decimal, days: int, now: dt.datetime, event_id: str | None = None
) -> CustomerEvent:
    """An event that happens to a customer at `now`; `amount` in dollars, `days` to a deposit's maturity.

    Two events are the same when their ids are; without one a fresh id is drawn.
    """
    fresh = event_id or uuid.uuid4().hex
    if kind == "salary_credited":
        return SalaryCredited(id=fresh, customer_id=customer, occurred_at=now, amount=amount)
    if kind == "deposit_maturing":
        matures = now.date() + dt.timedelta(days=days)
        return DepositMaturing(
            id=fresh, customer_id=customer, occurred_at=now, amount=amount, matures_on=matures
        )
    return LoanPageViewed(id=fresh, customer_id=customer, occurred_at=now)


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text).quantize(Decimal("0.01"))
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount; write it as 4200 or 4200.50") from None
    if amount <= 0:
        raise argparse.ArgumentTypeError("the amount must be positive")
    return amount


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bank.offers.publish", description=__doc__)
    parser.add_argument("type", choices=["salary_credited", "deposit_maturing", "loan_page_viewed"])
    parser.add_argument(
        "--customer", type=int, required=True, help="customer id (1 to 3 are the demonstration customers)"
    )
    parser.add_argument("--amount", type=_amount, default=Decimal("5200.00"), help="dollars (default 5200)")
    parser.add_argument("--days", type=int, default=10, help="days to maturity (default 10)")
    parser.add_argument("--id", help="event id; the same id twice counts once")
    arguments = parser.parse_args(argv)
    settings = BankSettings.from_environment()
    event = make_event(
        arguments.type,
        arguments.customer,
        arguments.amount,
        arguments.days,
        dt.datetime.now(dt.UTC),
        arguments.id,
    )
    connection = redis.Redis.from_url(settings.redis_url)
    try:
        publish(connection, event)
    except redis.ConnectionError as error:
        print(f"no Redis at {settings.redis_url}: {error}. Start it with `tellerline run`.", file=sys.stderr)
        return 1
    finally:
        connection.close()
    print(f"published {event.type} {event.id} for customer {event.customer_id}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
