# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's side of the floor: the utterance that is going on, what is recognised of it and when, and the
pauses that this caller makes.
"""

from __future__ import annotations

from agent.turns.barge_in import is_interjection
from agent.turns.commands import AbandonRecognition, Command, IgnoreUtterance, Recognize, RecognizePartial
from agent.turns.events import (
    PartialArrived,
    RecognitionFailed,
    SpeechStarted,
    SpeechStopped,
    TranscriptArrived,
)
from agent.turns.expectation import Expectation
from agent.turns.pauses import CallerPauses
from agent.turns.settings import TurnSettings
from agent.turns.utterance import Utterance


class Listening:
    """Follows the caller's speech from the VAD's and the recogniser's events."""

    def __init__(self, settings: TurnSettings) -> None:
        self._settings = settings
        self._pauses = CallerPauses(settings.endpointing)
        self._count = 0
        self._ended_ms: int | None = None
        self.utterance: Utterance | None = None

    @property
    def usual_pause_ms(self) -> int:
        """The silence that ends free speech of this caller."""
        return self._pauses.delay_ms

    # --- events

    def started(self, event: SpeechStarted, *, over_agent: bool, free: bool) -> list[Command]:
        """The caller speaks, or goes on. Only the pauses of `free` speech teach: dictation has its own."""
        current = self.utterance
        if current is not None:
            asked = current.asked
            self._learn(current.end_ms if free else None, event.onset_ms)
            current.go_on()
            return [AbandonRecognition(current.number)] if asked else []
        if self._ended_ms is not None:
            soon = event.onset_ms - self._ended_ms <= self._settings.endpointing.cut_off_ms
            self._learn(self._ended_ms if soon and free else None, event.onset_ms)
        from_ms = max(0, event.onset_ms - self._settings.preroll_ms)
        self.utterance = self._new(from_ms, event.onset_ms)
        self.utterance.over_agent = over_agent
        return []

    def stopped(self, event: SpeechStopped) -> None:
        """The caller is silent, perhaps for good."""
        if self.utterance is not None:
            self.utterance.end_ms, self.utterance.forced = event.end_ms, False

    def heard_partly(self, event: PartialArrived) -> Utterance | None:
        """Note the words so far; the utterance when they are of the one that goes on."""
        current = self.utterance
        if current is None or current.number != event.utterance or current.pausing:
            return None
        if event.text:
            current.worded, current.wordless = True, False
        return current

    def heard(self, event: TranscriptArrived) -> Utterance | None:
        """Note the words; the utterance when they cover all of it."""
        current = self._asked_until(event.utterance, event.until_ms)
        if current is not None:
            current.known_ms, current.text, current.confidence = event.until_ms, event.text, event.confidence
            current.finished = event.finished
        return current

    def failed(self, event: RecognitionFailed) -> None:
        """Nothing is known of the words."""
        current = self._asked_until(event.utterance, event.until_ms)
        if current is not None:
            current.known_ms, current.text, current.failed = event.until_ms, "", True

    # --- deadlines

    def recognise(self, now_ms: int, *, urgent: bool) -> list[Command]:
        """What is to be recognised now: all of it in a pause, now and then the beginning while it goes
        on; more often where it is `urgent` to know whether there are words.
        """
        current = self.utterance
        if current is None:
            return []
        too_long = now_ms - current.from_ms >= self._settings.max_utterance_ms
        if too_long and not current.pausing:
            current.end_ms, current.forced = now_ms, True
        if current.end_ms is None:
            every_ms = self._settings.urgent_partial_ms if urgent else self._settings.partial_ms
            return self._listen_on(current, now_ms, every_ms)
        if current.asked or (not too_long and now_ms - current.end_ms < self._settings.speculate_ms):
            return []
        current.asked_ms = now_ms
        return [Recognize(current.number, current.from_ms, now_ms)]

    def settled(self, now_ms: int) -> Utterance | None:
        """The utterance, once the caller pauses and its words are known or were waited for long enough."""
        current = self.utterance
        if current is None or current.end_ms is None:
            return None
        if not current.known:
            if not current.asked or now_ms - current.end_ms < self._settings.recognition_timeout_ms:
                return None
            current.known_ms, current.failed = now_ms, True
        return current

    # --- ends

    def take(self, current: Utterance) -> None:
        """It was a turn. One that was cut for being too long goes on in the next."""
        self._pauses.turn_ended()
        self._ended_ms = current.end_ms
        self.utterance = None
        if current.forced and current.end_ms is not None:
            self.utterance = self._new(current.end_ms, current.end_ms)

    def drop(self, reason: str, expectation: Expectation) -> list[Command]:
        """It was no turn; `expectation` says how much of it may be kept."""
        current, self.utterance = self.utterance, None
        if current is None:
            return []
        return [IgnoreUtterance(current.number, current.text, reason, expectation)]

    def is_noise(self, current: Utterance) -> bool:
        """Whether it sounded like speech, and was too short for words, or made the agent pause for none,
        or for words that so short a sound can't hold, or for one that the recogniser is not sure of.
        """
        if current.failed or current.end_ms is None:
            return False
        short = current.end_ms - current.onset_ms < self._settings.noise_ms
        if not current.text:
            return short or current.interrupted
        if not current.interrupted or is_interjection(current.text):
            return False
        guessed = len(current.text.split()) == 1 and current.confidence < self._settings.sure_word
        return short or guessed

    def _asked_until(self, number: int, until_ms: int) -> Utterance | None:
        current = self.utterance
        fits = current is not None and current.number == number and current.asked_ms == until_ms
        return current if fits else None

    def _listen_on(self, current: Utterance, now_ms: int, every_ms: int) -> list[Command]:
        since_ms = current.onset_ms if current.partial_ms is None else current.partial_ms
        if now_ms - since_ms < every_ms:
            return []
        current.partial_ms = now_ms
        return [RecognizePartial(current.number, current.from_ms, now_ms)]

    def _learn(self, end_ms: int | None, onset_ms: int) -> None:
        if end_ms is not None:
            self._pauses.paused(onset_ms - end_ms)

    def _new(self, from_ms: int, onset_ms: int) -> Utterance:
        self._count += 1
        return Utterance(self._count, from_ms, onset_ms)
