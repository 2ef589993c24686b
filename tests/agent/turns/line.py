# SPDX-License-Identifier: GPL-3.0-or-later
"""A telephone line in virtual time: a scripted caller, recogniser, dialogue and playout around the real turn
machine.

    line = Line(replies={"what is my balance": [Reply(text="…")]})
    line.caller("what is my balance", at_ms=3000, lasts_ms=1200)
    line.run(until_ms=8000)

Time moves in frames of 20 ms. The VAD is ideal but as late as the real one; the recogniser takes 80 ms, the
dialogue 60 ms, and a clause is played for 60 ms a character. `ear` is what the caller hears, frame by frame.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import TypeVar

from agent.turns.commands import (
    Command,
    CommitTurn,
    PauseSpeaking,
    Recognize,
    RecognizePartial,
    ResumeSpeaking,
    Speak,
    SpeechEnded,
    StopSpeaking,
)
from agent.turns.events import (
    CallEnded,
    CallStarted,
    DialogueAnswered,
    DialogueFailed,
    DigitPressed,
    Event,
    Held,
    PartialArrived,
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


@dataclass(frozen=True)
class Heard:
    """A frame of the agent's speech at the caller's ear: `offset_ms` into the part."""

    at_ms: int
    speech: int
    part: int
    offset_ms: int


@dataclass
class _Playing:
    speech: int
    part: int
    length_ms: int
    not_before_ms: int
    played_ms: int = 0
    furthest_ms: int = 0


@dataclass
class Line:
    """The world around one turn machine. A reply list of None makes the dialogue fail.

    `finished` is what a turn-end model says of a text, where there is one.
    """

    replies: Mapping[str, Sequence[Reply] | None] = field(default_factory=dict)
    settings: TurnSettings = field(default_factory=TurnSettings)
    recogniser_breaks: bool = False
    recognition_ms: int = RECOGNITION_MS
    finished: Mapping[str, float] = field(default_factory=dict)
    dialogue_ms: int = DIALOGUE_MS
    synthesis_ms: int = 0
    clear_ms: int = FRAME_MS
    resumed: bool = False

    def __post_init__(self) -> None:
        self.machine = TurnMachine(self.settings)
        self.log: list[Said] = []
        self.ear: list[Heard] = []
        self.now_ms = 0
        self._order = count()
        self._due: list[tuple[int, int, Event]] = []
        self._spoken: list[tuple[int, int, str]] = []
        self._playing: list[_Playing] = []
        self._paused = self._on_hold = False
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

    def hold(self, at_ms: int, lasts_ms: int) -> None:
        """The caller puts the agent on hold: nothing is played meanwhile, and nothing is lost."""
        self.schedule(Held(at_ms, on=True))
        self.schedule(Held(at_ms + lasts_ms, on=False))

    def hang_up(self, at_ms: int) -> None:
        self.schedule(CallEnded(at_ms))

    def run(self, until_ms: int) -> Line:
        while self.now_ms < until_ms:
            self.now_ms += FRAME_MS
            self._play_frame()
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

    @property
    def logged(self) -> list[str]:
        """What the log says was heard of each speech that is over, in order of the speeches."""
        ended = sorted(self.of(SpeechEnded), key=lambda over: over.speech)
        return [" ".join(over.heard) for over in ended]

    def longest_silence_ms(self, from_ms: int, until_ms: int) -> int:
        """The longest gap at the caller's ear in that span."""
        heard = [frame.at_ms for frame in self.ear if from_ms <= frame.at_ms <= until_ms]
        edges = [from_ms, *heard, until_ms]
        return max(later - earlier for earlier, later in pairwise(edges))

    def played_ms(self, speech: int) -> int:
        """How much of a speech reached the ear, what was repeated counted once."""
        frames = {(frame.part, frame.offset_ms) for frame in self.ear if frame.speech == speech}
        return len(frames) * FRAME_MS

    # --- the engines

    def _feed(self, event: Event) -> None:
        if isinstance(event, Held):
            self._on_hold = event.on
        for command in self.machine.handle(event):
            self.log.append(Said(self.now_ms, command))
            match command:
                case Recognize():
                    self._recognize(command)
                case RecognizePartial():
                    text = self._words(command.from_ms, command.until_ms, whole=False)
                    at_ms = self.now_ms + self.recognition_ms
                    self.schedule(PartialArrived(at_ms, command.utterance, command.until_ms, text))
                case CommitTurn():
                    self._answer(command)
                case Speak():
                    self._play(command)
                case PauseSpeaking():
                    self._paused = True
                case ResumeSpeaking(rewind_ms=rewind_ms):
                    self._resume(rewind_ms)
                case StopSpeaking():
                    self._clear()

    def _recognize(self, command: Recognize) -> None:
        at_ms = self.now_ms + self.recognition_ms
        if self.recogniser_breaks:
            self.schedule(RecognitionFailed(at_ms, command.utterance, command.until_ms))
            return
        text = self._words(command.from_ms, command.until_ms, whole=True)
        finished = self.finished.get(text)
        self.schedule(TranscriptArrived(at_ms, command.utterance, command.until_ms, text, finished=finished))

    def _words(self, from_ms: int, until_ms: int, whole: bool) -> str:
        """What was said in a span; of speech that goes on, as many words as are over (unless `whole`)."""
        words: list[str] = []
        for start_ms, end_ms, text in self._spoken:
            if not from_ms <= start_ms < until_ms:
                continue
            share = 1.0 if whole else min(1.0, (until_ms - start_ms) / (end_ms - start_ms))
            said = text.split()
            words += said[: int(len(said) * share)]
        return " ".join(words)

    def _answer(self, command: CommitTurn) -> None:
        at_ms = self.now_ms + self.dialogue_ms
        replies = self.replies.get(command.keys or command.text, ())
        if replies is None:
            self.schedule(DialogueFailed(at_ms, command.turn))
        else:
            self.schedule(DialogueAnswered(at_ms, command.turn, tuple(replies)))

    # --- the gateway's playout

    def _play(self, command: Speak) -> None:
        for part, text in enumerate(command.parts):
            length_ms = len(text) * MS_PER_CHARACTER
            ready_ms = self.now_ms + self.synthesis_ms
            self._playing.append(_Playing(command.speech, part, length_ms, ready_ms))

    def _play_frame(self) -> None:
        """The frame that ends now."""
        if not self._playing or self._paused or self._on_hold:
            return
        playing = self._playing[0]
        if self.now_ms <= playing.not_before_ms:
            return
        self.ear.append(Heard(self.now_ms, playing.speech, playing.part, playing.played_ms))
        playing.played_ms += FRAME_MS
        playing.furthest_ms = max(playing.furthest_ms, playing.played_ms)
        if playing.played_ms >= playing.length_ms:
            self._playing.pop(0)
            self._feed(PartReached(self.now_ms, playing.speech, playing.part, played=True))

    def _resume(self, rewind_ms: int) -> None:
        self._paused = False
        if self._playing:
            self._playing[0].played_ms = max(0, self._playing[0].played_ms - rewind_ms)

    def _clear(self) -> None:
        dropped, self._playing = self._playing, []
        self._paused = False
        for playing in dropped:
            at_ms, share = self.now_ms + self.clear_ms, playing.furthest_ms / playing.length_ms
            self.schedule(PartReached(at_ms, playing.speech, playing.part, played=False, share=share))
