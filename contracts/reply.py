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
# `hold`: the caller asked for a moment; nobody checks in on them until they speak or the patience is over.
CallAction = Literal["transfer", "hangup", "hold", "repeat"]
VoiceChange = Literal["slower", "faster", "louder", "softer", "normal"]

# Intents that the agent itself sends; written as Rasa writes an intent with entities, so no NLU runs on them.
CALL_STARTED = "/call_started"
KEYS = "/keys"
# The caller spoke, and no words could be made of it: the fallback offers other ways.
NOT_UNDERSTOOD = "/nlu_fallback"


class TurnKnobs(BaseModel):
    """Turn-taking of one step of the dialogue, where it differs from the agent's settings. Milliseconds.

    Named as in `agent.turns.settings`; what is not given stays as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpointing_ms: int | None = Field(
        default=None, ge=100, le=10_000, description="silence that ends the turn"
    )
    unfinished_ms: int | None = Field(default=None, ge=100, le=20_000)
    barge_in_ms: int | None = Field(default=None, ge=0, le=5_000)
    check_in_ms: int | None = Field(default=None, ge=1_000, le=300_000)
    filler_ms: int | None = Field(
        default=None, ge=300, le=20_000, description="when a slow answer gets a filler"
    )


class Reply(BaseModel):
    """One thing to say.

    `expect` says what the caller will probably answer (it sets endpointing and masking), `digits` how many
    keys complete the answer, `sensitive` that keys and transcript of the answer must be sealed, `barge_in`
    whether the caller may interrupt this text, `action` what the call does once the text has been played,
    `target` whom a transfer goes to and `briefing` what that person is told before (a sentence or two, text);
    `turn` the turn-taking of the answer; `voice` how the agent speaks from this reply on.
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
    briefing: str = ""
    turn: TurnKnobs = TurnKnobs()
    voice: VoiceChange | None = None


class Understood(BaseModel):
    """The intent that the dialogue heard in the turn, with its confidence in [0, 1]."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = ""
    confidence: float = 0.0


class Foreseen(BaseModel):
    """What the dialogue would make of words that are not a turn yet: no tracker changed and no action ran.

    `likely` are texts that it would probably say, in whole, where they can be told without running an action.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    intent: Understood = Understood()
    likely: tuple[str, ...] = ()


class DialogueTurn(BaseModel):
    """The dialogue's whole answer to one turn:

    Replies in order, what was understood, and the actions that ran.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    replies: tuple[Reply, ...] = ()
    intent: Understood = Understood()
    actions: tuple[str, ...] = ()
