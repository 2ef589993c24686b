# SPDX-License-Identifier: GPL-3.0-or-later
"""One turn as an action sees it: what was said or keyed, what is remembered, and the events that an answer
leaves behind.

`awaiting` remembers the open question, so that a bare yes, no, key or value finds its meaning whatever was
said in between.
"""

from __future__ import annotations

import enum
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.heard import cut_conditions
from contracts.sealed import CannotOpen, Seal

LOAN_FORM = "loan_form"
_EXPECTATION = ("expect", "digits", "sensitive", "turn")


class Awaiting(enum.StrEnum):
    """The question that is open."""

    PIN = "pin"
    OFFER = "offer"
    LOAN_APPLICATION = "loan_application"
    OTHER_LOAN = "other_loan"
    CARD_CHOICE = "card_choice"
    CARD_CONFIRM = "card_confirm"
    PERSON = "person"
    ANYTHING_ELSE = "anything_else"


class Turn:
    """Reads the tracker and speaks through the dispatcher."""

    def __init__(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> None:
        self._dispatcher = dispatcher
        self._tracker = tracker

    def say(self, response: str, **values: Any) -> None:
        """Say a response of the domain with its placeholders filled."""
        self._dispatcher.utter_message(response=response, **values)

    def slot(self, name: str) -> Any:
        """A remembered value, or None."""
        return self._tracker.get_slot(name)

    @property
    def call_id(self) -> str:
        """The conversation is the call."""
        return str(self._tracker.sender_id)

    @property
    def words(self) -> str:
        """What the caller said, lower case; empty for keys and for what the agent sends by itself."""
        text = str((self._tracker.latest_message or {}).get("text") or "")
        return "" if text.startswith("/") else text.lower()

    @property
    def intent(self) -> str:
        """The intent of the caller's words."""
        intent = (self._tracker.latest_message or {}).get("intent") or {}
        return str(intent.get("name") or "")

    @property
    def confidence(self) -> float:
        """How sure the intent is, in [0, 1]."""
        intent = (self._tracker.latest_message or {}).get("intent") or {}
        return float(intent.get("confidence") or 0.0)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the agent told about the call."""
        return dict((self._tracker.latest_message or {}).get("metadata") or {})

    @property
    def awaiting(self) -> Awaiting | None:
        """The open question."""
        value = self.slot("awaiting")
        return Awaiting(value) if value else None

    @property
    def in_form(self) -> bool:
        """Whether the loan form is asking."""
        return bool((self._tracker.active_loop or {}).get("name") == LOAN_FORM)

    def keys(self, seal: Seal) -> str | None:
        """The keys that were pressed, opened if sealed; None when there are none or they can't be opened."""
        value = next(self._tracker.get_latest_entity_values("keys"), None)
        if value is None:
            return None
        try:
            text = seal.open(self.call_id, str(value)) if self.keys_are_sealed else str(value)
        except CannotOpen:
            return None
        return text.rstrip("#")

    @property
    def keys_are_sealed(self) -> bool:
        """Whether the keys came as a token."""
        return str(next(self._tracker.get_latest_entity_values("keys"), "")).startswith("sealed:")

    def misses(self) -> int:
        """How many turns in a row, before this one, were not understood."""
        turns: list[set[str]] = []
        for event in self._tracker.events:
            if event.get("event") == "user":
                turns.append(set())
            elif event.get("event") == "action" and turns:
                turns[-1].add(str(event.get("name")))
        count = 0
        for actions in reversed(turns[:-1]):
            if "action_fallback" not in actions:
                break
            count += 1
        return count

    @property
    def said(self) -> tuple[str, ...]:
        """The names of the replies so far, oldest first."""
        return tuple(_reply_name(event) for event in self._tracker.events if event.get("event") == "bot")

    @property
    def said_last(self) -> tuple[str, ...]:
        """The names of the replies to the turn before this one."""
        names: list[str] = []
        turns_seen = 0
        for event in reversed(self._tracker.events):
            turns_seen += event.get("event") == "user"
            if turns_seen == 2:
                break
            if turns_seen == 1 and event.get("event") == "bot":
                names.append(_reply_name(event))
        return tuple(reversed(names))

    @property
    def listening_for(self) -> dict[str, Any]:
        """What the last reply made the agent listen for, as custom fields of a reply."""
        for event in reversed(self._tracker.events):
            if event.get("event") == "bot" and event.get("text"):
                custom = (event.get("data") or {}).get("custom") or {}
                return {field: custom[field] for field in _EXPECTATION if field in custom}
        return {}

    def cut_conditions(self) -> str | None:
        """The conditions that a yes would rest on, if the caller did not hear them to their end."""
        return cut_conditions(self._tracker.events)

    def finish(self) -> list[EventType]:
        """End a task: back to the loan that it interrupted, or on to whatever else the caller wants."""
        if self.in_form:
            return [SlotSet("awaiting", None), FollowupAction(LOAN_FORM)]
        if self.slot("loan_paused"):
            return [SlotSet("awaiting", None), SlotSet("loan_paused", None), FollowupAction(LOAN_FORM)]
        self.say("utter_anything_else")
        return [SlotSet("awaiting", Awaiting.ANYTHING_ELSE.value)]


def _reply_name(event: dict[str, Any]) -> str:
    return str((event.get("metadata") or {}).get("utter_action") or "")


def await_answer(question: Awaiting | None) -> EventType:
    """Remember the open question."""
    return SlotSet("awaiting", question.value if question else None)


def leave_form() -> list[EventType]:
    """Stop asking for the loan; what is known of it stays."""
    return [ActiveLoop(None), SlotSet("requested_slot", None)]


def go_on_with(action: str) -> EventType:
    """Let another action answer in the same turn."""
    return FollowupAction(action)


class TurnAction(Action):  # type: ignore[misc]
    """A custom action that answers a `Turn`."""

    action_name = ""

    def name(self) -> str:
        """The name in the domain."""
        return self.action_name

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        """Answer one turn."""
        return await self.answer(Turn(dispatcher, tracker))

    async def answer(self, turn: Turn) -> list[EventType]:
        """Say something and return the events. Implemented by each action."""
        raise NotImplementedError
