# SPDX-License-Identifier: GPL-3.0-or-later
"""A telephone line in virtual time: a scripted caller, recogniser, dialogue and playout around the real turn
machine.

    line = Line(replies={"what is my balance": [Reply(text="…")]})
    line.caller("what is my balance", at_ms=3000, lasts_ms=1200)
    line.run(until_ms=8000)

Time moves in frames of 20 ms. The VAD is ideal but as late as the real one; the recogniser takes 80 ms, the
dialogue 60 ms, and a clause is played for 60 ms a character.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from agent.turns.commands import Command, CommitTurn, Recognize, Speak, StopSpeaking
from agent.turns.events import (
    CallStarted,
    DialogueAnswered,
    DialogueFailed,
    DigitPressed,
    Event,
    PartReached,
    RecognitionFailed,
    SpeechStarted,
    SpeechStopped,
    TimePassed,
    TranscriptArrived,
)
from agent.turns.machine import TurnMachine
from agent.turns.settings import TurnSettings
from contracts.reply import CALL_STARTED, Reply

T = TypeVar("T")

FRAME_MS = 20
VAD_START_MS = 64
VAD_STOP_MS = 96
RECOGNITION_MS = 80
DIALOGUE_MS = 60
MS_PER_CHARACTER = 60


@dataclass
class Said:
    """What the machine wanted, with the time."""

    at_ms: int
    command: Command


@dataclass
class _Playing:
    speech: int
    part: int
    ends_ms: int


@dataclass
class Line:
    """The world around one turn machine. A reply list of None makes the dialogue fail."""

    replies: Mapping[str, Sequence[Reply] | None] = field(default_factory=dict)
    settings: TurnSettings = field(default_factory=TurnSettings)
    recogniser_breaks: bool = False
    dialogue_ms: int = DIALOGUE_MS
    clear_ms: int = FRAME_MS
    resumed: bool = False

    def __post_init__(self) -> None:
        self.machine = TurnMachine(self.settings)
        self.log: list[Said] = []
        self.now_ms = 0
        self._order = count()
        self._due: list[tuple[int, int, Event]] = []
        self._spoken: list[tuple[int, int, str]] = []
        self._playing: list[_Playing] = []
        self.schedule(CallStarted(0, self.resumed))

    # --- the script

    def schedule(self, event: Event) -> None:
        heapq.heappush(self._due, (event.at_ms, next(self._order), event))

    def caller(self, text: str, at_ms: int, lasts_ms: int) -> None:
        """The caller speaks; `text` is what the recogniser makes of it (empty:

        A noise that sounds like speech).
        """
        end_ms = at_ms + lasts_ms
        self._spoken.append((at_ms, end_ms, text))
        self.schedule(SpeechStarted(at_ms + VAD_START_MS, at_ms))
        self.schedule(SpeechStopped(end_ms + VAD_STOP_MS, end_ms))

    def keys(self, digits: str, at_ms: int, gap_ms: int = 200) -> None:
        for index, digit in enumerate(digits):
            self.schedule(DigitPressed(at_ms + index * gap_ms, digit))

    def run(self, until_ms: int) -> Line:
        while self.now_ms < until_ms:
            self.now_ms += FRAME_MS
            for playing in [p for p in self._playing if p.ends_ms <= self.now_ms]:
                self._playing.remove(playing)
                self._feed(PartReached(self.now_ms, playing.speech, playing.part, played=True))
            while self._due and self._due[0][0] <= self.now_ms:
                self._feed(heapq.heappop(self._due)[2])
            self._feed(TimePassed(self.now_ms))
        return self

    # --- what came of it

    def of(self, kind: type[T]) -> list[T]:
        return [said.command for said in self.log if isinstance(said.command, kind)]

    def times(self, kind: type) -> list[int]:
        return [said.at_ms for said in self.log if isinstance(said.command, kind)]

    @property
    def turns(self) -> list[str]:
        """The texts (or keys) of the caller's committed turns."""
        return [turn.keys or turn.text for turn in self.of(CommitTurn) if turn.text != CALL_STARTED]

    @property
    def speeches(self) -> list[str]:
        return [" ".join(speak.parts) for speak in self.of(Speak)]

    # --- the engines

    def _feed(self, event: Event) -> None:
        for command in self.machine.handle(event):
            self.log.append(Said(self.now_ms, command))
            match command:
                case Recognize():
                    self._recognize(command)
                case CommitTurn():
                    self._answer(command)
                case Speak():
                    self._play(command)
                case StopSpeaking():
                    self._clear()

    def _recognize(self, command: Recognize) -> None:
        words = [text for start, _, text in self._spoken if command.from_ms <= start < command.until_ms]
        at_ms = self.now_ms + RECOGNITION_MS
        if self.recogniser_breaks:
            self.schedule(RecognitionFailed(at_ms, command.utterance, command.until_ms))
        else:
            text = " ".join(word for word in words if word)
            self.schedule(TranscriptArrived(at_ms, command.utterance, command.until_ms, text))

    def _answer(self, command: CommitTurn) -> None:
        at_ms = self.now_ms + self.dialogue_ms
        replies = self.replies.get(command.keys or command.text, ())
        if replies is None:
            self.schedule(DialogueFailed(at_ms, command.turn))
        else:
            self.schedule(DialogueAnswered(at_ms, command.turn, tuple(replies)))

    def _play(self, command: Speak) -> None:
        start_ms = max([self.now_ms, *(playing.ends_ms for playing in self._playing)])
        for part, text in enumerate(command.parts):
            start_ms += len(text) * MS_PER_CHARACTER
            self._playing.append(_Playing(command.speech, part, start_ms))

    def _clear(self) -> None:
        dropped, self._playing = self._playing, []
        for playing in dropped:
            self.schedule(
                PartReached(self.now_ms + self.clear_ms, playing.speech, playing.part, played=False)
            )
