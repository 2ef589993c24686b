# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash chain of a journal: pure.

The hash of an entry is SHA-256 over the hash before it and the entry's canonical JSON (sorted keys, no
spaces, UTF-8); the first entry follows `GENESIS` and the call's id. So an entry that was changed, dropped,
added or moved makes the chain break at its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

GENESIS = "tellerline-journal-1"


class MalformedEntry(ValueError):
    """A stored entry lacks a field, or holds something else in it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a call: its place, its audio time (ms), its UTC time (ISO 8601), its kind and what it
    says.
    """

    seq: int
    at_ms: int
    time: str
    kind: str
    data: Mapping[str, Any]
    hash: str = ""

    def to_fields(self) -> dict[str, str]:
        """The entry as the fields of a Redis Stream entry."""
        return {
            "seq": str(self.seq),
            "at_ms": str(self.at_ms),
            "time": self.time,
            "kind": self.kind,
            "data": _canonical(self.data),
            "hash": self.hash,
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Entry:
        """The entry of a Redis Stream entry's fields. Raises MalformedEntry."""
        try:
            data = json.loads(fields["data"])
            if not isinstance(data, dict):
                raise MalformedEntry("data is not an object")
            return cls(
                int(fields["seq"]), int(fields["at_ms"]), fields["time"], fields["kind"], data, fields["hash"]
            )
        except (KeyError, ValueError) as error:
            raise MalformedEntry(f"not a journal entry: {error}") from error


def link(call_id: str, previous_hash: str | None, entry: Entry) -> str:
    """The hash that `entry` must carry after an entry of `previous_hash` (None: it is the first)."""
    before = previous_hash if previous_hash is not None else f"{GENESIS}:{call_id}"
    body = _canonical([entry.seq, entry.at_ms, entry.time, entry.kind, entry.data])
    return hashlib.sha256(f"{before}\n{body}".encode()).hexdigest()


def faults(call_id: str, entries: Iterable[Entry], sealed: tuple[int, str] | None = None) -> list[str]:
    """What is wrong with a journal, in words; empty when it is whole.

    `sealed` is what the call's summary says: the number of entries and the last hash. None: the call is still
    going on.
    """
    found: list[str] = []
    previous: str | None = None
    count = 0
    for entry in entries:
        if entry.seq != count:
            found.append(f"entry {count} is missing: {entry.seq} follows {count - 1}")
        if entry.hash != link(call_id, previous, entry):
            what = f"entry {entry.seq} ({entry.kind} at {entry.at_ms} ms)"
            found.append(f"{what} was changed, or one before it dropped")
        previous, count = entry.hash, entry.seq + 1
    if sealed is not None and sealed != (count, previous or ""):
        found.append(f"the journal ends after {count} entries, but was sealed with {sealed[0]}")
    return found


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
