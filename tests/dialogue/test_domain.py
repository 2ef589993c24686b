# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reply's `custom` in the domain, read as the agent will read it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from contracts.reply import Reply
from tests.dialogue.conftest import ROOT

RESPONSES: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (ROOT / "domain" / "responses.yml").read_text(encoding="utf-8")
)["responses"]
FIELDS = set(Reply.model_fields) - {"text", "name"}
# Who calls and that it is recorded; the rate and the instalment that a yes rests on, first time and again.
MUST_BE_HEARD = {"utter_disclosure", "utter_loan_conditions", "utter_said_again"}


@pytest.mark.parametrize("name", RESPONSES)
def test_custom_fields_are_what_the_agent_understands(name: str) -> None:
    for variant in RESPONSES[name]:
        custom = variant.get("custom", {})
        assert set(custom) <= FIELDS, "the channel would drop it in silence"
        reply = Reply.model_validate({**custom, "text": variant["text"], "name": name}, strict=False)
        assert reply.turn.model_dump(exclude_none=True) == custom.get("turn", {})
        if reply.expect == "yes_no":
            assert reply.digits == 1, "one key answers it"
        if reply.sensitive:
            assert reply.expect == "digits"


def test_what_must_be_heard_cannot_be_interrupted_and_is_short() -> None:
    kept = {
        name for name, variants in RESPONSES.items() if variants[0].get("custom", {}).get("barge_in") is False
    }
    assert kept == MUST_BE_HEARD
    assert all(len(RESPONSES[name][0]["text"].split()) <= 18 for name in kept)


def test_every_reply_of_the_actions_is_in_the_domain() -> None:
    named = set()
    for file in (ROOT / "actions").glob("*.py"):
        named |= set(re.findall(r'"(utter_[a-z_]*[a-z])"', file.read_text(encoding="utf-8")))
    assert named - set(RESPONSES) == {"utter_action"}, "which is a field of Rasa's"
