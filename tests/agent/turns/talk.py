# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent says in the acceptance cases, and the calls that begin with it."""

from __future__ import annotations

from hypothesis import settings

from agent.clauses import split_clauses
from agent.turns.settings import Prompts
from contracts.reply import CALL_STARTED, Reply
from tests.agent.turns.line import MS_PER_CHARACTER, Line

PROMPTS = Prompts()
DISCLOSURE = Reply(
    text="This call is recorded, for your safety and ours.", name="utter_disclosure", barge_in=False
)
ASK = Reply(text="How can I help you?", name="utter_ask")
BALANCE = Reply(text="You have ten dollars. Anything else?", name="utter_balance")
HOURS = Reply(
    text="We are open on weekdays from nine to six. On Saturday from nine to one, and never on Sunday.",
    name="utter_hours",
)
WELCOME = {CALL_STARTED: [ASK]}
# When ASK has been played, with the dialogue's 60 ms before it.
ASKED_MS = 100 + len(ASK.text) * MS_PER_CHARACTER
HOURS_MS = sum(len(part) for part in split_clauses(HOURS.text)) * MS_PER_CHARACTER
# The second of them begins here, after the dialogue's 60 ms and a frame.
SECOND_SENTENCE_MS = 80 + (HOURS.text.index("On Saturday") - 1) * MS_PER_CHARACTER

QUICK = settings(max_examples=20, deadline=None)


def line(replies: dict[str, list[Reply] | None] | None = None, **options: object) -> Line:
    return Line(replies={**WELCOME, **(replies or {})}, **options)  # type: ignore[arg-type]


def telling(replies: dict[str, list[Reply] | None] | None = None, **options: object) -> Line:
    """A call that begins with a long speech that may be interrupted."""
    return line({CALL_STARTED: [HOURS], **(replies or {})}, **options)


def silent_for_good_ms(call: Line) -> int:
    """When the last sound of the agent's first speech was heard."""
    return max(frame.at_ms for frame in call.ear if frame.speech == 1)
