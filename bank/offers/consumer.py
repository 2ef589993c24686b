# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads customer events from Redis Streams and makes offers of them: at least once, each event counted once.

An entry is acknowledged only after its offers are committed, and entries left behind by a consumer that died
are claimed. What is no event goes to a dead-letter stream with the reason, so one bad entry never stops the
rest.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol, cast

import redis
from sqlalchemy.exc import DataError, OperationalError

from bank.database import Database
from bank.offers.events import DEAD_LETTERS, FIELD, STREAM, MalformedEvent, decode
from bank.offers.store import UnknownCustomer, make_offers
from bank.offers.strategy import Strategy, StrategyError, load_strategy
from bank.settings import BankSettings

GROUP = "offers"
BATCH = 32
BLOCK_MS = 500
CLAIM_AFTER_MS = 30_000
RETRY_S = 1.0
DEAD_LETTERS_KEPT = 10_000

log = logging.getLogger("bank.offers")
Fields = dict[bytes, bytes]
Entries = list[tuple[bytes, Fields | None]]


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> dt.datetime:
        """Now, aware."""


class OfferConsumer:
    """One consumer of the group `offers`. `step` does one round, so tests need no thread; `run` does rounds
    until stopped.
    """

    def __init__(
        self,
        connection: redis.Redis,
        database: Database,
        strategy: Callable[[], Strategy],
        *,
        name: str,
        now: Clock = lambda: dt.datetime.now(dt.UTC),
        claim_after_ms: int = CLAIM_AFTER_MS,
    ) -> None:
        self._redis = connection
        self._database = database
        self._strategy = strategy
        self._name = name
        self._now = now
        self._claim_after_ms = claim_after_ms

    def prepare(self) -> None:
        """Make the stream and the group when they are missing; a new group starts with the oldest event."""
        try:
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def step(self, block_ms: int = BLOCK_MS) -> int:
        """Handle the entries that others left behind, then new ones, waiting up to `block_ms` for them.
        Returns how many.
        """
        entries = self._claimed() or self._new(block_ms)
        for entry_id, fields in entries:
            self._handle(entry_id, fields or {})
        return len(entries)

    def run(self, stop: threading.Event) -> None:
        """Rounds until `stop` is set; an unreachable Redis or database is waited for."""
        prepared = False
        while not stop.is_set():
            try:
                if not prepared:
                    self.prepare()
                    prepared = True
                self.step()
            except (redis.RedisError, OperationalError, StrategyError) as error:
                # A group that was lost with Redis' data is made again.
                prepared = False
                log.warning("waiting: %s", error)
                stop.wait(RETRY_S)

    def _claimed(self) -> Entries:
        answer: Any = self._redis.xautoclaim(
            STREAM, GROUP, self._name, min_idle_time=self._claim_after_ms, count=BATCH
        )
        return cast("Entries", answer[1])

    def _new(self, block_ms: int) -> Entries:
        answer: Any = self._redis.xreadgroup(GROUP, self._name, {STREAM: ">"}, count=BATCH, block=block_ms)
        if not answer:
            return []
        streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
        # RESP3 wraps each stream's entries in one more list.
        return [entry for entries in streams for entry in _flat(entries)]

    def _handle(self, entry_id: bytes, fields: Fields) -> None:
        try:
            event = decode(fields.get(FIELD.encode()))
            with self._database.session() as session:
                made = make_offers(session, self._strategy(), event, self._now())
        except (MalformedEvent, UnknownCustomer, DataError) as error:
            # DataError: a value that the schema of events admits and the database does not.
            self._bury(entry_id, fields, str(error))
        else:
            log.info("event %s made %d offers", event.id, len(made))
        self._redis.xack(STREAM, GROUP, entry_id)

    def _bury(self, entry_id: bytes, fields: Fields, reason: str) -> None:
        log.warning("entry %s is no usable event: %s", entry_id.decode(), reason)
        letter: dict[Any, Any] = {
            "entry": entry_id,
            "reason": reason,
            "at": self._now().isoformat(),
            **fields,
        }
        self._redis.xadd(DEAD_LETTERS, letter, maxlen=DEAD_LETTERS_KEPT, approximate=True)


def _flat(entries: Any) -> Entries:
    if entries and isinstance(entries[0], list) and entries[0] and isinstance(entries[0][0], list | tuple):
        return [entry for part in entries for entry in part]
    return cast("Entries", entries)


class StrategyFile:
    """The strategy of a file, read again when the file changed; a broken change is reported and the last
    good one kept.

    Raises StrategyError when the first reading fails.
    """

    def __init__(self, settings: BankSettings) -> None:
        self._path = settings.strategies
        self._changed_at = self._mtime()
        self._strategy = load_strategy(self._path)

    def __call__(self) -> Strategy:
        """The strategy as it stands now."""
        changed_at = self._mtime()
        if changed_at != self._changed_at:
            self._changed_at = changed_at
            try:
                self._strategy = load_strategy(self._path)
                log.info("strategy version %d loaded", self._strategy.version)
            except StrategyError as error:
                log.error("keeping strategy version %d: %s", self._strategy.version, error)
        return self._strategy

    def _mtime(self) -> float:
        try:
            return self._path.stat().st_mtime
        except OSError:
            return -1.0


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = BankSettings.from_environment()
    try:
        strategy = StrategyFile(settings)
    except StrategyError as error:
        log.error("%s", error)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    database = Database(settings.database_url)
    connection = redis.Redis.from_url(settings.redis_url)
    consumer = OfferConsumer(connection, database, strategy, name=f"{socket.gethostname()}:{os.getpid()}")
    log.info("consuming %s", STREAM)
    consumer.run(stop)
    connection.close()
    database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
