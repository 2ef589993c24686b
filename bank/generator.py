# SPDX-License-Identifier: GPL-3.0-or-later
"""A generated bank: coherent customers from one seed, the first three of them fixed for demonstrations and
tests.

Everything follows from the seed and the customer's number, so the same seed gives the same bank. A bank that
has customers is left alone.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from bank.columns import CENT
from bank.database import Database
from bank.identity import hash_pin
from bank.models import Account, AccountKind, Card, CardKind, Customer
from bank.offers.events import DepositMaturing
from bank.offers.store import make_offers
from bank.offers.strategy import Strategy, StrategyError, load_strategy
from bank.settings import BankSettings

DEMO_PIN = "4821"
DEMO_OFFER_VALID = dt.timedelta(days=3650)
_BATCH = 100
_EPOCH = dt.date(2026, 1, 1)

_FIRST = [
    "Ava", "Ben", "Clara", "Daniel", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jack", "Kira", "Liam", "Mei",
    "Noah", "Olga", "Peter", "Quinn", "Rosa", "Sam", "Tara", "Umar", "Vera", "Wei", "Xenia", "Yusuf", "Zoe",
    "Amir", "Bella", "Carlos", "Dana", "Emil", "Fiona", "George", "Hana", "Ivan", "Julia", "Karl", "Lena",
    "Marco", "Nina", "Omar", "Paula",
]  # fmt: skip
_LAST = [
    "Adams", "Baker", "Chen", "Diaz", "Evans", "Fischer", "Garcia", "Hughes", "Ivanov", "Jones", "Khan",
    "Lopez", "Meyer", "Novak", "Owens", "Patel", "Quist", "Rossi", "Smith", "Tanaka", "Ueda", "Vogel", "Wang",
    "Xu", "Young", "Zhang", "Allen", "Brown", "Clark", "Davis", "Foster", "Green", "Hill", "King", "Lewis",
    "Moore", "Parker", "Reed",
]  # fmt: skip

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What is fixed about a demonstration customer. Money in dollars; income and debt a month."""

    first_name: str
    last_name: str
    birth_date: dt.date
    monthly_income: str
    monthly_debt: str
    credit_score: int
    current: str
    savings: str
    debit: str
    credit: str | None


_DEMO = {
    1: _Fixed(
        "Alex",
        "Morgan",
        dt.date(1988, 5, 14),
        "12500.00",
        "450.00",
        782,
        "4310.55",
        "28750.00",
        "4417",
        "9032",
    ),
    2: _Fixed(
        "Jordan", "Blake", dt.date(1999, 9, 2), "1900.00", "900.00", 540, "212.40", "0.00", "7720", None
    ),
    3: _Fixed(
        "Robin",
        "Hayes",
        dt.date(1961, 3, 27),
        "5400.00",
        "300.00",
        745,
        "6120.10",
        "40000.00",
        "5561",
        "1180",
    ),
}


def generate(count: int, seed: int) -> Iterator[Customer]:
    """`count` customers with accounts and cards, ids from 1, the first three fixed.

    A customer depends on the seed and their own number only: a larger bank begins with the smaller one.
    """
    for number in range(1, count + 1):
        source = random.Random(f"{seed}:{number}")
        customer = _fixed(number, _DEMO[number]) if number in _DEMO else _drawn(number, source)
        customer.pin = hash_pin(DEMO_PIN if number in _DEMO else _pin(source), source.randbytes)
        yield customer


def phone_of(number: int) -> str:
    """The telephone number of the generated customer with this number."""
    return f"+8613800{number:06d}"


def _fixed(number: int, fixed: _Fixed) -> Customer:
    cards = [Card(kind=CardKind.DEBIT, last_four=fixed.debit)]
    if fixed.credit:
        cards.append(Card(kind=CardKind.CREDIT, last_four=fixed.credit))
    return Customer(
        id=number,
        first_name=fixed.first_name,
        last_name=fixed.last_name,
        birth_date=fixed.birth_date,
        phone=phone_of(number),
        monthly_income=Decimal(fixed.monthly_income),
        monthly_debt=Decimal(fixed.monthly_debt),
        credit_score=fixed.credit_score,
        accounts=[
            _account(number, AccountKind.CURRENT, Decimal(fixed.current)),
            _account(number, AccountKind.SAVINGS, Decimal(fixed.savings)),
        ],
        cards=cards,
    )


def _drawn(number: int, source: random.Random) -> Customer:
    """Income is log-normal around 4,300 dollars and rises with age; score, debt, savings and cards follow
    from it.
    """
    age_days = int(source.triangular(18, 85, 40) * 365.25)
    age = age_days / 365.25
    income = _round(min(40_000.0, source.lognormvariate(8.2, 0.5) * (0.7 + min(age, 50) / 100)))
    score = round(min(850, max(300, source.gauss(620 + float(income) / 80, 70))))
    accounts = [_account(number, AccountKind.CURRENT, _round(float(income) * source.uniform(0.02, 1.8)))]
    if source.random() < 0.7:
        accounts.append(
            _account(number, AccountKind.SAVINGS, _round(float(income) * source.expovariate(0.25)))
        )
    cards = [Card(kind=CardKind.DEBIT, last_four=f"{source.randrange(10_000):04d}")]
    if score >= 600 and source.random() < 0.6:
        cards.append(Card(kind=CardKind.CREDIT, last_four=f"{source.randrange(10_000):04d}"))
    return Customer(
        id=number,
        first_name=source.choice(_FIRST),
        last_name=source.choice(_LAST),
        birth_date=_EPOCH - dt.timedelta(days=age_days),
        phone=phone_of(number),
        monthly_income=income,
        monthly_debt=_round(float(income) * max(0.0, source.gauss(0.15, 0.12))),
        credit_score=score,
        accounts=accounts,
        cards=cards,
    )


def _account(number: int, kind: AccountKind, balance: Decimal) -> Account:
    suffix = "01" if kind is AccountKind.CURRENT else "02"
    return Account(kind=kind, number=f"FH{number:08d}{suffix}", balance=balance, currency="USD")


def _pin(source: random.Random) -> str:
    return f"{source.randrange(10_000):04d}"


def _round(amount: float) -> Decimal:
    return Decimal(amount).quantize(CENT)


def fill(
    database: Database,
    count: int,
    seed: int,
    strategy: Strategy,
    now: dt.datetime,
    progress: Progress | None = None,
) -> int:
    """Fill an empty bank and return how many customers were added; a bank that has any is left alone.

    `progress` is told (done, of) after each batch. All of it is one transaction: an interrupted run leaves an
    empty bank.
    """
    with database.session() as session:
        if session.scalar(select(func.count()).select_from(Customer)):
            return 0
        for done, customer in enumerate(generate(count, seed), start=1):
            session.add(customer)
            if done % _BATCH == 0 or done == count:
                session.flush()
                if progress:
                    progress(done, count)
        maturing = DepositMaturing(
            id="demo-deposit-3",
            customer_id=3,
            occurred_at=now,
            amount=Decimal("25000.00"),
            matures_on=now.date() + dt.timedelta(days=12),
        )
        for offer in make_offers(session, strategy, maturing, now):
            # The demonstration customer must have an offer however old the bank is.
            offer.expires_at = now + DEMO_OFFER_VALID
    return count


def main(argv: Sequence[str] | None = None) -> int:
    """Fill the bank that the environment names."""
    settings = BankSettings.from_environment()
    parser = argparse.ArgumentParser(
        prog="python -m bank.generator", description="Fill an empty bank with customers."
    )
    parser.add_argument("--customers", type=int, default=settings.customers)
    parser.add_argument("--seed", type=int, default=settings.seed)
    arguments = parser.parse_args(argv)
    if arguments.customers < len(_DEMO):
        parser.error(f"--customers must be at least {len(_DEMO)}")
    try:
        strategy = load_strategy(settings.strategies)
        database = Database(settings.database_url)
    except (StrategyError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    added = fill(
        database, arguments.customers, arguments.seed, strategy, dt.datetime.now(dt.UTC), _print_progress
    )
    database.close()
    print(f"{added} customers added" if added else "the bank has customers already; left alone")
    return 0


def _print_progress(done: int, count: int) -> None:
    end = "\n" if done == count or not sys.stdout.isatty() else "\r"
    print(f"customers {done}/{count}", end=end, flush=True)


if __name__ == "__main__":
    sys.exit(main())
