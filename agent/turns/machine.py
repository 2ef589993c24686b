# SPDX-License-Identifier: GPL-3.0-or-later
"""The turn machine: whose turn it is, decided from timestamped events alone.

Feed it every event of the call in order of time and carry out the commands it returns. It has no clock, no
sockets and no threads, so a conversation of minutes can be tested in milliseconds and replayed from its
journal.
"""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatchmethod

from agent.turns import barge_in, events
from agent.turns.afterwards import Afterwards, ends_talk
from agent.turns.asking import Asking
from agent.turns.commands import (
    ChangeVoice,
    Command,
    CommitTurn,
    DropReplies,
    Foresee,
    HangUp,
    Listen,
    PauseSpeaking,
    ResumeSpeaking,
    StopSpeaking,
    TransferCall,
)
from agent.turns.endpointing import endpointing_delay_ms
from agent.turns.expectation import Expectation, expectation_of
from agent.turns.keys import KeyRow
from agent.turns.listening import Listening
from agent.turns.no_input import NoInput, Silence
from agent.turns.settings import Prompts, TurnSettings
from agent.turns.speech import FILLER, SpeechQueue
from agent.turns.utterance import Utterance
from contracts.reply import CALL_STARTED, NOT_UNDERSTOOD, CallAction, Reply


class TurnMachine:
    """One conversation's turn-taking."""

    def __init__(self, settings: TurnSettings | None = None, prompts: Prompts | None = None) -> None:
        self._settings = settings or TurnSettings()
        self._prompts = prompts or Prompts()
        self._speech = SpeechQueue()
        self._keys = KeyRow(self._settings)
        self._no_input = NoInput(self._settings.check_ins)
        self._listening = Listening(self._settings)
        self._asking = Asking()
        self._afterwards = Afterwards()
        self._expectation = Expectation()
        self._turn = 0
        self._silent_since_ms = 0
        self._last_said: tuple[Reply, ...] = ()
        self._transferring = False
        self._on_hold = False
        self._onset_on_hold: events.SpeechStarted | None = None
        self._over = False

    @property
    def expectation(self) -> Expectation:
        """What the caller is expected to answer now."""
        return self._expectation

    def handle(self, event: events.Event) -> list[Command]:
        """What is to be done about `event`, deadlines that have passed by then included."""
        if self._over:
            return []
        commands = self._on(event)
        commands += self._deadlines(event.at_ms)
        return commands

    # --- events

    @singledispatchmethod
    def _on(self, event: events.Event) -> list[Command]:
        raise TypeError(f"not an event of a call: {event!r}")

    @_on.register
    def _(self, event: events.TimePassed) -> list[Command]:
        return []

    @_on.register
    def _(self, event: events.CallStarted) -> list[Command]:
        if event.resumed:
            # What was asked before is not known here: it may have been a PIN.
            self._expectation = Expectation(sensitive=True)
            return [Listen(self._expectation), *self._prompt(self._prompts.resumed, "resumed")]
        return self._commit(CALL_STARTED, None, event.at_ms, event.at_ms, event.at_ms)

    @_on.register
    def _(self, event: events.SpeechStarted) -> list[Command]:
        if self._on_hold:
            # What comes from a telephone that holds us is its music, or somebody who is about to take us
            # back.
            self._onset_on_hold = event
            return []
        self._no_input.heard()
        free = self._expectation.kind == "free"
        return self._listening.started(event, over_agent=self._speech.speaking, free=free)

    @_on.register
    def _(self, event: events.SpeechStopped) -> list[Command]:
        self._onset_on_hold = None
        self._listening.stopped(event)
        return []

    @_on.register
    def _(self, event: events.PartialArrived) -> list[Command]:
        current = self._listening.heard_partly(event)
        if current is None or current.worded or not self._speech.paused:
            return []
        if event.at_ms - current.onset_ms < self._settings.wordless_ms:
            return []
        current.wordless = True
        return self._resume()

    @_on.register
    def _(self, event: events.TranscriptArrived) -> list[Command]:
        current = self._listening.heard(event)
        if current is None or not event.text or self._expectation.sensitive or self._asking.waiting:
            return []
        if current.end_ms is None or event.at_ms - current.end_ms >= self._delay_ms(current):
            # The turn itself is due: foreseeing it now would only stand in its way.
            return []
        return [Foresee(current.number, event.text, self._expectation)]

    @_on.register
    def _(self, event: events.RecognitionFailed) -> list[Command]:
        self._listening.failed(event)
        return []

    @_on.register
    def _(self, event: events.DigitPressed) -> list[Command]:
        self._no_input.heard()
        self._keys.press(event.digit, event.at_ms, self._expectation)
        if self._speech.speaking and not self._speech.protected:
            return self._interrupt()
        return []

    @_on.register
    def _(self, event: events.DialogueAnswered) -> list[Command]:
        if not self._asking.is_about(event.turn):
            return []
        self._asking.answered()
        # A disclosure must be heard, so it does not wait for the floor; anything else does.
        if self._listening.utterance is not None and all(reply.barge_in for reply in event.replies):
            self._asking.hold(event.replies, event.at_ms, self._filler_ms)
            return []
        return self._say(event.replies, event.turn)

    @_on.register
    def _(self, event: events.DialogueFailed) -> list[Command]:
        if not self._asking.is_about(event.turn):
            return []
        if self._asking.failed() == 1:
            return self._prompt(self._prompts.dialogue_failed, "dialogue_failed")
        return self._prompt(self._prompts.dialogue_failed_again, "dialogue_failed_again", "transfer")

    @_on.register
    def _(self, event: events.PartReached) -> list[Command]:
        over = self._speech.reached(event.speech, event.part, 1.0 if event.played else event.share)
        if over is None:
            return []
        if over.to_the_end:
            self._afterwards.add(over.reply)
            if over.reply.action == "hold":
                self._no_input.be_patient(self._settings.patience_ms)
        if not self._speech.speaking:
            self._silent_since_ms = event.at_ms
        # A mark that was on its way when the pause was told may leave nothing to keep back, or what must
        # be heard.
        needless = self._speech.protected or not self._speech.speaking
        return [over.ended, *(self._resume() if needless else [])]

    @_on.register
    def _(self, event: events.TransferEnded) -> list[Command]:
        self._transferring = False
        if 200 <= event.status < 300:
            return []
        return self._prompt(self._prompts.transfer_failed, "transfer_failed")

    @_on.register
    def _(self, event: events.Held) -> list[Command]:
        self._on_hold = event.on
        if event.on:
            # The gateway keeps what is queued by itself; what waited for this utterance goes on afterwards.
            return [*self._listening.drop("on hold", self._expectation), *self._carry_on()]
        self._no_input.heard()
        onset, self._onset_on_hold = self._onset_on_hold, None
        return [] if onset is None else self._on(replace(onset, at_ms=event.at_ms))

    @_on.register
    def _(self, event: events.CallEnded) -> list[Command]:
        self._over = True
        return []

    # --- deadlines

    def _deadlines(self, now_ms: int) -> list[Command]:
        return [
            *self._act(),
            *self._barge_in(now_ms),
            *self._listening.recognise(now_ms, urgent=self._speech.paused),
            *self._take_keys(now_ms),
            *self._end_turn(now_ms),
            *self._fill(now_ms),
            *self._silence(now_ms),
        ]

    def _act(self) -> list[Command]:
        """What a reply wanted done after it was heard in full."""
        reply = self._afterwards.take(
            speaking=self._speech.speaking, caller_speaks=self._listening.utterance is not None
        )
        if reply is None:
            return []
        if reply.action == "hangup":
            self._over = True
            return [HangUp("goodbye")]
        self._transferring = True
        return [TransferCall(reply.target, reply.briefing)]

    def _barge_in(self, now_ms: int) -> list[Command]:
        current, speech = self._listening.utterance, self._speech
        if current is None or current.pausing or current.wordless or self._on_hold:
            return []
        if not speech.speaking or speech.paused or speech.protected:
            return []
        barge_in_ms = self._expectation.turn.barge_in_ms
        if not barge_in.interrupts(
            now_ms, current.onset_ms, self._settings.barge_in_ms if barge_in_ms is None else barge_in_ms
        ):
            return []
        current.interrupted = True
        if speech.fills:
            # The answer behind it has been waited for: it comes when the caller has spoken.
            self._asking.hold_late(speech.behind_filler())
            return self._interrupt()
        speech.pause()
        return [PauseSpeaking()]

    def _take_keys(self, now_ms: int) -> list[Command]:
        if self._asking.waiting or self._transferring or not self._keys:
            return []
        end_ms = self._keys.last_ms
        digits = self._keys.take(now_ms, self._expectation)
        if digits is None:
            return []
        # Whoever keys an answer in may have been muttering it; the keys are the answer.
        abandoned = self._listening.drop("keys", self._expectation)
        return [*abandoned, *self._commit("", digits, end_ms, end_ms, now_ms)]

    def _end_turn(self, now_ms: int) -> list[Command]:
        current = self._listening.settled(now_ms)
        if current is None or current.end_ms is None or self._asking.waiting:
            return []
        if now_ms - current.end_ms < self._delay_ms(current):
            return []
        if self._speech.speaking and self._speech.protected:
            return []
        return self._conclude(current, now_ms)

    def _delay_ms(self, current: Utterance) -> int:
        """How much silence ends this utterance.

        What is no turn ends at once where somebody's words wait for it.
        """
        words_wait = self._speech.paused or self._asking.holds_replies
        if words_wait and (self._listening.is_noise(current) or self._is_backchannel(current)):
            return 0
        endpointing = self._settings.endpointing
        delay_ms = endpointing_delay_ms(
            self._expectation, current.text, current.finished, self._listening.usual_pause_ms, endpointing
        )
        return min(delay_ms, endpointing.interrupting_ms) if self._speech.paused else delay_ms

    @property
    def _filler_ms(self) -> int:
        return self._expectation.turn.filler_ms or self._settings.filler_ms

    def _fill(self, now_ms: int) -> list[Command]:
        if self._listening.utterance is not None or self._speech.speaking or self._on_hold:
            return []
        if not self._asking.filler_due(now_ms, self._filler_ms):
            return []
        self._asking.filled()
        return self._prompt(self._prompts.filler, FILLER)

    def _silence(self, now_ms: int) -> list[Command]:
        busy = self._speech.speaking or self._asking.waiting or self._transferring or self._on_hold
        if busy or self._listening.utterance is not None or self._keys:
            self._no_input.suspend()
            return []
        self._no_input.wait(now_ms, self._expectation.turn.check_in_ms or self._settings.check_in_ms)
        match self._no_input.due(now_ms):
            case Silence.CHECK_IN:
                return self._prompt(self._prompts.check_in, "check_in")
            case Silence.GOODBYE:
                return self._prompt(self._prompts.no_input_goodbye, "no_input_goodbye", "hangup")
            case None:
                return []

    # --- steps

    def _conclude(self, current: Utterance, now_ms: int) -> list[Command]:
        """The caller has finished: a turn for the dialogue, or nothing that was meant for us."""
        assert current.end_ms is not None
        if self._transferring:
            return [*self._listening.drop("transferring", self._expectation), *self._carry_on()]
        if self._listening.is_noise(current):
            return [*self._listening.drop("noise", self._expectation), *self._carry_on()]
        if self._is_backchannel(current):
            return [*self._listening.drop("backchannel", self._expectation), *self._carry_on()]
        self._listening.take(current)
        text = current.text or NOT_UNDERSTOOD
        return self._commit(text, None, current.from_ms, current.end_ms, now_ms, current.confidence)

    def _is_backchannel(self, current: Utterance) -> bool:
        """Whether the words only said “I am listening”, while the agent spoke or was about to."""
        if self._expectation.kind == "yes_no" or not barge_in.is_backchannel(current.text):
            return False
        # An “okay” to “I am connecting you” agrees with what is about to happen.
        in_the_middle = self._speech.speaking or bool(self._afterwards)
        over_speech = current.over_agent and (in_the_middle or current.began_before(self._silent_since_ms))
        return over_speech or self._asking.holds_replies

    def _carry_on(self) -> list[Command]:
        """Nobody wanted the floor: go on with what was paused, or say what was held back."""
        resumed = self._resume()
        held = self._asking.take_held()
        return [*resumed, *self._say(held, self._turn)] if held else resumed

    def _commit(
        self, text: str, keys: str | None, from_ms: int, end_ms: int, now_ms: int, confidence: float = 1.0
    ) -> list[Command]:
        """Ask the dialogue. The caller has the floor: nothing that was held back or cut off comes back,
        except an answer that they had to wait for.
        """
        late = tuple(reply for reply in self._asking.take_late() if not ends_talk(reply))
        commands: list[Command] = []
        if self._asking.take_held():
            commands.append(DropReplies(self._turn))
        if self._speech.paused or (self._speech.speaking and not self._speech.protected):
            commands += self._interrupt()
        self._afterwards.forget()
        expectation = self._expectation
        if late:
            commands += self._say(late, self._turn)
        self._turn += 1
        self._asking.ask(self._turn, now_ms)
        commands.append(CommitTurn(self._turn, text, keys, expectation, from_ms, end_ms, confidence))
        return commands

    def _resume(self) -> list[Command]:
        if not self._speech.paused:
            return []
        self._speech.resume()
        return [ResumeSpeaking(self._settings.rewind_ms)]

    def _interrupt(self) -> list[Command]:
        self._speech.interrupt()
        self._afterwards.forget()
        return [StopSpeaking()]

    def _say(self, replies: tuple[Reply, ...], turn: int) -> list[Command]:
        """Speak the replies in order and listen for what the last one expects."""
        commands: list[Command] = [ChangeVoice(reply.voice) for reply in replies if reply.voice is not None]
        if any(reply.action == "repeat" for reply in replies):
            replies = self._last_said or replies
        elif any(reply.text for reply in replies):
            self._last_said = replies
        expectation = expectation_of(replies)
        if expectation is not None and expectation != self._expectation:
            self._expectation = expectation
            commands.append(Listen(expectation))
        for reply in replies:
            speak = self._speech.say(reply, turn)
            if speak is not None:
                commands.append(speak)
            else:
                self._afterwards.add(reply)
        return commands

    def _prompt(self, text: str, name: str, action: CallAction | None = None) -> list[Command]:
        """Say something of our own that changes neither what is expected nor what “repeat” repeats.

        Before an action it must be heard in full.
        """
        reply = Reply(text=text, name=name, barge_in=action is None, action=action)
        speak = self._speech.say(reply, self._turn)
        return [] if speak is None else [speak]
