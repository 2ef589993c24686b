# SPDX-License-Identifier: GPL-3.0-or-later
"""Where journals lie in Redis.

journal:<call_id>   Stream   the entries, in order
call:<call_id>      Hash     the summary: who, when, how it ended, number of entries and last hash
calls               Sorted set of call ids by start time (milliseconds of the epoch)
calls:live          Set of the call ids in progress
sip:<Call-ID>       String   the call id, for a day: from the SIP trace to the conversation
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from redis import Redis

from agent.journal.chain import Entry, MalformedEntry, faults

INDEX = "calls"
LIVE = "calls:live"
SIP_ALIAS_S = 86_400


class UnknownCall(KeyError):
    """No journal of that call."""


def journal_key(call_id: str) -> str:
    """The Stream of a call's entries."""
    return f"journal:{call_id}"


def summary_key(call_id: str) -> str:
    """The Hash of a call's summary."""
    return f"call:{call_id}"


def sip_key(sip_call_id: str) -> str:
    """The String that leads from a SIP Call-ID to the call."""
    return f"sip:{sip_call_id}"


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with its place in the Stream."""

    stream_id: str
    entry: Entry


class JournalReader:
    """Reads journals for people and programs; never writes."""

    def __init__(self, url: str) -> None:
        # Typed loosely: the client's own types do not know that responses are decoded.
        self._redis: Any = Redis.from_url(url, decode_responses=True)

    def recent(self, count: int) -> list[dict[str, str]]:
        """The summaries of the latest calls, newest first, each with its `call_id`."""
        ids = self._redis.zrevrange(INDEX, 0, count - 1)
        return [{"call_id": call_id, **self.summary(call_id)} for call_id in ids]

    def summary(self, call_id: str) -> dict[str, str]:
        """What is known of the call as a whole; empty when nothing is."""
        return dict(self._redis.hgetall(summary_key(call_id)))

    def call_of(self, sip_call_id: str) -> str | None:
        """The call that had this SIP Call-ID."""
        found = self._redis.get(sip_key(sip_call_id))
        return None if found is None else str(found)

    def entries(self, call_id: str, after: str = "-") -> Iterator[StoredEntry]:
        """The entries after a stream id, in order. Raises MalformedEntry."""
        start = after if after == "-" else f"({after}"
        for stream_id, fields in self._redis.xrange(journal_key(call_id), min=start):
            yield StoredEntry(stream_id, Entry.from_fields(fields))

    def verify(self, call_id: str) -> list[str]:
        """What is wrong with the call's journal. Raises UnknownCall when there is none."""
        summary = self.summary(call_id)
        if not summary and not self._redis.exists(journal_key(call_id)):
            raise UnknownCall(call_id)
        try:
            entries = [stored.entry for stored in self.entries(call_id)]
        except MalformedEntry as error:
            return [str(error)]
        if "hash" not in summary:
            return faults(call_id, entries)
        return faults(call_id, entries, (int(summary.get("entries", 0)), summary["hash"]))

    def close(self) -> None:
        """Drop the connections."""
        self._redis.close()
