# SPDX-License-Identifier: GPL-3.0-or-later
"""Journals in a real Redis: written beside the call, read back whole, and every change of them found."""

from __future__ import annotations

import asyncio

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from agent.journal.store import JournalReader, UnknownCall, journal_key
from agent.journal.writer import JournalWriter
from tests.private_redis import PrivateRedis, private_redis

WHO = {"from": "+861", "to": "hotline", "direction": "inbound"}


async def write(url: str, call_id: str, texts: list[str]) -> None:
    redis = AsyncRedis.from_url(url, decode_responses=True)
    journal = JournalWriter(redis, call_id)
    journal.begin(f"sip-{call_id}", WHO)
    for at, text in enumerate(texts):
        journal.append("transcript", at * 20, text=text)
    await journal.seal({"outcome": "caller hung up", "turns": "1", "duration_ms": "60"})
    await redis.aclose()


async def test_what_was_written_is_read_back_and_verifies(redis_server: PrivateRedis) -> None:
    await write(redis_server.url, "c-whole", ["hello", "what is my balance", "谢谢"])
    reader = JournalReader(redis_server.url)
    assert [stored.entry.data["text"] for stored in reader.entries("c-whole")] == [
        "hello",
        "what is my balance",
        "谢谢",
    ]
    assert reader.verify("c-whole") == []
    assert reader.call_of("sip-c-whole") == "c-whole"
    summary = reader.summary("c-whole")
    assert (summary["state"], summary["outcome"], summary["from"]) == ("ended", "caller hung up", "+861")
    assert "c-whole" in [call["call_id"] for call in reader.recent(50)]


async def test_a_changed_a_dropped_and_a_last_entry_missing_are_found(redis_server: PrivateRedis) -> None:
    redis = Redis.from_url(redis_server.url, decode_responses=True)
    reader = JournalReader(redis_server.url)
    for call_id, place in (("c-changed", 1), ("c-dropped", 1), ("c-shortened", 2)):
        await write(redis_server.url, call_id, ["one", "two", "three"])
        stream_id, _ = redis.xrange(journal_key(call_id))[place]
        if call_id == "c-changed":
            # A Stream's entries can't be edited in place: rewrite it with one word changed.
            entries = redis.xrange(journal_key(call_id))
            redis.delete(journal_key(call_id))
            for entry_id, entry in entries:
                changed = {**entry, "data": entry["data"].replace("two", "too")}
                redis.xadd(journal_key(call_id), changed, id=entry_id)
        else:
            redis.xdel(journal_key(call_id), stream_id)
        assert reader.verify(call_id), call_id
    assert "entry 1" in reader.verify("c-changed")[0]


def test_an_unknown_call_is_no_whole_journal(redis_server: PrivateRedis) -> None:
    with pytest.raises(UnknownCall):
        JournalReader(redis_server.url).verify("c-none")


async def test_redis_restarts_in_the_middle_of_a_call_and_nothing_is_lost() -> None:
    with private_redis() as server:
        redis = AsyncRedis.from_url(server.url, decode_responses=True)
        journal = JournalWriter(redis, "c-restart")
        journal.begin("sip-restart", WHO)
        journal.append("transcript", 20, text="before")
        await asyncio.sleep(0.2)
        server.stop()
        for number in range(5):
            journal.append("transcript", 40 + number, text=f"while away {number}")
        await asyncio.sleep(0.3)
        await asyncio.to_thread(server.start)
        await journal.seal({"outcome": "done"})
        await redis.aclose()
        reader = JournalReader(server.url)
        assert reader.verify("c-restart") == []
        assert len(list(reader.entries("c-restart"))) == 6


async def test_a_resumed_call_goes_on_with_its_chain(redis_server: PrivateRedis) -> None:
    redis = AsyncRedis.from_url(redis_server.url, decode_responses=True)
    first = JournalWriter(redis, "c-resumed")
    first.begin("sip-resumed", WHO)
    first.append("call_started", 0)
    await asyncio.sleep(0.2)
    # The first process dies here: its journal is never sealed.
    second = JournalWriter(redis, "c-resumed")
    await second.pick_up()
    second.begin("sip-resumed", WHO)
    second.append("call_started", 0, resumed=True)
    await second.seal({"outcome": "caller hung up"})
    await redis.aclose()
    reader = JournalReader(redis_server.url)
    assert reader.verify("c-resumed") == []
    assert [stored.entry.seq for stored in reader.entries("c-resumed")] == [0, 1]
