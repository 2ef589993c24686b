# SPDX-License-Identifier: GPL-3.0-or-later
"""One call's conversation: the turn machine with its ears, mouth, dialogue and journal.

Frames set the pace: each moves the audio clock by 20 ms. Engines answer in between, stamped with the clock as
it stands. All decisions are the machine's; this file carries them out and writes down what happened.
"""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable
from functools import singledispatchmethod

from agent.clauses import split_clauses
from agent.dialogue import DialogueUnavailable
from agent.engines import Engines
from agent.foresight import Foresight
from agent.last_words import LastWords
from agent.listener import Listener
from agent.live_call import LiveCall
from agent.mouth import FirstSound, Mouth, Send
from agent.sensitive import keys_message, mask_keys, mask_text, text_message
from agent.turns.commands import (
    AbandonRecognition,
    ChangeVoice,
    Command,
    CommitTurn,
    DropReplies,
    Foresee,
    HangUp,
    IgnoreUtterance,
    Listen,
    PauseSpeaking,
    Recognize,
    RecognizePartial,
    ResumeSpeaking,
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
    Held,
    SpeechStarted,
    SpeechStopped,
    TimePassed,
    TransferEnded,
)
from agent.vad import Onset
from contracts import media_stream
from contracts.media_stream import (
    FRAME_BYTES,
    FRAME_MS,
    MAX_BRIEFING_BYTES,
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
        self._call = LiveCall(start, engines, clock)
        self._send = send
        self._ear = engines.new_ear()
        self._listener = Listener(self._call, self._ear, self._handle)
        self._mouth = Mouth(send, engines.voices.sound_of, self._first_sound, clock)
        self._foresight = Foresight(self._call, lambda: self._mouth.manner.pace)
        self._last_words = LastWords(self._mouth.playback.share)
        self._outcome = "the media stream was lost"
        self._turns = 0

    # --- life

    async def begin(self) -> None:
        """Open the journal and let the machine say its first words."""
        call, start = self._call, self._call.start
        who = {"from": start.caller, "to": start.callee, "direction": start.direction}
        if start.resumed:
            await call.journal.pick_up()
        call.journal.begin(start.sip_call_id, who)
        call.spawn(self._mouth.run())
        call.note(
            "call_started",
            **who,
            sip_call_id=start.sip_call_id,
            codec=start.codec,
            resumed=start.resumed,
            ears=call.engines.ears.name,
            voice=call.engines.voices.name,
        )
        self._handle(CallStarted(0, start.resumed))

    def hear(self, frame: bytes) -> None:
        """Take a frame of the caller's sound, 16-bit PCM [160] at 8 kHz."""
        call = self._call
        if len(frame) != FRAME_BYTES:
            log.warning("%s: a frame of %d bytes instead of %d", call.call_id, len(frame), FRAME_BYTES)
            return
        call.now_ms += FRAME_MS
        for change in self._ear.hear(frame, self._mouth.playback.tick()):
            if isinstance(change, Onset):
                call.note("speech_started", onset_ms=change.at_ms)
                self._handle(SpeechStarted(call.now_ms, change.at_ms))
            else:
                call.note("speech_stopped", end_ms=change.at_ms)
                self._handle(SpeechStopped(call.now_ms, change.at_ms))
        self._handle(TimePassed(call.now_ms))

    def receive(self, message: GatewayMessage) -> None:
        """Take a control message of the gateway."""
        call = self._call
        match message:
            case Dtmf(digit=digit, source=source):
                call.note("key_pressed", source=source)
                self._handle(DigitPressed(call.now_ms, digit))
            case MarkReached():
                reached = self._mouth.part_reached(message, call.now_ms)
                if reached is not None:
                    self._handle(reached)
            case Cleared(dropped_ms=dropped_ms):
                call.note("speech_cleared", dropped_ms=dropped_ms)
            case TransferResult(status=status, reason=reason):
                call.note("transfer_ended", status=status, reason=reason)
                self._handle(TransferEnded(call.now_ms, status))
            case media_stream.Held(on=on):
                call.note("held" if on else "taken_back")
                self._mouth.playback.hold(on)
                self._handle(Held(call.now_ms, on))
            case Stop(reason=reason):
                self._outcome = reason
            case Start():
                log.warning("%s: started twice", call.call_id)

    async def end(self) -> None:
        """The stream is over: stop everything."""
        call = self._call
        self._handle(CallEnded(call.now_ms))
        await call.stop_tasks()
        call.note("call_ended", outcome=self._outcome, work=call.work.as_dict())
        call.engines.work.add(call.work)

    async def seal(self) -> None:
        """Bring the journal to Redis in full, which may take as long as Redis is away, and seal it."""
        await self._call.journal.seal(
            {
                "outcome": self._outcome,
                "duration_ms": str(self._call.now_ms),
                "turns": str(self._turns),
            }
        )

    # --- the machine's commands

    def _handle(self, event: Event) -> None:
        for command in self._call.machine.handle(event):
            self._do(command)

    @singledispatchmethod
    def _do(self, command: Command) -> None:
        raise TypeError(f"not a command: {command!r}")

    @_do.register
    def _(self, command: Recognize) -> None:
        self._listener.recognize(command)

    @_do.register
    def _(self, command: RecognizePartial) -> None:
        self._listener.recognize_partly(command)

    @_do.register
    def _(self, command: Foresee) -> None:
        self._foresight.foresee(command)

    @_do.register
    def _(self, command: AbandonRecognition) -> None:
        self._foresight.drop()
        self._listener.abandon(command.utterance)

    @_do.register
    def _(self, command: IgnoreUtterance) -> None:
        text = mask_text(command.text, command.expectation)
        self._call.note("utterance_ignored", text=text, reason=command.reason)

    @_do.register
    def _(self, command: CommitTurn) -> None:
        self._turns += 1
        self._foresight.committed(command.text)
        said = (
            {"keys": mask_keys(command.keys, command.expectation)}
            if command.keys is not None
            else {"text": mask_text(command.text, command.expectation)}
        )
        self._call.note(
            "turn_committed",
            turn=command.turn,
            **said,
            confidence=round(command.confidence, 3),
            from_ms=command.from_ms,
            end_ms=command.end_ms,
            end_of_utterance_delay_ms=self._call.now_ms - command.end_ms,
        )
        self._call.spawn(self._ask(command, self._last_words.take()))

    @_do.register
    def _(self, command: Listen) -> None:
        expectation = command.expectation
        self._call.note("listening", expect=expectation.kind, sensitive=expectation.sensitive)

    @_do.register
    def _(self, command: Speak) -> None:
        self._mouth.say(command)
        self._last_words.add(command)
        self._call.note(
            "agent_speaks",
            speech=command.speech,
            turn=command.turn,
            name=command.name,
            text=" ".join(command.parts),
            protected=command.protected,
        )

    @_do.register
    def _(self, command: ChangeVoice) -> None:
        self._mouth.change(command.change)
        self._call.note("voice_changed", change=command.change)

    @_do.register
    def _(self, command: PauseSpeaking) -> None:
        self._mouth.pause()
        self._call.note("agent_pauses")

    @_do.register
    def _(self, command: ResumeSpeaking) -> None:
        self._mouth.resume(command.rewind_ms)
        self._call.note("agent_resumes")

    @_do.register
    def _(self, command: StopSpeaking) -> None:
        self._mouth.stop()
        self._call.note("barge_in")

    @_do.register
    def _(self, command: SpeechEnded) -> None:
        heard = " ".join(command.heard)
        self._call.note("agent_spoke", speech=command.speech, heard=heard, complete=command.complete)

    @_do.register
    def _(self, command: DropReplies) -> None:
        self._call.note("replies_dropped", turn=command.turn)

    @_do.register
    def _(self, command: TransferCall) -> None:
        target = command.target or self._call.engines.settings.transfer_target
        self._call.note("transfer_started", target=target, briefing=command.briefing)
        self._call.spawn(self._transfer(target, command.briefing))

    @_do.register
    def _(self, command: HangUp) -> None:
        self._call.note("agent_hangs_up", reason=command.reason)
        self._send(encode(Hangup(reason=command.reason)))

    # --- engines

    async def _ask(self, command: CommitTurn, last_words: dict[str, str]) -> None:
        call = self._call
        began = call.clock()
        start, seal = call.start, call.engines.seal
        if command.keys is not None:
            message = keys_message(command.keys, command.expectation, call.call_id, seal)
        else:
            message = text_message(command.text, command.expectation, call.call_id, seal)
        metadata = {
            "call_id": call.call_id,
            "from": start.caller,
            "to": start.callee,
            "direction": start.direction,
            "language": call.engines.settings.recognizer.language,
            **last_words,
        }
        try:
            answer = await call.engines.dialogue.answer(call.call_id, message, metadata)
        except Exception as error:
            # A turn without an answer would leave the call deaf: whatever broke, the caller hears of it.
            expected = isinstance(error, DialogueUnavailable)
            log.error("%s: no answer: %s", call.call_id, error, exc_info=not expected)
            call.note("dialogue_failed", turn=command.turn, reason=str(error))
            self._handle(DialogueFailed(call.now_ms, command.turn))
            return
        took_ms = call.since_ms(began)
        call.reply_work_ms += took_ms
        call.note(
            "dialogue_answered",
            turn=command.turn,
            intent=answer.intent.name,
            confidence=round(answer.intent.confidence, 3),
            actions=list(answer.actions),
            replies=[reply.name for reply in answer.replies],
            took_ms=took_ms,
        )
        self._handle(DialogueAnswered(call.now_ms, command.turn, answer.replies))

    async def _transfer(self, target: str, briefing: str) -> None:
        """Attended where there is something to tell the person first, else blind."""
        told = await self._spoken(briefing)
        mode = "attended" if told else "blind"
        sound = base64.b64encode(told).decode("ascii")
        self._send(encode(Transfer.model_validate({"target": target, "mode": mode, "briefing": sound})))

    async def _spoken(self, briefing: str) -> bytes:
        """The briefing's sound; none when it can't be spoken or is too long: the transfer was promised."""
        voices = self._call.engines.voices
        try:
            told = b"".join([await voices.sound_of(clause) for clause in split_clauses(briefing)])
        except Exception:
            log.exception("%s: the briefing can't be spoken", self._call.call_id)
            return b""
        if len(told) > MAX_BRIEFING_BYTES:
            log.error("%s: the briefing is too long, the person hears none", self._call.call_id)
            return b""
        return told

    def _first_sound(self, sound: FirstSound) -> None:
        call = self._call
        if call.reply_work_ms:
            call.engines.measured.replied((call.reply_work_ms + sound.synthesis_ms) / 1000)
            call.reply_work_ms = 0
        call.note(
            "first_sound",
            speech=sound.speech,
            turn=sound.turn,
            name=sound.name,
            took_ms=sound.synthesis_ms,
        )
