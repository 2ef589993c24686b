# SPDX-License-Identifier: GPL-3.0-or-later
"""Events to offers: the strategy file, at-least-once delivery counted once, dead letters, suppression."""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
from decimal import Decimal
from pathlib import Path

import pytest
import redis
from sqlalchemy import func, select

from bank.database import Database
from bank.models import Offer, OfferState
from bank.offers.consumer import GROUP, OfferConsumer, StrategyFile
from bank.offers.events import (
    DEAD_LETTERS,
    STREAM,
    DepositMaturing,
    LoanPageViewed,
    MalformedEvent,
    SalaryCredited,
    decode,
    encode,
)
from bank.offers.publish import main as publish_command
from bank.offers.publish import publish
from bank.offers.store import best_offer, decide_offer, make_offers
from bank.offers.strategy import Strategy, StrategyError, load_strategy
from bank.settings import BankSettings
from tests.bank.conftest import NOW
from tests.private_redis import PrivateRedis


def salary(event_id: str = "e1", customer: int = 1, amount: str = "5000.00") -> SalaryCredited:
    return SalaryCredited(id=event_id, customer_id=customer, occurred_at=NOW, amount=Decimal(amount))


def deposit(event_id: str = "d1", customer: int = 1, days: int = 10) -> DepositMaturing:
    matures = NOW.date() + dt.timedelta(days=days)
    return DepositMaturing(
        id=event_id, customer_id=customer, occurred_at=NOW, amount=Decimal("25000.50"), matures_on=matures
    )


def consumer(events: redis.Redis, database: Database, strategy: Strategy, name: str = "c1") -> OfferConsumer:
    made = OfferConsumer(events, database, lambda: strategy, name=name, now=lambda: NOW, claim_after_ms=0)
    made.prepare()
    return made


def offers_of(database: Database, customer: int) -> list[Offer]:
    with database.session() as session:
        return list(session.scalars(select(Offer).where(Offer.customer_id == customer).order_by(Offer.id)))


def test_events_come_back_as_they_were() -> None:
    for event in (salary(), deposit(), LoanPageViewed(id="l", customer_id=1, occurred_at=NOW)):
        assert decode(encode(event)) == event


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no field"),
        ("{", "JSON"),
        ('{"type": "birthday"}', "salary_credited"),
        ('{"type": "salary_credited", "id": "1", "customer_id": 1, "amount": "5"}', "occurred_at"),
        (
            '{"type": "salary_credited", "id": "1", "customer_id": 1, "amount": "-5", '
            '"occurred_at": "2026-01-01T00:00:00Z"}',
            "amount",
        ),
        (
            '{"type": "salary_credited", "id": "1", "customer_id": 1, "amount": "5", '
            '"occurred_at": "2026-01-01T00:00:00"}',
            "timezone",
        ),
        (
            '{"type": "loan_page_viewed", "id": "1", "customer_id": 1000000000000000000000000000000, '
            '"occurred_at": "2026-01-01T00:00:00Z"}',
            "customer_id",
        ),
    ],
)
def test_malformed_events_say_why(text: str | None, reason: str) -> None:
    with pytest.raises(MalformedEvent, match=reason):
        decode(text)


def test_shipped_strategy_makes_an_offer_of_each_event(strategy: Strategy) -> None:
    facts = {
        "monthly_income": Decimal(5000), "credit_score": Decimal(700), "age": Decimal(40), 
        "savings_balance": Decimal(0),
    }  # fmt: skip
    viewed = LoanPageViewed(id="l", customer_id=1, occurred_at=NOW)
    for event in (salary(), deposit(), viewed):
        assert len(strategy.matching(event, facts)) == 1  # type: ignore[arg-type]
    assert not strategy.matching(salary(amount="2999.99"), facts)  # type: ignore[arg-type]
    assert not strategy.matching(deposit(days=31), facts)  # type: ignore[arg-type]
    assert not strategy.matching(viewed, facts | {"credit_score": Decimal(669)})  # type: ignore[arg-type]
    words = strategy.matching(deposit(), facts)[0].words(deposit())  # type: ignore[arg-type]
    assert "$25,000.50" in words
    assert "twelve month fixed deposit" in words


RULE = {
    "name": "r", "trigger": "salary_credited", "conditions": [{"field": "amount", "at_least": 1}],
    "product": "p", "product_name": "plan", "priority": 5, "valid_days": 7,
    "wording": "Take the {product_name} for ${amount}.",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"trigger": "birthday"}, "rule r, trigger"),
        ({"priority": "high"}, "rule r, priority"),
        ({"conditions": [{"field": "amount"}]}, "exactly one"),
        ({"conditions": [{"field": "shoe_size", "at_least": 3}]}, "shoe_size"),
        ({"conditions": [{"field": "days_to_maturity", "at_least": 3}]}, "days_to_maturity"),
        ({"wording": "Hello {name}"}, "unknown placeholder"),
        ({"wording": "{days_to_maturity} days"}, "doesn't carry"),
        ({"wording": "half a {brace"}, "wording"),
        ({"colour": "blue"}, "colour"),
        ({"valid_days": 0}, "valid_days"),
    ],
)
def test_mistake_in_the_strategy_is_named(tmp_path: Path, change: dict[str, object], mistake: str) -> None:
    path = tmp_path / "offers.yml"
    path.write_text(json.dumps({"version": 1, "rules": [RULE | change]}))
    with pytest.raises(StrategyError, match=mistake) as caught:
        load_strategy(path)
    assert "offers.yml" in str(caught.value)


def test_missing_broken_and_doubled_strategies_are_named(tmp_path: Path) -> None:
    path = tmp_path / "offers.yml"
    with pytest.raises(StrategyError, match="can't be read"):
        load_strategy(path)
    path.write_text("rules: [")
    with pytest.raises(StrategyError, match="no valid YAML"):
        load_strategy(path)
    path.write_text(json.dumps({"version": 1, "rules": [RULE, RULE]}))
    with pytest.raises(StrategyError, match="two rules"):
        load_strategy(path)


def test_strategy_is_read_again_and_a_broken_change_is_survived(tmp_path: Path) -> None:
    path = tmp_path / "offers.yml"
    path.write_text(json.dumps({"version": 1, "rules": [RULE]}))
    strategy_file = StrategyFile(BankSettings(strategies=path))
    for content, version in [
        ({"version": 2, "rules": []}, 2),
        ({"version": "x"}, 2),
        ({"version": 3, "rules": []}, 3),
    ]:
        path.write_text(json.dumps(content))
        # Some file systems keep time in whole seconds only.
        stamp = path.stat().st_mtime + version + len(json.dumps(content))
        os.utime(path, (stamp, stamp))
        assert strategy_file().version == version


def test_event_becomes_an_offer(events: redis.Redis, database: Database, strategy: Strategy) -> None:
    publish(events, salary())
    assert consumer(events, database, strategy).step(block_ms=10) == 1
    [offer] = offers_of(database, 1)
    assert (offer.rule, offer.strategy_version, offer.state) == ("salary_saver", 1, OfferState.OPEN)
    assert offer.expires_at == NOW + dt.timedelta(days=14)
    assert events.xpending(STREAM, GROUP)["pending"] == 0


def test_event_delivered_twice_counts_once(
    events: redis.Redis, database: Database, strategy: Strategy
) -> None:
    publish(events, salary())
    publish(events, salary())
    reader = consumer(events, database, strategy)
    reader.step(block_ms=10)
    assert len(offers_of(database, 1)) == 1


def test_event_of_a_consumer_that_died_is_taken_over(
    events: redis.Redis, database: Database, strategy: Strategy
) -> None:
    reader = consumer(events, database, strategy)
    publish(events, salary())
    # Delivered to a consumer that never comes back.
    events.xreadgroup(GROUP, "dead", {STREAM: ">"})
    assert reader.step(block_ms=10) == 1
    assert len(offers_of(database, 1)) == 1
    assert events.xpending(STREAM, GROUP)["pending"] == 0


def test_bad_events_are_set_aside_with_the_reason(
    events: redis.Redis, database: Database, strategy: Strategy
) -> None:
    events.xadd(STREAM, {"event": "no json"})
    events.xadd(STREAM, {"other": "field"})
    publish(events, salary("e9", customer=4711))
    publish(events, salary("good"))
    consumer(events, database, strategy).step(block_ms=10)
    assert len(offers_of(database, 1)) == 1, "the good one behind them is not lost"
    letters = [fields for _, fields in events.xrange(DEAD_LETTERS)]
    assert [b"JSON" in letters[0][b"reason"], letters[1][b"reason"], letters[2][b"reason"]] == [
        True, b"the entry has no field 'event'", b"no customer 4711",
    ]  # fmt: skip
    assert letters[0][b"event"] == b"no json", "nothing is lost"
    assert events.xpending(STREAM, GROUP)["pending"] == 0


def test_consumer_survives_the_loss_of_its_group(
    events: redis.Redis, database: Database, strategy: Strategy
) -> None:
    reader = consumer(events, database, strategy)
    stop = threading.Event()
    thread = threading.Thread(target=reader.run, args=(stop,))
    thread.start()
    try:
        events.flushall()
        publish(events, salary())
        deadline = threading.Event()
        for _ in range(100):
            if offers_of(database, 1):
                break
            deadline.wait(0.1)
    finally:
        stop.set()
        thread.join(10)
    assert len(offers_of(database, 1)) == 1


def test_best_offer_is_told_first_and_lapses(database: Database, strategy: Strategy) -> None:
    with database.session() as session:
        make_offers(session, strategy, salary(), NOW)
        make_offers(session, strategy, deposit(), NOW)
    with database.session() as session:
        first = best_offer(session, 1, NOW)
        assert first is not None
        assert first.product == "fixed_deposit_12"
        decide_offer(session, 1, first.id, accept=True, now=NOW)
        second = best_offer(session, 1, NOW)
        assert second is not None
        assert second.product == "saver_plan"
        assert best_offer(session, 1, NOW + dt.timedelta(days=14)) is None


def test_no_suppresses_the_product_for_ninety_days(database: Database, strategy: Strategy) -> None:
    with database.session() as session:
        [offer] = make_offers(session, strategy, salary("a"), NOW)
        make_offers(session, strategy, salary("b"), NOW)
        decide_offer(session, 1, offer.id, accept=False, now=NOW)
        assert best_offer(session, 1, NOW) is None, "the second offer of the same product is silent too"
        assert not make_offers(session, strategy, salary("c"), NOW + dt.timedelta(days=89))
        assert make_offers(session, strategy, salary("d"), NOW + dt.timedelta(days=91))


def test_first_answer_stands_and_belongs_to_the_customer(database: Database, strategy: Strategy) -> None:
    with database.session() as session:
        [offer] = make_offers(session, strategy, salary(), NOW)
        decide_offer(session, 1, offer.id, accept=True, now=NOW)
        assert decide_offer(session, 1, offer.id, accept=False, now=NOW).state is OfferState.ACCEPTED
        with pytest.raises(LookupError):
            decide_offer(session, 2, offer.id, accept=True, now=NOW)


def test_publish_command(
    redis_server: PrivateRedis,
    events: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TELLERLINE_REDIS_URL", redis_server.url)
    assert publish_command(["deposit_maturing", "--customer", "3", "--amount", "900", "--days", "5"]) == 0
    [(_, fields)] = events.xrange(STREAM)
    event = decode(fields[b"event"])
    assert isinstance(event, DepositMaturing)
    assert event.days_to_maturity == 5
    with pytest.raises(SystemExit):
        publish_command(["salary_credited", "--customer", "1", "--amount", "lots"])
    monkeypatch.setenv("TELLERLINE_REDIS_URL", "redis://127.0.0.1:26009/0")
    assert publish_command(["salary_credited", "--customer", "1"]) == 1
    assert "tellerline run" in capsys.readouterr().err


def test_demonstration_offer_exists_once(database: Database) -> None:
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Offer)) == 1
