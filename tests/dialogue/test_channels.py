# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of `channels/`, in Rasa's own interpreter: trackers that live in memory, the parse kept for a
turn, what the action server is sent, and which of its answers are refused.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from tellerline.trained_dialogue import RASA_ENVIRONMENT
from tests.dialogue.conftest import ROOT

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    command = [str(ROOT / ".venv-rasa" / "bin" / "python"), "-m", "tests.dialogue.inside_rasa"]
    environment = os.environ | RASA_ENVIRONMENT | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_copied_tracker_is_what_a_replay_gives_and_stands_alone(seen: dict[str, Any]) -> None:
    assert seen["copies"] == {"same": True, "slot": "pin", "events": 6, "interrupted": False}


def test_the_store_keeps_the_last_calls_as_they_were_saved(seen: dict[str, Any]) -> None:
    assert seen["store"] == {"calls": ["a", "c"], "slot": "a"}


def test_a_parse_serves_the_same_words_once_and_soon(seen: dict[str, Any]) -> None:
    assert seen["foresight"] == [True, False, False, False]


def test_malformed_answers_of_the_action_server_are_refused(seen: dict[str, Any]) -> None:
    assert seen["refused"] == [
        "text",
        "null",
        "events no list",
        "event without a name",
        "response no object",
    ]


def test_an_action_is_sent_what_it_reads_and_no_more(seen: dict[str, Any]) -> None:
    call = seen["call"]
    tracker = call["tracker"]
    assert (call["next_action"], call["sender_id"], call["domain"]) == ("action_x", "call-a", {})
    assert tracker["slots"] == {"awaiting": "pin"} | {k: v for k, v in tracker["slots"].items() if v is None}
    assert tracker["latest_message"]["intent"] == {"name": "greet"}
    assert tracker["active_loop"]["name"] == "loan_form"
    assert [event["event"] for event in tracker["events"]] == ["action", "user", "action", "bot"]
    assert tracker["events"][-1]["metadata"] == {"utter_action": "utter_hello"}
    assert tracker["events"][-1]["data"] == {"custom": {"expect": "digits"}}
