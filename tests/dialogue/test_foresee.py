# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that are not a turn yet: understood and foreseen, and nothing else happens."""

from __future__ import annotations

import httpx
import pytest

from tests.dialogue.conftest import PIN, Dialogue
from tests.dialogue.test_flows import names, texts

pytestmark = pytest.mark.timeout(400)


def test_foreseeing_leaves_no_trace(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say("block my debit card")
    before = call.tracker()
    assert call.foresee("yes").intent.name == "affirm"
    assert call.foresee("goodbye").likely == ("Thank you for calling First Harbour Bank. Goodbye.",)
    assert call.tracker() == before
    assert names(call.send("no"))[0] == "utter_card_not_blocked"


def test_a_call_that_never_spoke_can_be_foreseen_and_is_not_begun(dialogue: Dialogue) -> None:
    answer = dialogue.post("call-not-begun", "what are your opening hours", path="foresee")
    assert answer.json()["intent"]["name"] == "ask_opening_hours"
    assert "Monday to Friday" in answer.json()["likely"][0]
    known = httpx.get(f"{dialogue.rasa_url}/conversations/call-not-begun/tracker", timeout=20).json()
    assert not [event for event in known["events"] if event["event"] == "user"]


def test_only_what_no_action_decides_is_foretold(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    assert call.foresee("what is my balance").likely == ()
    call.say("what is my balance")
    call.key_sealed(PIN)
    assert len(call.foresee("when do you open").likely) == 1
    assert len(call.foresee("no thank you").likely) == 1
    call.say("i'd like a loan for a car")
    assert call.foresee("no").likely == (), "the form decides what a no to its question means"


def test_another_text_than_the_foreseen_is_understood_anew(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.foresee("what is my balance")
    assert call.send("block my debit card").intent.name == "block_card"
    call.foresee("goodbye")
    call.key("4")
    assert call.send("what are your opening hours").intent.name == "ask_opening_hours"


def test_what_was_foreseen_for_one_call_is_not_taken_for_another(dialogue: Dialogue) -> None:
    first, second = dialogue.call(dialogue.customer().phone), dialogue.call(dialogue.customer().phone)
    first.foresee("goodbye")
    second.foresee("what is my balance")
    assert first.send("goodbye").replies[-1].action == "hangup"
    assert "PIN" in texts(second.send("what is my balance"))


@pytest.mark.parametrize("body", [b"no json", b'{"call": "c"}', b'{"call": "c", "text": " "}'])
def test_malformed_questions_are_refused(dialogue: Dialogue, body: bytes) -> None:
    answer = httpx.post(f"{dialogue.rasa_url}/webhooks/voice/foresee", content=body, timeout=20)
    assert answer.status_code == 400
