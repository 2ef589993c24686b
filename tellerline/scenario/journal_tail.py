# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows the journal of a call in progress, for whoever calls."""

from __future__ import annotations

import time
from collections.abc import Callable

from agent.journal.chain import Entry
from agent.journal.store import JournalReader

_POLL_S = 0.05
_SETTLE_S = 0.15


class JournalTail:
    """The journal of the call with this SIP Call-ID, read piece by piece."""

    def __init__(self, reader: JournalReader, sip_call_id: str) -> None:
        self._reader = reader
        self._sip_call_id = sip_call_id
        self._last = "-"
        self.call_id = ""
        self.entries: list[Entry] = []

    def poll(self) -> list[Entry]:
        """What is new."""
        if not self.call_id:
            self.call_id = self._reader.call_of(self._sip_call_id) or ""
        if not self.call_id:
            return []
        fresh = []
        for stored in self._reader.entries(self.call_id, after=self._last):
            self._last = stored.stream_id
            fresh.append(stored.entry)
        self.entries += fresh
        return fresh

    def until(self, found: Callable[[list[Entry]], bool], timeout_s: float) -> list[Entry]:
        """What is new, read until `found` in it and what belongs to it has followed, or the time is over."""
        deadline = time.monotonic() + timeout_s
        fresh = self.poll()
        while not found(fresh) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            fresh += self.poll()
        # Entries are written one after another: a reply of three sentences is three of them.
        while time.monotonic() < deadline:
            time.sleep(_SETTLE_S)
            more = self.poll()
            if not more:
                break
            fresh += more
        return fresh
