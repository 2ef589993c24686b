# SPDX-License-Identifier: GPL-3.0-or-later
"""A small bank on SQLite, and a real Redis for the events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bank.database import Database
from bank.generator import fill
from bank.offers.strategy import Strategy, load_strategy
from tests.private_redis import PrivateRedis

ROOT = Path(__file__).parents[2]
NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def strategy() -> Strategy:
    """The shipped strategy."""
    return load_strategy(ROOT / "strategies" / "offers.yml")


@pytest.fixture
def database(tmp_path: Path, strategy: Strategy) -> Iterator[Database]:
    """A bank of 20 customers."""
    made = Database(f"sqlite:///{tmp_path}/bank.db")
    fill(made, 20, 7, strategy, NOW)
    yield made
    made.close()


@pytest.fixture
def events(redis_server: PrivateRedis) -> Iterator[redis.Redis]:
    """An empty Redis."""
    connection = redis.Redis.from_url(redis_server.url)
    connection.flushall()
    yield connection
    connection.close()
