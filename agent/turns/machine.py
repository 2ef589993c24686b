# SPDX-License-Identifier: GPL-3.0-or-later
"""The turn machine: whose turn it is, decided from timestamped events alone.

Feed it every event of the call in order of time and carry out the commands it returns. It has no clock, no
sockets and no threads, so a conversation of minutes can be tested in milliseconds and replayed from its
journal.
"""

from __future__ import annotations

from functools import singledispatchmethod

from agent.turns import barge_in
from agent.turns.commands import (
    AbandonRecognition,
    Command,
    CommitTurn,
    DropReplies,
    HangUp,
    IgnoreUtterance,
    Listen,
    Recognize,
    StopSpeaking,
    TransferCall,
)
from agent.turns.endpointing import endpointing_delay_ms
from agent.turns.events import (
    CallEnded,
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
    TransferEnded,
)
from agent.turns.expectation import Expectation, expectation_of
from agent.turns.keys import KeyRow
from agent.turns.no_input import NoInput, Silence
from agent.turns.pauses import CallerPauses
from agent.turns.settings import Prompts, TurnSettings
from agent.turns.speech import SpeechQueue
from agent.turns.utterance import Utterance
from contracts.reply import CALL_STARTED, NOT_UNDERSTOOD, CallAction, Reply


class TurnMachine:
    """One conversation's turn-taking."""

    def __init__(self, settings: TurnSettings | None = None, prompts: Prompts | None = None) -> None:
        self._settings = settings or TurnSettings()
        self._prompts = prompts or Prompts()
        self._speech = SpeechQueue()
        self._keys = KeyRow(self._settings)
        self._no_input = NoInput(self._settings.check_in_ms, self._settings.check_ins)
        self._pauses = CallerPauses(self._settings.endpointing)
        self._expectation = Expectation()
        self._utterance: Utterance | None = None
        self._utterances = 0
        self._turn = 0
        self._asking: int | None = None
        self._held: tuple[Reply, ...] = ()
        self._ended_ms: int | None = None
        self._silent_since_ms = 0
        self._last_said: tuple[Reply, ...] = ()
        self._due_actions: list[Reply] = []
        self._failures = 0
        self._transferring = False
        self._over = False

    @property
    def expectation(self) -> Expectation:
        """What the caller is expected to answer now."""
        return self._expectation

    def handle(self, event: Event) -> list[Command]:
        """What is to be done about `event`, deadlines that have passed by then included."""
        if self._over:
            return []
        commands = self._on(event)
        commands += self._deadlines(event.at_ms)
        return commands

    # --- events

    @singledispatchmethod
    def _on(self, event: Event) -> list[Command]:
        raise TypeError(f"not an event of a call: {event!r}")

    @_on.register
    def _(self, event: TimePassed) -> list[Command]:
        return []

    @_on.register
    def _(self, event: CallStarted) -> list[Command]:
        if event.resumed:
            # What was asked before is not known here: it may have been a PIN.
            self._expectation = Expectation(sensitive=True)
            return [Listen(self._expectation), *self._prompt(self._prompts.resumed, "resumed")]
        return self._commit(CALL_STARTED, None, event.at_ms, event.at_ms)

    @_on.register
    def _(self, event: SpeechStarted) -> list[Command]:
        self._no_input.heard()
        current = self._utterance
        if current is not None:
            asked = current.asked
            self._learn_pause(current.end_ms, event.onset_ms)
            current.go_on()
            return [AbandonRecognition(current.number)] if asked else []
        self._utterances += 1
        if self._ended_ms is not None:
            soon = event.onset_ms - self._ended_ms <= self._settings.endpointing.cut_off_ms
            self._learn_pause(self._ended_ms if soon else None, event.onset_ms)
        self._utterance = Utterance(
            self._utterances,
            max(0, event.onset_ms - self._settings.preroll_ms),
            event.onset_ms,
            over_agent=self._speech.speaking,
        )
        return []

    @_on.register
    def _(self, event: SpeechStopped) -> list[Command]:
        if self._utterance is not None:
            self._utterance.end_ms = event.end_ms
        return []

    @_on.register
    def _(self, event: TranscriptArrived) -> list[Command]:
        current = self._utterance
        if current is not None and current.number == event.utterance and current.asked_ms == event.until_ms:
            current.known_ms, current.text, current.confidence = event.until_ms, event.text, event.confidence
        return []

    @_on.register
    def _(self, event: RecognitionFailed) -> list[Command]:
        current = self._utterance
        if current is not None and current.number == event.utterance and current.asked_ms == event.until_ms:
            current.known_ms, current.text, current.failed = event.until_ms, "", True
        return []

    @_on.register
    def _(self, event: DigitPressed) -> list[Command]:
        self._no_input.heard()
        self._keys.press(event.digit, event.at_ms, self._expectation)
        if self._speech.speaking and not self._speech.protected:
            return self._interrupt()
        return []

    @_on.register
    def _(self, event: DialogueAnswered) -> list[Command]:
        if event.turn != self._asking:
            return []
        self._asking = None
        self._failures = 0
        # A disclosure must be heard, so it does not wait for the floor; anything else does.
        if self._utterance is not None and all(reply.barge_in for reply in event.replies):
            self._held = event.replies
            return []
        return self._say(event.replies, event.turn)

    @_on.register
    def _(self, event: DialogueFailed) -> list[Command]:
        if event.turn != self._asking:
            return []
        self._asking = None
        self._failures += 1
        if self._failures == 1:
            return self._prompt(self._prompts.dialogue_failed, "dialogue_failed")
        return self._prompt(self._prompts.dialogue_failed_again, "dialogue_failed_again", "transfer")

    @_on.register
    def _(self, event: PartReached) -> list[Command]:
        over = self._speech.reached(event.speech, event.part, event.played)
        if over is None:
            return []
        if over.to_the_end and over.reply.action in ("transfer", "hangup"):
            self._due_actions.append(over.reply)
        if not self._speech.speaking:
            self._silent_since_ms = event.at_ms
        return [over.ended]

    @_on.register
    def _(self, event: TransferEnded) -> list[Command]:
        self._transferring = False
        if 200 <= event.status < 300:
            return []
        return self._prompt(self._prompts.transfer_failed, "transfer_failed")

    @_on.register
    def _(self, event: CallEnded) -> list[Command]:
        self._over = True
        return []

    # --- deadlines

    def _deadlines(self, now_ms: int) -> list[Command]:
        return [
            *self._speech.resumed(),
            *self._act(),
            *self._barge_in(now_ms),
            *self._speculate(now_ms),
            *self._take_keys(now_ms),
            *self._end_turn(now_ms),
            *self._silence(now_ms),
        ]

    def _act(self) -> list[Command]:
        """What a reply wanted done after it was heard in full, unless the caller has taken the floor
        meanwhile.
        """
        if not self._due_actions or self._speech.speaking:
            return []
        reply = self._due_actions[-1]
        if self._utterance is not None and reply.barge_in:
            # The caller says something: words will drop the action, a noise lets it happen.
            return []
        self._due_actions = []
        if reply.action == "hangup":
            self._over = True
            return [HangUp("goodbye")]
        self._transferring = True
        return [TransferCall(reply.target)]

    def _barge_in(self, now_ms: int) -> list[Command]:
        current = self._utterance
        if current is None or current.pausing or not self._speech.speaking or self._speech.protected:
            return []
        if not barge_in.interrupts(now_ms, current.onset_ms, self._settings.barge_in_ms):
            return []
        current.interrupted = True
        return self._interrupt()

    def _speculate(self, now_ms: int) -> list[Command]:
        current = self._utterance
        if current is None:
            return []
        too_long = now_ms - current.from_ms >= self._settings.max_utterance_ms
        if too_long and not current.pausing:
            current.end_ms, current.forced = now_ms, True
        if current.end_ms is None or current.asked:
            return []
        if not too_long and now_ms - current.end_ms < self._settings.speculate_ms:
            return []
        current.asked_ms = now_ms
        return [Recognize(current.number, current.from_ms, now_ms)]

    def _take_keys(self, now_ms: int) -> list[Command]:
        if self._asking is not None or not self._keys:
            return []
        end_ms = self._keys.last_ms
        digits = self._keys.take(now_ms, self._expectation)
        if digits is None:
            return []
        # Whoever keys an answer in may have been muttering it; the keys are the answer.
        abandoned = self._drop_utterance("keys")
        return [*abandoned, *self._commit("", digits, end_ms, end_ms)]

    def _end_turn(self, now_ms: int) -> list[Command]:
        current = self._utterance
        if current is None or current.end_ms is None or self._asking is not None:
            return []
        if not current.known:
            if not current.asked or now_ms - current.end_ms < self._settings.recognition_timeout_ms:
                return []
            current.known_ms, current.failed = now_ms, True
        endpointing = self._settings.endpointing
        delay_ms = endpointing_delay_ms(self._expectation, current.text, self._pauses.delay_ms, endpointing)
        if now_ms - current.end_ms < delay_ms:
            return []
        if self._speech.speaking and self._speech.protected:
            return []
        return self._conclude(current)

    def _silence(self, now_ms: int) -> list[Command]:
        busy = self._speech.speaking or self._asking is not None or self._transferring
        if busy or self._utterance is not None or self._keys:
            self._no_input.suspend()
            return []
        self._no_input.wait(now_ms)
        match self._no_input.due(now_ms):
            case Silence.CHECK_IN:
                return self._prompt(self._prompts.check_in, "check_in")
            case Silence.GOODBYE:
                return self._prompt(self._prompts.no_input_goodbye, "no_input_goodbye", "hangup")
            case None:
                return []

    # --- steps

    def _conclude(self, current: Utterance) -> list[Command]:
        """The caller has finished: a turn for the dialogue, or nothing that was meant for us."""
        assert current.end_ms is not None
        spoken_ms = current.end_ms - current.onset_ms
        if self._transferring:
            return self._drop_utterance("transferring")
        if (
            not current.text
            and not current.failed
            and (current.interrupted or spoken_ms < self._settings.noise_ms)
        ):
            return [*self._drop_utterance("noise"), *self._carry_on()]
        if self._is_backchannel(current):
            return [*self._drop_utterance("backchannel"), *self._carry_on()]
        self._utterance = self._successor(current)
        self._pauses.turn_ended()
        self._ended_ms = current.end_ms
        text = current.text or NOT_UNDERSTOOD
        return self._commit(text, None, current.from_ms, current.end_ms, current.confidence)

    def _is_backchannel(self, current: Utterance) -> bool:
        """Whether the words only said “I am listening”, while the agent spoke and not right after."""
        if self._expectation.kind == "yes_no" or not current.over_agent or current.end_ms is None:
            return False
        in_the_middle = current.interrupted or self._speech.speaking or current.end_ms < self._silent_since_ms
        # An “okay” to “I am connecting you” agrees with what is about to happen.
        in_the_middle = in_the_middle or bool(self._due_actions)
        return in_the_middle and barge_in.is_backchannel(current.text)

    def _successor(self, current: Utterance) -> Utterance | None:
        """The utterance that goes on where one was cut because it was too long for the recogniser."""
        if not current.forced or current.end_ms is None:
            return None
        self._utterances += 1
        return Utterance(self._utterances, current.end_ms, current.end_ms)

    def _learn_pause(self, end_ms: int | None, onset_ms: int) -> None:
        """The caller went on after a pause; pauses between dictated digits say nothing about free speech."""
        if end_ms is not None and self._expectation.kind == "free":
            self._pauses.paused(onset_ms - end_ms)

    def _carry_on(self) -> list[Command]:
        """Nobody wanted the floor: say what was held back, or what the interruption cut off."""
        held, self._held = self._held, ()
        if held:
            return self._say(held, self._turn)
        self._speech.resume()
        return []

    def _commit(
        self, text: str, keys: str | None, from_ms: int, end_ms: int, confidence: float = 1.0
    ) -> list[Command]:
        """Ask the dialogue. The caller has the floor: nothing that was held back or cut off comes back."""
        commands: list[Command] = []
        if self._held:
            self._held = ()
            commands.append(DropReplies(self._turn))
        if self._speech.speaking and not self._speech.protected:
            commands += self._interrupt()
        self._speech.forget()
        self._due_actions = []
        self._turn += 1
        self._asking = self._turn
        commands.append(CommitTurn(self._turn, text, keys, self._expectation, from_ms, end_ms, confidence))
        return commands

    def _drop_utterance(self, reason: str) -> list[Command]:
        current, self._utterance = self._utterance, None
        return [] if current is None else [IgnoreUtterance(current.number, current.text, reason)]

    def _interrupt(self) -> list[Command]:
        self._speech.interrupt()
        self._due_actions = []
        return [StopSpeaking()]

    def _say(self, replies: tuple[Reply, ...], turn: int) -> list[Command]:
        """Speak the replies in order and listen for what the last one expects."""
        if any(reply.action == "repeat" for reply in replies):
            replies = self._last_said or replies
        elif any(reply.text for reply in replies):
            self._last_said = replies
        commands: list[Command] = []
        expectation = expectation_of(replies)
        if expectation is not None and expectation != self._expectation:
            self._expectation = expectation
            commands.append(Listen(expectation))
        for reply in replies:
            speak = self._speech.say(reply, turn)
            if speak is not None:
                commands.append(speak)
            elif reply.action in ("transfer", "hangup"):
                self._due_actions.append(reply)
        return commands

    def _prompt(self, text: str, name: str, action: CallAction | None = None) -> list[Command]:
        """Say something of our own that changes neither what is expected nor what “repeat” repeats.

        Before an action it must be heard in full.
        """
        reply = Reply(text=text, name=name, barge_in=action is None, action=action)
        speak = self._speech.say(reply, self._turn)
        return [] if speak is None else [speak]
