# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a call's journal beside the call: appending never waits, the entries reach Redis in order a moment
later.

While Redis does not answer, entries wait in memory and are tried again; the conversation goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from agent.journal.chain import Entry, link
from agent.journal.store import INDEX, LIVE, SIP_ALIAS_S, journal_key, sip_key, summary_key

log = logging.getLogger(__name__)

_RETRY_S = 0.5
_PICK_UP_TRIES = 6
# How long a call that is over waits for Redis to come back before its last entries are given up. Seconds.
_LAST_CHANCE_S = 30.0


def utc_now() -> datetime:
    """The time of day, aware."""
    return datetime.now(UTC)


class JournalWriter:
    """The journal of one call. Use `begin`, `append` as often as needed, then `seal`."""

    def __init__(self, redis: Redis, call_id: str, now: Callable[[], datetime] = utc_now) -> None:
        self._redis = redis
        self._call_id = call_id
        self._now = now
        self._seq = 0
        self._hash: str | None = None
        self._queue: asyncio.Queue[Entry] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def pick_up(self) -> None:
        """Go on with the chain where a lost process left it. Before `begin`; tries for a few seconds."""
        for _ in range(_PICK_UP_TRIES):
            try:
                last = await self._redis.xrevrange(journal_key(self._call_id), count=1)
                break
            except (RedisError, OSError) as error:
                log.error("%s: the chain can't be picked up, Redis: %r", self._call_id, error)
                await asyncio.sleep(_RETRY_S)
        else:
            return
        if last:
            fields: Any = last[0][1]
            entry = Entry.from_fields(fields)
            self._seq, self._hash = entry.seq + 1, entry.hash

    def begin(self, sip_call_id: str, summary: Mapping[str, str]) -> None:
        """Enter the call in the index and write from now on, beside the call."""
        started = self._now()
        fields = {"started": started.isoformat(timespec="milliseconds"), "state": "live", **summary}
        self._task = asyncio.create_task(self._write(started, sip_call_id, fields))

    def append(self, kind: str, at_ms: int, **data: Any) -> None:
        """Add an event. Returns at once."""
        time = self._now().isoformat(timespec="milliseconds")
        entry = Entry(self._seq, at_ms, time, kind, data)
        entry = replace(entry, hash=link(self._call_id, self._hash, entry))
        self._seq, self._hash = entry.seq + 1, entry.hash
        self._queue.put_nowait(entry)

    async def seal(self, summary: Mapping[str, str]) -> None:
        """Write what is left and the summary, which carries the number of entries and the last hash."""
        try:
            async with asyncio.timeout(_LAST_CHANCE_S):
                await self._queue.join()
                await self._finish(summary)
        except (TimeoutError, RedisError, OSError) as error:
            log.error("%s: %d journal entries lost, Redis: %r", self._call_id, self._queue.qsize(), error)
        finally:
            if self._task is not None:
                self._task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._task

    async def _write(self, started: datetime, sip_call_id: str, summary: Mapping[str, str]) -> None:
        await self._insist(lambda: self._enter(started, sip_call_id, summary))
        while True:
            entry = await self._queue.get()
            await self._insist(lambda entry=entry: self._add(entry))  # type: ignore[misc]
            self._queue.task_done()

    async def _insist(self, write: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await write()
            except (RedisError, OSError) as error:
                log.warning("%s: the journal waits for Redis: %r", self._call_id, error)
                await asyncio.sleep(_RETRY_S)

    async def _enter(self, started: datetime, sip_call_id: str, summary: Mapping[str, str]) -> None:
        fields: dict[Any, Any] = dict(summary)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zadd(INDEX, {self._call_id: started.timestamp() * 1000}, nx=True)
            pipe.sadd(LIVE, self._call_id)
            pipe.set(sip_key(sip_call_id), self._call_id, ex=SIP_ALIAS_S)
            pipe.hset(summary_key(self._call_id), mapping=fields)
            await pipe.execute()

    async def _add(self, entry: Entry) -> None:
        """Add the entry under an id made of its place, so that trying again after an unclear failure never
        doubles it.
        """
        fields: dict[Any, Any] = dict(entry.to_fields())
        stream_id = f"{entry.seq + 1}-0"
        try:
            await self._redis.xadd(journal_key(self._call_id), fields, id=stream_id)
        except ResponseError as error:
            if "equal or smaller" not in str(error):
                raise
            stored: Any = await self._redis.xrange(journal_key(self._call_id), stream_id, stream_id)
            if not stored or stored[0][1].get("hash") != entry.hash:
                # Another process writes the same journal; `journal verify` will show it.
                log.error("%s: entry %d of the journal is somebody else's", self._call_id, entry.seq)

    async def _finish(self, summary: Mapping[str, str]) -> None:
        ended = self._now().isoformat(timespec="milliseconds")
        fields: dict[Any, Any] = {
            "ended": ended,
            "state": "ended",
            "entries": str(self._seq),
            "hash": self._hash or "",
            **summary,
        }
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(summary_key(self._call_id), mapping=fields)
            pipe.srem(LIVE, self._call_id)
            await pipe.execute()
