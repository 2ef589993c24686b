# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by Rasa's own interpreter, see test_channels.py: prints what the channel room's parts do, as JSON."""

from __future__ import annotations

import asyncio
import json

from rasa.core.actions.action import RemoteAction
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from channels import action_server
from channels.foresight import KEPT_S, Foresight, _Parse
from channels.live_trackers import LiveTracker, LiveTrackerStore

DOMAIN = Domain.from_yaml(
    "version: '3.1'\nintents: [greet]\nslots:\n  awaiting: {type: text, mappings: [{type: custom}]}\n"
    "forms:\n  loan_form: {required_slots: []}\n"
)
EVENTS = [
    ActionExecuted("action_listen"),
    UserUttered(
        "hi", {"name": "greet"}, parse_data={"text": "hi", "intent": {"name": "greet"}, "entities": []}
    ),
    ActionExecuted("action_greet"),
    SlotSet("awaiting", "pin"),
    ActiveLoop("loan_form"),
    BotUttered("Hello.", {"custom": {"expect": "digits"}}, {"utter_action": "utter_hello"}),
]


def spoken() -> LiveTracker:
    """A call in which something was said."""
    tracker = LiveTracker("call-a", DOMAIN.slots)
    for event in EVENTS:
        tracker.update(event, DOMAIN)
    return tracker


def copies() -> dict[str, object]:
    """A copy against a replay, and what a change of the copy does to the original."""
    tracker = spoken()
    replayed = DialogueStateTracker.copy(tracker)
    twin = tracker.copy()
    same = twin.current_state() == replayed.current_state()
    twin.update(SlotSet("awaiting", "offer"), DOMAIN)
    twin.active_loop.is_interrupted = True
    return {
        "same": same,
        "slot": tracker.get_slot("awaiting"),
        "events": len(tracker.events),
        "interrupted": tracker.active_loop.is_interrupted,
    }


async def store() -> dict[str, object]:
    """What is kept, and whether an unsaved change is."""
    kept = LiveTrackerStore(DOMAIN, calls_kept=2)
    for call in ("a", "b", "a", "c"):
        tracker = await kept.retrieve(call) or kept.init_tracker(call)
        tracker.update(SlotSet("awaiting", call), DOMAIN)
        await kept.save(tracker)
    lost = await kept.retrieve("a")
    assert lost is not None
    lost.update(SlotSet("awaiting", "never saved"), DOMAIN)
    again = await kept.retrieve("a")
    return {"calls": list(await kept.keys()), "slot": again.get_slot("awaiting") if again else None}


def foresight() -> list[bool]:
    """Whether a parse is given out: same words in time, used up, other words, too late."""
    now = [0.0]
    kept = Foresight(lambda: now[0])
    given = []
    for text, after_s in (("yes", 1.0), ("no", 1.0), ("yes", KEPT_S + 0.1)):
        kept._parses["call"] = _Parse("yes", {"text": "yes"}, now[0])
        now[0] += after_s
        given.append(kept.parse_for("call", text) is not None)
    given.append(kept.parse_for("call", "yes") is not None)
    return given


def refused() -> list[str]:
    """Which answers of an action server are refused."""
    answers = {
        "good": {"events": [{"event": "slot"}], "responses": [{}]},
        "text": "hello",
        "null": None,
        "events no list": {"events": {}, "responses": []},
        "event without a name": {"events": [{"name": "x"}], "responses": []},
        "response no object": {"events": [], "responses": ["hi"]},
    }
    bad = []
    for name, answer in answers.items():
        try:
            action_server._check_answer(RemoteAction("action_x", None), answer)
        except action_server.MalformedAnswer:
            bad.append(name)
    return bad


print(
    json.dumps(
        {
            "copies": copies(),
            "store": asyncio.run(store()),
            "foresight": foresight(),
            "refused": refused(),
            "call": action_server.action_call("action_x", spoken()),
        }
    )
)
