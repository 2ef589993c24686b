# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dialogue answers to a committed turn, and what it then wants the ears to listen for.

The dialogue (Rasa behind the channel in `channels/voice.py`) gets `{"call", "text", "metadata"}` on `POST
/webhooks/voice/turn` and answers one JSON object, `DialogueTurn`. In a Rasa domain the fields of a reply
stand under `custom:` of a response.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Expect = Literal["yes_no", "digits", "amount", "date", "name", "free"]
CallAction = Literal["transfer", "hangup", "hold", "repeat"]

# Intents that the agent itself sends; written as Rasa writes an intent with entities, so no NLU runs on them.
CALL_STARTED = "/call_started"
KEYS = "/keys"
# The caller spoke, and no words could be made of it: the fallback offers other ways.
NOT_UNDERSTOOD = "/nlu_fallback"


class Reply(BaseModel):
    """One thing to say.

    `expect` says what the caller will probably answer (it sets endpointing and masking), `digits` how many
    keys complete the answer, `sensitive` that keys and transcript of the answer must be sealed, `barge_in`
    whether the caller may interrupt this text, `action` what the call does once the text has been played,
    `target` whom a transfer goes to.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str = ""
    name: str = ""
    expect: Expect = "free"
    digits: int | None = Field(default=None, ge=1, le=32)
    sensitive: bool = False
    barge_in: bool = True
    action: CallAction | None = None
    target: str | None = None


class Understood(BaseModel):
    """The intent that the dialogue heard in the turn, with its confidence in [0, 1]."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = ""
    confidence: float = 0.0


class DialogueTurn(BaseModel):
    """The dialogue's whole answer to one turn:

    Replies in order, what was understood, and the actions that ran.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    replies: tuple[Reply, ...] = ()
    intent: Understood = Understood()
    actions: tuple[str, ...] = ()
