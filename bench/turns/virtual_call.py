# SPDX-License-Identifier: GPL-3.0-or-later
"""A call in virtual time, with sound: a timeline's caller on one side of the line, the real ears, recogniser,
turn-end model and turn machine on the other, a virtual gateway and a scripted dialogue between them.

    caller + noise + echo → G.711 → Ear (echo gate, Silero) → TurnMachine → gateway → echo

Time moves in frames of 20 ms and waits for nothing: engines compute as long as they like, and their results
count as arriving a fixed time later.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count

import numpy as np

from agent.turns.commands import (
    AbandonRecognition,
    Command,
    CommitTurn,
    IgnoreUtterance,
    PauseSpeaking,
    Recognize,
    RecognizePartial,
    ResumeSpeaking,
    Speak,
    StopSpeaking,
)
from agent.turns.events import (
    CallStarted,
    DialogueAnswered,
    Event,
    PartialArrived,
    PartReached,
    SpeechStarted,
    SpeechStopped,
    TimePassed,
    TranscriptArrived,
)
from agent.turns.machine import TurnMachine
from agent.turns.settings import TurnSettings
from agent.vad import Onset
from bench.turns.caller import Caller, Placed
from bench.turns.engines import BenchEngines
from bench.turns.gateway import Gateway, Part
from bench.turns.played import Commit, Played, Silenced
from bench.turns.sounds import PER_MS, Samples, g711
from bench.turns.timeline import Timeline
from contracts.media_stream import FRAME_MS, FRAME_SAMPLES
from contracts.reply import CALL_STARTED, Reply

# When results arrive, counted from the command. Milliseconds.
RECOGNITION_MS = 40
DIALOGUE_MS = 30
# A command's way to the gateway, and a mark's way back.
TRANSPORT_MS = 20
# How long a call is watched: the reply to the last turn to its end, but not longer than this; after a last
# act that was no turn or was never answered; and more, while the agent is paused, to see whether it goes on.
_REPLY_BEGINS_MS = 400
_AFTER_ANSWER_MS = 6000
_AFTER_ACT_MS = 4200
_WHILE_PAUSED_MS = 5000
_LONGEST_MS = 90_000


class VirtualCall:
    """One timeline being played; `judged`: the turn-end model is asked."""

    def __init__(
        self, timeline: Timeline, engines: BenchEngines, settings: TurnSettings, *, judged: bool
    ) -> None:
        self.played = Played(timeline)
        self._timeline = timeline
        self._engines = engines
        self._judged = judged
        self._machine = TurnMachine(settings)
        self._ear = engines.ear()
        self._gateway = Gateway()
        self._caller = Caller(timeline.acts)
        self._now_ms = 0
        self._order = count()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        reach = timeline.echo.reach_ms if timeline.echo is not None else 0
        self._heard_back: deque[Samples] = deque(maxlen=reach // FRAME_MS + 2)

    def play(self) -> Played:
        """Play the timeline to its end."""
        self._feed(CallStarted(0))
        while not self._over():
            self._frame()
        played = self.played
        played.acts = self._caller.placed
        played.lasted_ms = self._now_ms
        return played

    # --- the line

    def _frame(self) -> None:
        sounding = self._gateway.sounding
        said = self._caller.frame(
            self._now_ms,
            audible=sounding is not None,
            protected=sounding is not None and sounding.protected,
            busy=self._gateway.busy,
        )
        played, over = self._gateway.frame()
        if over is not None:
            self._later(TRANSPORT_MS, partial(self._reached, over))
        self._heard_back.append(played)
        heard = _pcm(self._line(said))
        self._now_ms += FRAME_MS
        for change in self._ear.hear(heard, None if sounding is None else _pcm(played)):
            if isinstance(change, Onset):
                self._note(f"VAD: speech since {change.at_ms}")
                self._feed(SpeechStarted(self._now_ms, change.at_ms))
            else:
                self._note(f"VAD: silence since {change.at_ms}")
                self._feed(SpeechStopped(self._now_ms, change.at_ms))
        self._deliver()
        self._feed(TimePassed(self._now_ms))

    def _line(self, said: Samples) -> Samples:
        timeline = self._timeline
        at = self._now_ms * PER_MS % len(timeline.background)
        background = timeline.background[at : at + FRAME_SAMPLES]
        mixed = said + background
        if timeline.echo is not None:
            mixed = mixed + timeline.echo.echo(np.concatenate(self._heard_back), FRAME_SAMPLES)
        return g711(mixed)

    def _over(self) -> bool:
        """Whether nothing more can come of the timeline."""
        now_ms, current = self._now_ms, self._caller.current
        if self._caller.tired(now_ms) or now_ms > _LONGEST_MS:
            return True
        if current is None or not self._caller.all_done(now_ms):
            return False
        more_ms = _WHILE_PAUSED_MS if self._gateway.paused else 0
        answered_ms = self._answered_ms(current)
        if answered_ms is None:
            return now_ms >= current.end_ms + _AFTER_ACT_MS + more_ms
        begun = now_ms >= answered_ms + _REPLY_BEGINS_MS
        return (begun and not self._gateway.busy) or now_ms >= answered_ms + _AFTER_ANSWER_MS + more_ms

    def _answered_ms(self, last: Placed) -> int | None:
        """When the last act, now over, became a turn; None for one that is none, or has not."""
        after = (commit.at_ms for commit in self.played.commits if commit.at_ms >= last.end_ms)
        return next(after, None) if last.act.is_turn else None

    # --- events and commands

    def _feed(self, event: Event) -> None:
        for command in self._machine.handle(event):
            self._do(command)

    def _later(self, delay_ms: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self._now_ms + delay_ms, next(self._order), action))

    def _deliver(self) -> None:
        while self._due and self._due[0][0] <= self._now_ms:
            heapq.heappop(self._due)[2]()

    def _do(self, command: Command) -> None:
        match command:
            case Recognize():
                self._recognize(command)
            case RecognizePartial():
                self._recognize_partly(command)
            case AbandonRecognition():
                self.played.stale += 1
            case IgnoreUtterance():
                self._note(f"ignored as {command.reason}: “{command.text}”")
            case CommitTurn():
                self._commit(command)
            case Speak():
                self._speak(command)
            case PauseSpeaking():
                self._later(TRANSPORT_MS, self._pause)
            case ResumeSpeaking():
                self._later(TRANSPORT_MS, partial(self._resume, command.rewind_ms))
            case StopSpeaking():
                self._later(TRANSPORT_MS, self._stop)
            case _:
                pass

    def _recognize(self, command: Recognize) -> None:
        self.played.recognitions += 1
        sound = self._ear.words(command.from_ms, command.until_ms)
        heard = self._engines.transcript(sound, self._machine.expectation)
        finished = self._engines.finished(sound, heard.text) if self._judged and heard.text else None

        def arrived() -> None:
            sure = "" if finished is None else f", finished {finished:.2f}"
            self._note(f"recognised “{heard.text}”{sure}")
            self._feed(
                TranscriptArrived(
                    self._now_ms,
                    command.utterance,
                    command.until_ms,
                    heard.text,
                    heard.confidence,
                    finished,
                )
            )

        self._later(RECOGNITION_MS, arrived)

    def _recognize_partly(self, command: RecognizePartial) -> None:
        """Only where it decides something, on whether the agent goes on: partials cost most of a run."""
        if not self._gateway.paused:
            return
        self.played.partials += 1
        sound = self._ear.words(command.from_ms, command.until_ms)
        heard = self._engines.transcript(sound, self._machine.expectation)

        def arrived() -> None:
            self._note(f"so far “{heard.text}”")
            self._feed(PartialArrived(self._now_ms, command.utterance, command.until_ms, heard.text))

        self._later(RECOGNITION_MS, arrived)

    def _commit(self, command: CommitTurn) -> None:
        if command.text == CALL_STARTED:
            replies: tuple[Reply, ...] = (self._timeline.replies[0],)
        else:
            self._note(f"TURN: “{command.text}”, {self._now_ms - command.end_ms} ms after its end")
            self.played.commits.append(Commit(self._now_ms, command.from_ms, command.end_ms, command.text))
            replies = (self._reply(),)
        self._later(DIALOGUE_MS, lambda: self._feed(DialogueAnswered(self._now_ms, command.turn, replies)))

    def _reply(self) -> Reply:
        """What the dialogue says now: whoever is cut off is asked to say it again."""
        timeline, done = self._timeline, self._caller.turns_done(self._now_ms)
        if self._caller.acting(self._now_ms) or done == 0:
            wanted = timeline.replies[min(done, len(timeline.replies) - 1)]
            return timeline.again.model_copy(update={"expect": wanted.expect, "digits": wanted.digits})
        return timeline.replies[min(done, len(timeline.replies) - 1)]

    # --- the gateway

    def _speak(self, command: Speak) -> None:
        self._note(f"agent: “{' '.join(command.parts)}”")
        parts = [
            Part(command.speech, number, self._engines.voice(text), command.protected)
            for number, text in enumerate(command.parts)
        ]
        self._later(TRANSPORT_MS, partial(self._queue, parts))

    def _queue(self, parts: list[Part]) -> None:
        for part in parts:
            self._gateway.add(part)
        self._sounds_again()

    def _pause(self) -> None:
        self._falls_silent()
        self._gateway.pause()

    def _resume(self, rewind_ms: int) -> None:
        self._gateway.resume(rewind_ms)
        self._sounds_again()

    def _stop(self) -> None:
        self._falls_silent()
        if self.played.silenced and self.played.silenced[-1].again_ms is None:
            self.played.silenced[-1].dropped = True
        for part in self._gateway.clear():
            self._later(TRANSPORT_MS, partial(self._dropped, part))

    def _reached(self, part: Part) -> None:
        self._feed(PartReached(self._now_ms, part.speech, part.part, played=True))

    def _dropped(self, part: Part) -> None:
        self._feed(PartReached(self._now_ms, part.speech, part.part, played=False, share=part.share))

    def _falls_silent(self) -> None:
        if self._gateway.sounding is not None:
            self._note("the agent falls silent")
            self.played.silenced.append(Silenced(self._now_ms))

    def _sounds_again(self) -> None:
        if self._gateway.sounding is None or not self.played.silenced:
            return
        last = self.played.silenced[-1]
        if last.again_ms is None:
            self._note("the agent sounds again")
            last.again_ms = self._now_ms

    def _note(self, what: str) -> None:
        self.played.log.append((self._now_ms, what))


def _pcm(frame: Samples) -> bytes:
    """A frame as 16-bit PCM."""
    pcm: bytes = (np.clip(frame, -1, 1) * 32767).astype("<i2").tobytes()
    return pcm
