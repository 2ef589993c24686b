# SPDX-License-Identifier: GPL-3.0-or-later
"""What words would mean and lead to, if they became the turn: nothing is saved, no action runs, no lock is
held.

The parse is kept for the turn that follows, so that its time is spent while the caller is still silent.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.core.processor import MessageProcessor
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

KEPT_S = 10.0
# One parse a call; more calls than this at once run on no process.
_CALLS = 400
_STEPS = 4

# What a custom action says first whatever the bank's records hold, by the open question (`awaiting`); "*"
# stands for any, None for none. An action that asks the bank before it speaks is not in here.
CERTAIN: Mapping[str, Mapping[str | None, tuple[str, ...]]] = {
    "action_goodbye": {"*": ("utter_goodbye",)},
    "action_greet": {"*": ("utter_hello",)},
    "action_hold": {"*": ("utter_hold",)},
    "action_cancel": {"*": ("utter_cancelled",)},
    "action_thank": {
        "anything_else": ("utter_youre_welcome", "utter_goodbye"),
        "*": ("utter_youre_welcome",),
    },
    "action_offer_language": {"*": ("utter_language",)},
    "action_help": {
        "pin": ("utter_help_pin",),
        "card_choice": ("utter_help_card",),
        "offer": ("utter_help_yes_no",),
        "loan_application": ("utter_help_yes_no",),
        "other_loan": ("utter_help_yes_no",),
        "card_confirm": ("utter_help_yes_no",),
        "person": ("utter_help_yes_no",),
        "*": ("utter_help",),
    },
    "action_transfer_to_person": {"*": ("utter_transfer",)},
    "action_deny": {
        "loan_application": ("utter_application_declined",),
        "other_loan": ("utter_application_declined",),
        "card_confirm": ("utter_card_not_blocked",),
        "card_choice": ("utter_card_not_blocked",),
        "person": ("utter_all_right",),
        "anything_else": ("utter_goodbye",),
        "pin": ("utter_cancelled",),
        None: ("utter_how_else",),
    },
}

# Inside a form these answer its question, which only the form knows.
_OF_THE_FORM = ("action_deny", "action_help")


@dataclass(frozen=True, slots=True)
class _Parse:
    text: str
    result: dict[str, Any]
    at_s: float


class Foresight:
    """Foresees turns, and hands the last parse of a call to the turn that commits the same words."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._parses: OrderedDict[str, _Parse] = OrderedDict()

    def parse_for(self, call: str, text: str) -> dict[str, Any] | None:
        """The parse of these words if foreseen at most `KEPT_S` seconds ago; used up in any case."""
        parse = self._parses.pop(call, None)
        if parse is None or parse.text != text or self._clock() - parse.at_s > KEPT_S:
            return None
        return parse.result

    async def foresee(self, agent: Agent, message: UserMessage) -> dict[str, Any]:
        """The intent of a message and the texts that probably answer it, as `contracts.reply.Foreseen`."""
        processor = agent.processor
        call = message.sender_id
        # What a store gives out is the taker's own until it is saved, and this is never saved.
        tracker = await processor.tracker_store.retrieve(call)
        if tracker is None:
            tracker = DialogueStateTracker(call, processor.domain.slots)
            tracker.update(ActionExecuted(ACTION_LISTEN_NAME))
        parsed = await processor.parse_message(message, tracker)
        self._parses[call] = _Parse(message.text, parsed, self._clock())
        self._parses.move_to_end(call)
        while len(self._parses) > _CALLS:
            self._parses.popitem(last=False)
        intent = parsed.get("intent") or {}
        understood = {"name": intent.get("name") or "", "confidence": float(intent.get("confidence") or 0.0)}
        tracker.update(
            UserUttered(message.text, intent, parsed.get("entities"), parsed, metadata=message.metadata),
            processor.domain,
        )
        return {"intent": understood, "likely": self._likely(processor, tracker)}

    def _likely(self, processor: MessageProcessor, tracker: DialogueStateTracker) -> list[str]:
        texts: list[str] = []
        for _ in range(_STEPS):
            action, prediction = processor.predict_next_with_tracker_if_should(tracker)
            name = action.name()
            if not name.startswith("utter_"):
                return texts + _rendered(processor, tracker, _certain(name, tracker))
            texts += _rendered(processor, tracker, (name,))
            tracker.update_with_events(prediction.events, processor.domain)
            tracker.update(action.event_for_successful_execution(prediction))
        return texts


def _certain(action: str, tracker: DialogueStateTracker) -> tuple[str, ...]:
    by_question = CERTAIN.get(action, {})
    question = tracker.get_slot("awaiting")
    if action in _OF_THE_FORM and tracker.active_loop_name:
        return ()
    return by_question.get(question, by_question.get("*", ()))


def _rendered(
    processor: MessageProcessor, tracker: DialogueStateTracker, names: tuple[str, ...]
) -> list[str]:
    """The texts of responses with the slots filled in; those that need an action's values, or are chosen by
    chance, are left out.
    """
    slots = tracker.current_slot_values()
    texts = []
    for name in names:
        variants = processor.domain.responses.get(name, [])
        if len(variants) != 1:
            continue
        filled = processor.nlg.generate_from_slots(name, slots, "voice") or {}
        text = filled.get("text") or ""
        if text and "{" not in text:
            texts.append(text)
    return texts
