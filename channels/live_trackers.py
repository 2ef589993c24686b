# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations as living objects in memory, for as long as their calls.

Rasa's own in-memory store writes a tracker out as JSON after each turn and replays the whole call to read it,
and each action replays it once more: a fifth of a turn's time, growing with the call.
"""

from __future__ import annotations

import copy
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

DEFAULT_CALLS_KEPT = 200


class LiveTracker(DialogueStateTracker):
    """A tracker whose copy takes its state over instead of replaying its events."""

    def copy(self) -> LiveTracker:
        """An independent tracker in the same state: what happens to one doesn't happen to the other."""
        twin = copy.copy(self)
        # An event never changes once it is in a tracker; slots and the form's state do.
        twin.events = deque(self.events, self.events.maxlen)
        twin.slots = {name: copy.copy(slot) for name, slot in self.slots.items()}
        twin.active_loop = copy.copy(self.active_loop)
        return twin


class LiveTrackerStore(TrackerStore):
    """Keeps the last `calls_kept` conversations, the ones not spoken in for longest go first.

    A tracker belongs to whoever retrieved it until it is saved: a turn that failed leaves nothing behind.
    """

    def __init__(
        self,
        domain: Domain | None,
        event_broker: EventBroker | None = None,
        calls_kept: int = DEFAULT_CALLS_KEPT,
        host: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, event_broker, **kwargs)
        self._calls_kept = calls_kept
        self._calls: OrderedDict[str, LiveTracker] = OrderedDict()

    def init_tracker(self, sender_id: str) -> LiveTracker:
        """An empty conversation."""
        return LiveTracker(sender_id, self.domain.slots, max_event_history=self.max_event_history)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The conversation as it was saved last, None for an unknown call."""
        kept = self._calls.get(sender_id)
        return kept.copy() if kept is not None else None

    async def retrieve_full_tracker(self, conversation_id: str) -> DialogueStateTracker | None:
        """The same: a call is one session."""
        return await self.retrieve(conversation_id)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep the conversation, and drop those of calls long over."""
        await self.stream_events(tracker)
        kept = tracker if isinstance(tracker, LiveTracker) else self._revived(tracker)
        self._calls[tracker.sender_id] = kept.copy()
        self._calls.move_to_end(tracker.sender_id)
        while len(self._calls) > self._calls_kept:
            self._calls.popitem(last=False)

    async def delete(self, sender_id: str) -> None:
        """Forget a conversation."""
        self._calls.pop(sender_id, None)

    async def keys(self) -> Iterable[str]:
        """The calls that are kept."""
        return self._calls.keys()

    def _revived(self, tracker: DialogueStateTracker) -> LiveTracker:
        """A tracker that Rasa's HTTP interface made by itself."""
        live = self.init_tracker(tracker.sender_id)
        for event in tracker.events:
            live.update(event, self.domain)
        return live
