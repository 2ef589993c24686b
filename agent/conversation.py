# SPDX-License-Identifier: GPL-3.0-or-later
"""One call's conversation: the turn machine with its ears, mouth, dialogue and journal.

Frames set the pace: each moves the audio clock by 20 ms. Engines answer in between, stamped with the clock as
it stands. All decisions are the machine's; this file carries them out and writes down what happened.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from functools import singledispatchmethod
from typing import Any

from agent.dialogue import DialogueUnavailable
from agent.engines import Engines
from agent.journal.writer import JournalWriter
from agent.mouth import FirstSound, Mouth, Send, part_reached
from agent.sensitive import keys_message, mask_keys, mask_text, text_message
from agent.turns.commands import (
    AbandonRecognition,
    Command,
    CommitTurn,
    DropReplies,
    HangUp,
    IgnoreUtterance,
    Listen,
    Recognize,
    Speak,
    SpeechEnded,
    StopSpeaking,
    TransferCall,
)
from agent.turns.events import (
    CallEnded,
    CallStarted,
    DialogueAnswered,
    DialogueFailed,
    DigitPressed,
    Event,
    RecognitionFailed,
    SpeechStarted,
    SpeechStopped,
    TimePassed,
    TranscriptArrived,
    TransferEnded,
)
from agent.turns.machine import TurnMachine
from agent.vad import Onset
from contracts.media_stream import (
    FRAME_BYTES,
    FRAME_MS,
    Cleared,
    Dtmf,
    GatewayMessage,
    Hangup,
    MarkReached,
    Start,
    Stop,
    Transfer,
    TransferResult,
    encode,
)

log = logging.getLogger(__name__)


class Conversation:
    """A call from its first frame to its sealed journal."""

    def __init__(
        self, start: Start, engines: Engines, send: Send, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._start = start
        self._engines = engines
        self._send = send
        self._clock = clock
        self._now_ms = 0
        self._machine = TurnMachine(engines.settings.turns, engines.settings.prompts)
        self._ear = engines.new_ear()
        self._mouth = Mouth(send, engines.sound_of, self._first_sound, clock)
        self._journal = JournalWriter(engines.redis, start.call_id)
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcome = "the media stream was lost"
        self._turns = 0

    # --- life

    async def begin(self) -> None:
        """Open the journal and let the machine say its first words."""
        start = self._start
        who = {"from": start.caller, "to": start.callee, "direction": start.direction}
        if start.resumed:
            await self._journal.pick_up()
        self._journal.begin(start.sip_call_id, who)
        self._spawn(self._mouth.run())
        self._journal.append(
            "call_started",
            0,
            **who,
            sip_call_id=start.sip_call_id,
            codec=start.codec,
            resumed=start.resumed,
            recognizer=self._engines.recognizer.name,
            voice=self._engines.synthesizer.name,
        )
        self._handle(CallStarted(0, start.resumed))

    def hear(self, frame: bytes) -> None:
        """Take a frame of the caller's sound, 16-bit PCM [160] at 8 kHz."""
        if len(frame) != FRAME_BYTES:
            log.warning("%s: a frame of %d bytes instead of %d", self._start.call_id, len(frame), FRAME_BYTES)
            return
        self._now_ms += FRAME_MS
        for change in self._ear.hear(frame):
            if isinstance(change, Onset):
                self._journal.append("speech_started", self._now_ms, onset_ms=change.at_ms)
                self._handle(SpeechStarted(self._now_ms, change.at_ms))
            else:
                self._journal.append("speech_stopped", self._now_ms, end_ms=change.at_ms)
                self._handle(SpeechStopped(self._now_ms, change.at_ms))
        self._handle(TimePassed(self._now_ms))

    def receive(self, message: GatewayMessage) -> None:
        """Take a control message of the gateway."""
        match message:
            case Dtmf(digit=digit, source=source):
                self._journal.append("key_pressed", self._now_ms, source=source)
                self._handle(DigitPressed(self._now_ms, digit))
            case MarkReached():
                reached = part_reached(message, self._now_ms)
                if reached is not None:
                    self._handle(reached)
            case Cleared(dropped_ms=dropped_ms):
                self._journal.append("speech_cleared", self._now_ms, dropped_ms=dropped_ms)
            case TransferResult(status=status, reason=reason):
                self._journal.append("transfer_ended", self._now_ms, status=status, reason=reason)
                self._handle(TransferEnded(self._now_ms, status))
            case Stop(reason=reason):
                self._outcome = reason
            case Start():
                log.warning("%s: started twice", self._start.call_id)

    async def end(self) -> None:
        """The stream is over: stop everything."""
        self._handle(CallEnded(self._now_ms))
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._journal.append("call_ended", self._now_ms, outcome=self._outcome)

    async def seal(self) -> None:
        """Bring the journal to Redis in full, which may take as long as Redis is away, and seal it."""
        await self._journal.seal(
            {
                "outcome": self._outcome,
                "duration_ms": str(self._now_ms),
                "turns": str(self._turns),
            }
        )

    # --- the machine's commands

    def _handle(self, event: Event) -> None:
        for command in self._machine.handle(event):
            self._do(command)

    @singledispatchmethod
    def _do(self, command: Command) -> None:
        raise TypeError(f"not a command: {command!r}")

    @_do.register
    def _(self, command: Recognize) -> None:
        self._spawn(self._recognize(command))

    @_do.register
    def _(self, command: AbandonRecognition) -> None:
        self._journal.append("recognition_abandoned", self._now_ms, utterance=command.utterance)

    @_do.register
    def _(self, command: IgnoreUtterance) -> None:
        text = mask_text(command.text, self._machine.expectation)
        self._journal.append("utterance_ignored", self._now_ms, text=text, reason=command.reason)

    @_do.register
    def _(self, command: CommitTurn) -> None:
        self._turns += 1
        said = (
            {"keys": mask_keys(command.keys, command.expectation)}
            if command.keys is not None
            else {"text": mask_text(command.text, command.expectation)}
        )
        self._journal.append(
            "turn_committed",
            self._now_ms,
            turn=command.turn,
            **said,
            confidence=round(command.confidence, 3),
            from_ms=command.from_ms,
            end_ms=command.end_ms,
            end_of_utterance_delay_ms=self._now_ms - command.end_ms,
        )
        self._spawn(self._ask(command))

    @_do.register
    def _(self, command: Listen) -> None:
        expectation = command.expectation
        self._journal.append(
            "listening", self._now_ms, expect=expectation.kind, sensitive=expectation.sensitive
        )

    @_do.register
    def _(self, command: Speak) -> None:
        self._mouth.say(command)
        self._journal.append(
            "agent_speaks",
            self._now_ms,
            speech=command.speech,
            turn=command.turn,
            name=command.name,
            text=" ".join(command.parts),
            protected=command.protected,
        )

    @_do.register
    def _(self, command: StopSpeaking) -> None:
        self._mouth.stop()
        self._journal.append("barge_in", self._now_ms)

    @_do.register
    def _(self, command: SpeechEnded) -> None:
        heard = " ".join(command.heard)
        self._journal.append(
            "agent_spoke", self._now_ms, speech=command.speech, heard=heard, complete=command.complete
        )

    @_do.register
    def _(self, command: DropReplies) -> None:
        self._journal.append("replies_dropped", self._now_ms, turn=command.turn)

    @_do.register
    def _(self, command: TransferCall) -> None:
        target = command.target or self._engines.settings.transfer_target
        self._journal.append("transfer_started", self._now_ms, target=target)
        self._send(encode(Transfer(target=target)))

    @_do.register
    def _(self, command: HangUp) -> None:
        self._journal.append("agent_hangs_up", self._now_ms, reason=command.reason)
        self._send(encode(Hangup(reason=command.reason)))

    # --- engines

    async def _recognize(self, command: Recognize) -> None:
        began = self._clock()
        sound = self._ear.sound(command.from_ms, command.until_ms)
        expectation = self._machine.expectation
        try:
            found = await self._engines.transcript_of(sound, expectation)
        except Exception:
            # Whatever broke in the engine, the caller must be asked again instead of waiting.
            log.exception("%s: the recogniser broke", self._start.call_id)
            self._journal.append("recognition_failed", self._now_ms, utterance=command.utterance)
            self._handle(RecognitionFailed(self._now_ms, command.utterance, command.until_ms))
            return
        self._journal.append(
            "transcript",
            self._now_ms,
            utterance=command.utterance,
            text=mask_text(found.text, expectation),
            confidence=round(found.confidence, 3),
            until_ms=command.until_ms,
            took_ms=self._since(began),
        )
        arrived = TranscriptArrived(
            self._now_ms, command.utterance, command.until_ms, found.text, found.confidence
        )
        self._handle(arrived)

    async def _ask(self, command: CommitTurn) -> None:
        began = self._clock()
        start, seal = self._start, self._engines.seal
        if command.keys is not None:
            message = keys_message(command.keys, command.expectation, start.call_id, seal)
        else:
            message = text_message(command.text, command.expectation, start.call_id, seal)
        metadata = {
            "call_id": start.call_id,
            "from": start.caller,
            "to": start.callee,
            "direction": start.direction,
            "language": self._engines.settings.recognizer.language,
        }
        try:
            answer = await self._engines.dialogue.answer(start.call_id, message, metadata)
        except Exception as error:
            # A turn without an answer would leave the call deaf: whatever broke, the caller hears of it.
            expected = isinstance(error, DialogueUnavailable)
            log.error("%s: no answer: %s", start.call_id, error, exc_info=not expected)
            self._journal.append("dialogue_failed", self._now_ms, turn=command.turn, reason=str(error))
            self._handle(DialogueFailed(self._now_ms, command.turn))
            return
        self._journal.append(
            "dialogue_answered",
            self._now_ms,
            turn=command.turn,
            intent=answer.intent.name,
            confidence=round(answer.intent.confidence, 3),
            actions=list(answer.actions),
            replies=[reply.name for reply in answer.replies],
            took_ms=self._since(began),
        )
        self._handle(DialogueAnswered(self._now_ms, command.turn, answer.replies))

    def _first_sound(self, sound: FirstSound) -> None:
        self._journal.append(
            "first_sound", self._now_ms, speech=sound.speech, turn=sound.turn, took_ms=sound.synthesis_ms
        )

    def _since(self, began: float) -> int:
        return round((self._clock() - began) * 1000)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._reap)

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: a task of the call broke", self._start.call_id, exc_info=task.exception())
