# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens on a call, as the turn machine sees it.

`at_ms` is audio time: milliseconds since the call's first frame.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.reply import Reply


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The caller is connected and hears us.

    `resumed`: the call was going on, and another agent process was lost in it.
    """

    at_ms: int
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing else happened; deadlines may be due."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The VAD is sure that the caller speaks, and has done so since `onset_ms`."""

    at_ms: int
    onset_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The VAD is sure that the caller is silent, and has been so since `end_ms`."""

    at_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class TranscriptArrived:
    """The recogniser's text of an utterance, which covers the sound up to `until_ms`.

    An empty text: no words in it. `finished` is how probable it is, in [0, 1], that the caller has nothing to
    add (see `agent.end_of_turn`); None where nothing judges that.
    """

    at_ms: int
    utterance: int
    until_ms: int
    text: str
    confidence: float = 1.0
    finished: float | None = None


@dataclass(frozen=True, slots=True)
class PartialArrived:
    """The recogniser's text of an utterance that still goes on, as far as `until_ms`."""

    at_ms: int
    utterance: int
    until_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class RecognitionFailed:
    """The recogniser broke on an utterance; nothing is known of its words."""

    at_ms: int
    utterance: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """One key of the caller's telephone."""

    at_ms: int
    digit: str


@dataclass(frozen=True, slots=True)
class DialogueAnswered:
    """The dialogue's replies to a committed turn."""

    at_ms: int
    turn: int
    replies: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class DialogueFailed:
    """The dialogue did not answer a committed turn."""

    at_ms: int
    turn: int


@dataclass(frozen=True, slots=True)
class PartReached:
    """A clause of a speech left the playout queue: heard by the caller, or dropped.

    `share` of it, in [0, 1], was played.
    """

    at_ms: int
    speech: int
    part: int
    played: bool
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """The transfer's final SIP status; 2xx means that the caller has gone to the target."""

    at_ms: int
    status: int


@dataclass(frozen=True, slots=True)
class Held:
    """The caller has put us on hold, or taken us back."""

    at_ms: int
    on: bool


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The line is gone."""

    at_ms: int


Event = (
    CallStarted
    | TimePassed
    | SpeechStarted
    | SpeechStopped
    | TranscriptArrived
    | PartialArrived
    | RecognitionFailed
    | DigitPressed
    | DialogueAnswered
    | DialogueFailed
    | PartReached
    | TransferEnded
    | Held
    | CallEnded
)
