# SPDX-License-Identifier: GPL-3.0-or-later
"""Caller number, PIN and lock in injected time; cards blocked once; the generated bank."""

from __future__ import annotations

import datetime as dt
import logging
import os
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import StatementError

from bank.accounts import accounts_of
from bank.cards import active_cards, block_card
from bank.database import Database
from bank.generator import DEMO_PIN, fill, generate
from bank.identity import (
    LOCK_TIME,
    PinCheck,
    PinOutcome,
    check_pin,
    customer_of_number,
    hash_pin,
    normalise_number,
    pin_matches,
)
from bank.models import Account, AccountKind, Card, CardBlock, Customer, Offer
from bank.offers.store import best_offer
from bank.offers.strategy import Strategy
from tests.bank.conftest import NOW


@pytest.mark.parametrize(
    ("caller", "number"),
    [
        ("+8613800000001", "+8613800000001"),
        ("008613800000001", "+8613800000001"),
        ("sip:+8613800000001@127.0.0.1:5070;transport=udp", "+8613800000001"),
        ('"Alex" <sip:+8613800000001@bank>', "+8613800000001"),
        ("+86 138-0000 0001", "+8613800000001"),
        ("anonymous", ""),
        ("sip:anonymous@anonymous.invalid", ""),
        ("", ""),
    ],
)
def test_caller_number(caller: str, number: str) -> None:
    assert normalise_number(caller) == number


def test_known_and_unknown_callers(database: Database) -> None:
    with database.session() as session:
        alex = customer_of_number(session, "sip:+8613800000001@host")
        assert alex is not None
        assert (alex.first_name, alex.last_name) == ("Alex", "Morgan")
        assert customer_of_number(session, "+4912345") is None
        assert customer_of_number(session, "anonymous") is None


def check(database: Database, pin: str, now: dt.datetime) -> PinCheck:
    with database.session() as session:
        return check_pin(session, 1, pin, now)


def test_right_pin_verifies_and_clears_failures(database: Database) -> None:
    assert check(database, "0000", NOW) == PinCheck(PinOutcome.WRONG, 2)
    assert check(database, DEMO_PIN, NOW).outcome is PinOutcome.VERIFIED
    assert check(database, "0000", NOW) == PinCheck(PinOutcome.WRONG, 2)


def test_third_failure_locks_for_half_an_hour(database: Database) -> None:
    for tries_left in (2, 1):
        assert check(database, "0000", NOW) == PinCheck(PinOutcome.WRONG, tries_left)
    assert check(database, "0000", NOW).outcome is PinOutcome.LOCKED
    just_before = NOW + LOCK_TIME - dt.timedelta(seconds=1)
    assert check(database, DEMO_PIN, just_before).outcome is PinOutcome.LOCKED
    after = NOW + LOCK_TIME
    assert check(database, "0000", after) == PinCheck(PinOutcome.WRONG, 2)
    assert check(database, DEMO_PIN, after).outcome is PinOutcome.VERIFIED


def test_failures_at_the_same_moment_are_all_counted(database: Database) -> None:
    outcomes: list[PinOutcome] = []

    def guess() -> None:
        outcomes.append(check(database, "0000", NOW).outcome)

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(PinOutcome.WRONG) == 2
    assert outcomes.count(PinOutcome.LOCKED) == 6


def test_pin_is_hashed_with_a_salt_and_never_logged(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    assert hash_pin("4821", os.urandom) != hash_pin("4821", os.urandom)
    stored = hash_pin("4821", os.urandom)
    assert "4821" not in stored.split("$")
    assert pin_matches("4821", stored)
    assert not pin_matches("4822", stored)
    with pytest.raises(ValueError, match="unknown PIN hash"):
        pin_matches("4821", "md5$a$b")
    with caplog.at_level(logging.DEBUG):
        check(database, "9173", NOW)
    assert "9173" not in caplog.text


def test_nobody_has_no_pin(database: Database) -> None:
    with database.session() as session, pytest.raises(LookupError):
        check_pin(session, 999, "0000", NOW)


def test_card_is_blocked_once(database: Database) -> None:
    with database.session() as session:
        debit, credit = active_cards(session, 1)
        first = block_card(session, 1, debit.id, "lost", NOW)
        again = block_card(session, 1, debit.id, "stolen", NOW + dt.timedelta(days=2))
        assert again.id == first.id
        assert again.blocked_at == NOW
        assert first.replacement_by == dt.date(2026, 11, 30)
        left, replacement = active_cards(session, 1)
        assert left == credit
        assert (replacement.kind, replacement.last_four != debit.last_four) == (debit.kind, True)
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(CardBlock)) == 1


def test_card_of_somebody_else_is_out_of_reach(database: Database) -> None:
    with database.session() as session:
        card = active_cards(session, 2)[0]
        with pytest.raises(LookupError):
            block_card(session, 1, card.id, "lost", NOW)
        with pytest.raises(LookupError):
            block_card(session, 1, 10_000, "lost", NOW)


def test_demonstration_customers(database: Database) -> None:
    with database.session() as session:
        alex, jordan, robin = (session.get_one(Customer, number) for number in (1, 2, 3))
        assert [c.phone for c in (alex, jordan, robin)] == [f"+861380000000{n}" for n in (1, 2, 3)]
        assert all(pin_matches("4821", c.pin) for c in (alex, jordan, robin))
        assert {a.kind for a in alex.accounts} == {AccountKind.CURRENT, AccountKind.SAVINGS}
        assert {a.currency for a in alex.accounts} == {"USD"}
        assert {c.kind.value for c in alex.cards} == {"debit", "credit"}
        assert best_offer(session, 3, NOW + dt.timedelta(days=400)) is not None
        assert best_offer(session, 1, NOW) is None
        assert [a.kind for a in accounts_of(session, 1)] == [AccountKind.CURRENT, AccountKind.SAVINGS]


def _facts(count: int, seed: int) -> list[tuple[object, ...]]:
    return [
        (c.id, c.first_name, c.birth_date, c.phone, c.monthly_income, c.credit_score, c.pin,
         [(a.number, a.balance) for a in c.accounts], [k.last_four for k in c.cards])
        for c in generate(count, seed)
    ]  # fmt: skip


def test_the_same_seed_gives_the_same_bank() -> None:
    assert _facts(40, 7) == _facts(40, 7)
    assert _facts(40, 7) == _facts(60, 7)[:40], "a larger bank begins with the smaller one"
    assert _facts(40, 7)[3:] != _facts(40, 8)[3:]
    assert _facts(40, 7)[0][:6] == _facts(40, 8)[0][:6], "the demonstration customers are fixed"


def test_generated_customers_are_coherent() -> None:
    customers = list(generate(300, 11))
    assert len({c.phone for c in customers}) == 300
    for customer in customers:
        assert 300 <= customer.credit_score <= 850
        assert Decimal(500) < customer.monthly_income <= Decimal(40_000)
        assert 0 <= customer.monthly_debt < customer.monthly_income
        assert 18 <= (NOW.date() - customer.birth_date).days / 365.25 < 90
        assert customer.accounts
        assert customer.cards
        assert all(a.balance == a.balance.quantize(Decimal("0.01")) for a in customer.accounts)


def test_filled_bank_is_left_alone(tmp_path: Path, strategy: Strategy) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/folder/bank.db")
    told: list[tuple[int, int]] = []
    assert fill(database, 120, 7, strategy, NOW, lambda done, of: told.append((done, of))) == 120
    assert told == [(100, 120), (120, 120)]
    assert fill(database, 200, 8, strategy, NOW) == 0
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Customer)) == 120
        assert session.scalar(select(func.count()).select_from(Offer)) == 1
    database.close()


def test_money_stays_exact_in_sql(database: Database) -> None:
    with database.session() as session:
        session.add(Account(customer_id=1, kind=AccountKind.SAVINGS, number="X1", balance=Decimal("0.10")))
        session.add(Account(customer_id=1, kind=AccountKind.SAVINGS, number="X2", balance=Decimal("0.20")))
    with database.session() as session:
        total = session.scalar(select(func.sum(Account.balance)).where(Account.number.in_(["X1", "X2"])))
        assert total == Decimal("0.30")
        found = session.scalars(select(Account.number).where(Account.balance == Decimal("0.10")))
        assert list(found) == ["X1"]


@pytest.mark.parametrize(("balance", "error"), [(0.1, TypeError), (Decimal("0.001"), ValueError)])
def test_money_is_never_rounded_in_passing(
    database: Database, balance: Decimal, error: type[Exception]
) -> None:
    with pytest.raises(StatementError) as caught, database.session() as session:
        session.add(Account(customer_id=1, kind=AccountKind.SAVINGS, number="X1", balance=balance))
    assert isinstance(caught.value.orig, error)


def test_unusable_database_url_is_explained() -> None:
    with pytest.raises(ValueError, match="sqlite:///"):
        Database("not a url")


def test_a_failed_piece_of_work_changes_nothing(database: Database) -> None:
    def fail_half_way() -> None:
        with database.session() as session:
            session.delete(session.get_one(Card, 1))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail_half_way()
    with database.session() as session:
        assert len(active_cards(session, 1)) == 2
