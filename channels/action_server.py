# SPDX-License-Identifier: GPL-3.0-or-later
"""How Rasa asks the action server here: over one kept connection, with what the actions read, and aloud when
it fails.

Rasa as installed opens a connection for every action, sends the whole domain and every event of the call with
the ranking of all intents in each, and compiles a JSON schema to look at the answer: more than the rest of a
turn costs.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import rasa
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, Event, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

TIMEOUT_S = 10.0
# Longer than a caller thinks, shorter than the action server keeps a connection (120 s).
_KEEP_CONNECTION_S = 75.0
# The actions look back: how many turns were not understood, what was done before a transfer.
_EVENTS_SENT = 120
_TOLD = (UserUttered, ActionExecuted, BotUttered)
_HEARD = ("interrupted", "heard")


class MalformedAnswer(RasaException):
    """The action server's answer is no list of events and responses."""


def action_call(action: str, tracker: DialogueStateTracker) -> dict[str, Any]:
    """The request for one action, as rasa-sdk reads it: slots, the last message, and of the last turns which
    actions ran, what was said, and what of it was heard.
    """
    latest = tracker.latest_message
    parsed = latest.parse_data if latest is not None else {}
    message = {
        "text": parsed.get("text") or "",
        "intent": parsed.get("intent") or {},
        "entities": (latest.entities if latest is not None else None) or [],
        "metadata": (latest.metadata if latest is not None else None) or {},
    }
    events = [_outline(event) for event in tracker.events if isinstance(event, _TOLD)][-_EVENTS_SENT:]
    loop = tracker.active_loop
    state = {
        "sender_id": tracker.sender_id,
        "slots": tracker.current_slot_values(),
        "latest_message": message,
        "events": events,
        "paused": tracker.is_paused(),
        "followup_action": tracker.followup_action,
        "active_loop": {**dataclasses.asdict(loop), "trigger_message": None} if loop else {},
        "latest_action_name": tracker.latest_action_name,
    }
    return {
        "next_action": action,
        "sender_id": tracker.sender_id,
        "tracker": state,
        # rasa-sdk refuses a call without one; no action here reads it.
        "domain": {},
        "version": rasa.__version__,
    }


def _outline(event: Event) -> dict[str, Any]:
    """An event with the fields that the actions read, named as Rasa names them."""
    outline: dict[str, Any] = {"event": event.type_name, "timestamp": event.timestamp}
    if isinstance(event, ActionExecuted):
        outline["name"] = event.action_name
    elif isinstance(event, BotUttered):
        outline["text"] = event.text
        outline["data"] = {"custom": (event.data or {}).get("custom")}
        outline["metadata"] = {"utter_action": event.metadata.get("utter_action")}
    else:
        outline["metadata"] = {field: event.metadata[field] for field in _HEARD if field in event.metadata}
    return outline


class _Connection:
    """The kept connections of this process to action servers."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: dict[str, Any]) -> Any:
        """The JSON answer. Raises what aiohttp raises, and ClientResponseError for a status from 400."""
        session = self._session
        if session is None or session.closed or session._loop is not asyncio.get_running_loop():
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_CONNECTION_S)
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            session = self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        async with session.post(url, json=body) as response:
            content = await response.read()
            if response.status >= 400:
                raise ClientResponseError(response.status, response.reason, content)
        return json.loads(content)


_connection = _Connection()


def _over_the_kept_connection(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(original)
    async def request(self: EndpointConfig, *args: Any, **kwargs: Any) -> Any:
        body = kwargs.get("json")
        if isinstance(body, dict) and "next_action" in body:
            return await _connection.post(self.url, body)
        return await original(self, *args, **kwargs)

    return request


def _call_format(self: RemoteAction, tracker: DialogueStateTracker, domain: Domain) -> dict[str, Any]:
    return action_call(self.name(), tracker)


def _check_answer(self: RemoteAction, result: Any) -> bool:
    """Whether the answer can be used. Raises MalformedAnswer."""
    events = result.get("events", []) if isinstance(result, dict) else None
    responses = result.get("responses", []) if isinstance(result, dict) else None
    if not _objects(events) or not _objects(responses):
        raise MalformedAnswer(f"the action server's answer to '{self.name()}' is malformed")
    if not all(isinstance(event.get("event"), str) for event in events):
        raise MalformedAnswer(f"the action server's answer to '{self.name()}' has an event without a name")
    return True


def _objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def install() -> None:
    """Put it in Rasa's place, once in a process: a module can be imported under two names."""
    if getattr(RemoteAction, "_tellerline", False):
        return
    RemoteAction._tellerline = True  # type: ignore[attr-defined]
    RemoteAction._action_call_format = _call_format  # type: ignore[method-assign]
    RemoteAction._validate_action_result = _check_answer  # type: ignore[method-assign]
    EndpointConfig.request = _over_the_kept_connection(EndpointConfig.request)  # type: ignore[method-assign]
    # Rasa walks all subclasses of Event for each event that it reads.
    Event.resolve_by_type = staticmethod(functools.cache(Event.resolve_by_type))  # type: ignore[method-assign]
