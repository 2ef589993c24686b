# SPDX-License-Identifier: GPL-3.0-or-later
"""What the turn machine wants done.

The conversation around it carries the commands out, in the order given.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.turns.expectation import Expectation
from contracts.reply import VoiceChange


@dataclass(frozen=True, slots=True)
class Recognize:
    """Recognise the caller's sound from `from_ms` to `until_ms`, and judge whether the caller has finished.

    It may be in vain: the caller may go on speaking.
    """

    utterance: int
    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class RecognizePartial:
    """Recognise what the caller has said so far, unless that would delay somebody's reply."""

    utterance: int
    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Foresee:
    """Prepare for these words to become a turn, as far as that has no effect: they may not."""

    utterance: int
    text: str
    expectation: Expectation


@dataclass(frozen=True, slots=True)
class AbandonRecognition:
    """The caller goes on: what was recognised of this utterance so far is stale."""

    utterance: int


@dataclass(frozen=True, slots=True)
class CommitTurn:
    """The caller's turn is over: ask the dialogue. `keys` instead of `text` when it was keyed in.

    `end_ms` is when the caller stopped speaking (or pressed the last key); the reply's latency counts from
    there.
    """

    turn: int
    text: str
    keys: str | None
    expectation: Expectation
    from_ms: int
    end_ms: int
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class IgnoreUtterance:
    """The utterance is no turn: `reason` is `noise`, `backchannel`, `keys`, `on hold` or `transferring`."""

    utterance: int
    text: str
    reason: str
    expectation: Expectation


@dataclass(frozen=True, slots=True)
class Listen:
    """From now on this is what the caller is expected to answer."""

    expectation: Expectation


@dataclass(frozen=True, slots=True)
class Speak:
    """Synthesise and play the parts in order, each followed by a mark, so that what was heard is known by the
    clause.
    """

    speech: int
    parts: tuple[str, ...]
    turn: int
    name: str = ""
    protected: bool = False


@dataclass(frozen=True, slots=True)
class PauseSpeaking:
    """Silence, now, but keep what is queued: the caller may want the floor."""


@dataclass(frozen=True, slots=True)
class ResumeSpeaking:
    """It was nothing: go on where `PauseSpeaking` stopped, `rewind_ms` earlier."""

    rewind_ms: int


@dataclass(frozen=True, slots=True)
class ChangeVoice:
    """Speak like this from the next speech on."""

    change: VoiceChange


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """Silence, now: drop what is queued."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """A speech is over: `heard` are the parts, or the words of one that was cut, that reached the caller."""

    speech: int
    heard: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class DropReplies:
    """The replies to a turn are not spoken, because the caller went on before a sound of them was heard."""

    turn: int


@dataclass(frozen=True, slots=True)
class TransferCall:
    """Hand the caller over to `target` (a SIP URI; None: the configured person), who is told `briefing`
    first.
    """

    target: str | None
    briefing: str = ""


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call: everything that had to be said has been heard."""

    reason: str


Command = (
    Recognize
    | RecognizePartial
    | Foresee
    | AbandonRecognition
    | CommitTurn
    | IgnoreUtterance
    | Listen
    | Speak
    | PauseSpeaking
    | ResumeSpeaking
    | ChangeVoice
    | StopSpeaking
    | SpeechEnded
    | DropReplies
    | TransferCall
    | HangUp
)
