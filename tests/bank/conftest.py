# SPDX-License-Identifier: GPL-3.0-or-later
"""A small bank on SQLite, and a real Redis for the events."""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bank.database import Database
from bank.generator import fill
from bank.offers.strategy import Strategy, load_strategy

ROOT = Path(__file__).parents[2]
NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
REDIS_SOCKET_WAIT_S = 20


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


@pytest.fixture(scope="session")
def redis_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A private redis-server on a Unix socket, so that no port is needed."""
    folder = tmp_path_factory.mktemp("redis")
    path = folder / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + REDIS_SOCKET_WAIT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(redis.ConnectionError), redis.Redis(unix_socket_path=str(path)) as probe:
            probe.ping()
            break
        time.sleep(0.05)
    yield path
    process.terminate()
    process.wait(10)


@pytest.fixture
def events(redis_socket: Path) -> Iterator[redis.Redis]:
    """An empty Redis."""
    connection = redis.Redis(unix_socket_path=str(redis_socket))
    connection.flushall()
    yield connection
    connection.close()
