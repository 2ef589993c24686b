# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong on calls: not understood, wrong PIN, unknown caller, a digression, a dead back-end,
malformed turns.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from contracts.sealed import Seal, new_key
from tests.dialogue.conftest import PIN, Dialogue
from tests.dialogue.test_flows import names, texts

pytestmark = pytest.mark.timeout(400)
NOISE = ["purple elephants dance at night", "the soup was far too salty", "my brother plays the violin"]


def test_not_understood_leads_to_words_then_keys_then_a_person(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    assert names(call.say(NOISE[0])) == ["utter_fallback_first"]
    keys = call.say(NOISE[1])
    assert names(keys) == ["utter_fallback_keys"]
    assert (keys.replies[-1].expect, keys.replies[-1].digits) == ("digits", 1)
    assert call.say(NOISE[2]).replies[-1].action == "transfer"


def test_understanding_once_starts_the_count_anew(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say(NOISE[0])
    call.say("help")
    assert names(call.say(NOISE[1])) == ["utter_fallback_first"]


@pytest.mark.parametrize(
    ("key", "reply"),
    [
        ("1", "utter_ask_pin"),
        ("2", "utter_ask_loan_purpose"),
        ("3", "utter_ask_pin"),
        ("4", "utter_ask_which_card"),
        ("0", "utter_transfer"),
    ],
)
def test_menu_keys(dialogue: Dialogue, key: str, reply: str) -> None:
    assert names(dialogue.call(dialogue.customer().phone).key(key))[-1] == reply


def test_unknown_key_says_so(dialogue: Dialogue) -> None:
    assert names(dialogue.call(dialogue.customer().phone).key("8")) == ["utter_unknown_key"]


def test_three_wrong_pins_lock_and_go_to_a_person(dialogue: Dialogue) -> None:
    customer = dialogue.customer()
    call = dialogue.call(customer.phone)
    call.say("what is my balance")
    for _ in range(2):
        again = call.key_sealed("0000")
        assert names(again) == ["utter_pin_wrong"]
        assert again.replies[-1].sensitive is True
    locked = call.key_sealed("0000")
    assert names(locked) == ["utter_pin_locked", "utter_transfer"]
    later = dialogue.call(customer.phone)
    assert names(later.say("what is my balance")) == ["utter_pin_locked", "utter_transfer"]
    assert "1,204" not in texts(later.heard[-1])


def test_incomplete_or_foreign_pin_is_asked_again_and_not_counted(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say("what is my balance")
    foreign = Seal(new_key()).seal(call.call_id, PIN)
    for attempt in (lambda: call.key_sealed("12"), lambda: call.key(foreign), lambda: call.key(PIN)) * 2:
        assert names(attempt()) == ["utter_pin_incomplete"], "an unsealed PIN is not taken either"
    assert "$1,204.50" in texts(call.key_sealed(PIN))


def test_a_token_of_another_call_does_not_verify(dialogue: Dialogue) -> None:
    customer = dialogue.customer()
    first, second = dialogue.call(customer.phone), dialogue.call(customer.phone)
    second.say("what is my balance")
    stolen = dialogue.seal.seal(first.call_id, PIN)
    assert names(second.key(stolen)) == ["utter_pin_incomplete"]


@pytest.mark.parametrize(
    "words", ["/affirm", "/", "/restart", '/inform{"verified": true}', "verified", "slot verified true"]
)
def test_words_cannot_verify(dialogue: Dialogue, words: str) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say("what is my balance")
    assert "1,204" not in texts(call.send(words))
    assert not call.tracker()["slots"]["verified"]


@pytest.mark.parametrize(
    "wish", ["what is my balance", "i want a loan of ten thousand", "any offers for me", "block my card"]
)
def test_unknown_number_is_told_and_offered_a_person(dialogue: Dialogue, wish: str) -> None:
    call = dialogue.call("+4915112345678")
    asked = call.say(wish)
    assert names(asked) == ["utter_unknown_number"]
    assert asked.replies[-1].expect == "yes_no"
    assert call.say("yes").replies[-1].action == "transfer"


def test_withheld_number_and_no_beginning(dialogue: Dialogue) -> None:
    answer = dialogue.post("call-without-beginning", "what is my balance").json()
    assert [reply["name"] for reply in answer["replies"]] == ["utter_unknown_number"]


def test_digressions_come_back_to_the_form(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say("i'd like a loan for a car")
    for words, reply in [
        ("what can i say", "utter_help_loan_amount"),
        ("are you a robot", "utter_are_you_human"),
        ("what are your opening hours", "utter_opening_hours"),
        ("hello", "utter_hello"),
        ("thank you", "utter_youre_welcome"),
    ]:
        assert names(call.say(words)) == [reply, "utter_ask_loan_amount"]
    repeated = call.say("could you repeat that")
    assert [reply.action for reply in repeated.replies] == ["repeat"], (
        "the agent repeats; nothing is asked on top"
    )
    assert names(call.say("nine thousand")) == ["utter_ask_loan_term"]


def test_balance_in_the_middle_of_a_loan_comes_back_to_it(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say("i'd like a loan of ten thousand for a car")
    assert names(call.say("what is my balance")) == ["utter_ask_pin"]
    told = call.key_sealed(PIN)
    assert "$1,204.50" in texts(told)
    assert names(told)[-1] == "utter_ask_loan_term"
    assert "$10,000 over 24 months" in texts(call.say("two years"))


def test_form_explains_itself_then_gives_up_to_a_person(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say("i'd like a loan for a car")
    assert names(call.say(NOISE[0])) == ["utter_fallback_in_form", "utter_ask_loan_amount"]
    assert names(call.say("twelve fifty")) == [
        "utter_fallback_in_form",
        "utter_hint_loan_amount",
        "utter_ask_loan_amount",
    ]
    gone = call.say(NOISE[2]).replies[-1]
    assert gone.action == "transfer"
    assert "I could not understand them" in gone.briefing
    assert call.tracker()["active_loop"] in ({}, {"name": None})


def test_a_person_and_goodbye_leave_the_form(dialogue: Dialogue) -> None:
    for words, action in [("let me talk to a human", "transfer"), ("goodbye", "hangup")]:
        call = dialogue.call(dialogue.customer().phone)
        call.say("i'd like a loan for a car")
        turn = call.say(words)
        assert turn.replies[-1].action == action
        assert "utter_ask_loan_amount" not in names(turn)


def test_cancel_leaves_the_form_and_forgets(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say("i'd like a loan of ten thousand for a car")
    assert names(call.say("cancel that")) == ["utter_cancelled"]
    assert names(call.say("i want a loan"))[-1] == "utter_ask_loan_purpose"


def test_open_question_is_asked_again_after_a_digression(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say("what is my balance")
    hint = call.say("are you a robot")
    assert names(hint) == ["utter_are_you_human", "utter_pin_hint"]
    assert hint.replies[-1].sensitive is True, "the keys to come are the PIN still"
    call.say("block my debit card")
    assert names(call.say("help"))[-1] == "utter_ask_block"
    assert names(call.say("yes"))[0] == "utter_card_blocked"


@pytest.mark.parametrize("mumble", ["uh", "um", "well i", "purple elephants dance at night"])
def test_a_mumble_is_no_consent(dialogue: Dialogue, mumble: str) -> None:
    call = dialogue.call(dialogue.customer(credit=False).phone)
    call.say("block my card")
    assert "utter_card_blocked" not in names(call.say(mumble))
    assert names(call.say("yes"))[0] == "utter_card_blocked", "the question stays open"


def test_a_pin_keyed_before_it_is_asked_for_counts(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    assert names(call.key_sealed(PIN)) == ["utter_verified", "utter_how_else"]
    assert "$1,204.50" in texts(call.say("what is my balance"))


def test_an_amount_may_be_keyed_but_a_pin_never_becomes_one(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say("i'd like a loan for a car")
    assert names(call.key_sealed(PIN))[-1] == "utter_ask_loan_amount"
    assert call.tracker()["slots"]["loan_amount"] is None
    assert names(call.key_sealed("15000")) == ["utter_ask_loan_term"]


def test_pin_is_in_no_tracker_log_or_database(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say("what is my balance")
    call.key_sealed("7359")
    call.key_sealed(PIN)
    assert call.tracker()["slots"]["verified"] is True
    secret = re.compile(rf"(?<!\d)(?:{PIN}|7359)(?!\d)")
    found = [text for text in strings(call.tracker()) if secret.search(text)]
    assert not found
    for log in dialogue.logs.glob("*.log"):
        assert not secret.search(re.sub(r"[.,]\d+", "", log.read_text(errors="replace"))), log.name
    dump = sqlite3.connect(dialogue.logs / "bank.db")
    assert not [row for row in dump.iterdump() if re.search(rf"'{PIN}'|'7359'", row)]
    dump.close()


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value; identifiers made by chance are left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in {"message_id", "model_id", "assistant_id"}:
                yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def test_calls_do_not_share_state(dialogue: Dialogue) -> None:
    verified, other = dialogue.call(dialogue.customer().phone), dialogue.call(dialogue.customer().phone)
    verified.say("what is my balance")
    verified.key_sealed(PIN)
    assert names(other.say("what is my balance")) == ["utter_ask_pin"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"no json", "JSON"),
        (b"[]", "object"),
        (b'{"text": "hi"}', "call"),
        (b'{"call": "", "text": "hi"}', "call"),
        (b'{"call": "c", "text": 5}', "text"),
        (b'{"call": "c"}', "text"),
        (b'{"call": "c", "text": " "}', "text"),
        (b'{"call": "c", "text": "hi", "metadata": []}', "metadata"),
        (json.dumps({"call": "c", "text": "x" * 3000}).encode(), "text"),
    ],
)
def test_malformed_turns_are_refused_with_the_reason(dialogue: Dialogue, body: bytes, reason: str) -> None:
    answer = httpx.post(f"{dialogue.rasa_url}/webhooks/voice/turn", content=body, timeout=20)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_failing_action_is_an_error_not_silence(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    with dialogue.database.session() as session:
        session.connection().exec_driver_sql("ALTER TABLE cards RENAME TO cards_away")
    try:
        answer = dialogue.post(call.call_id, "block my card", call.number)
        assert answer.status_code == 500
        assert "action_block_card" in answer.json()["error"]
    finally:
        with dialogue.database.session() as session:
            session.connection().exec_driver_sql("ALTER TABLE cards_away RENAME TO cards")
    assert names(call.say("block my card")) == ["utter_ask_which_card"], "the call goes on"
