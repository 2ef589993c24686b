# SPDX-License-Identifier: GPL-3.0-or-later
"""The bank's database: one engine a process, sessions that commit as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from bank.models import Base

BUSY_TIMEOUT_S = 5


class Database:
    """Opens sessions on one database, creating its tables (and a SQLite file's folder) when they are missing.

    Raises ValueError when `url` is not a database URL that SQLAlchemy understands.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        Base.metadata.create_all(self.engine)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that is committed at the end, and rolled back when an exception leaves it."""
        with self._sessions.begin() as session:
            yield session

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError(
            f"database URL {url!r}: write it as sqlite:///var/bank.db or postgresql+psycopg://…"
        ) from None
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediately)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not open transactions of its own: see _begin_immediately.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_immediately(connection: Any) -> None:
    # A transaction that starts by reading and then writes fails at once when another process wrote in
    # between; taking the write lock at the start makes it wait instead, so that two wrong PINs at once are
    # counted as two.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
