# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's wishes to recognise, carried out on the call's own sound; what the caller made stale is
dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from agent.ear import Ear
from agent.ears import Listened
from agent.live_call import LiveCall
from agent.recognizer import Heard
from agent.sensitive import mask_unended
from agent.turns.commands import Recognize, RecognizePartial
from agent.turns.events import Event, PartialArrived, RecognitionFailed, TranscriptArrived

log = logging.getLogger(__name__)


class Listener:
    """Recognises for one call."""

    def __init__(self, call: LiveCall, ear: Ear, handle: Callable[[Event], None]) -> None:
        self._call = call
        self._ear = ear
        self._handle = handle
        self._latest: asyncio.Task[None] | None = None

    def recognize(self, command: Recognize) -> None:
        """Recognise all of an utterance, and judge whether it is over."""
        self._call.work.recognitions += 1
        self._latest = self._call.spawn(self._recognize(command))

    def recognize_partly(self, command: RecognizePartial) -> None:
        """Recognise its beginning, if an engine has nothing else to do."""
        self._call.spawn(self._recognize_partly(command))

    def abandon(self, utterance: int) -> None:
        """The caller goes on: what is being recognised is stale."""
        self._call.work.recognitions_stale += 1
        self._call.note("recognition_abandoned", utterance=utterance)
        if self._latest is not None:
            self._latest.cancel()

    async def _recognize(self, command: Recognize) -> None:
        call = self._call
        began = call.clock()
        heard = self._heard(command)
        try:
            found = await call.engines.ears.listen(heard)
        except Exception:
            # Whatever broke in the engine, the caller must be asked again instead of waiting.
            log.exception("%s: the recogniser broke", call.call_id)
            call.note("recognition_failed", utterance=command.utterance)
            self._handle(RecognitionFailed(call.now_ms, command.utterance, command.until_ms))
            return
        call.reply_work_ms = call.since_ms(began)
        self._note(command, heard, found, call.reply_work_ms)
        transcript = found.transcript
        arrived = TranscriptArrived(
            call.now_ms,
            command.utterance,
            command.until_ms,
            transcript.text,
            transcript.confidence,
            found.finished,
        )
        self._handle(arrived)

    async def _recognize_partly(self, command: RecognizePartial) -> None:
        call = self._call
        heard = self._heard(command)
        try:
            found = await call.engines.ears.listen_partly(heard)
        except Exception as error:
            # The final recognition will fail as loudly as is needed.
            log.warning("%s: a partial recognition broke: %s", call.call_id, error)
            return
        if found is None:
            call.work.partials_left_out += 1
            return
        call.work.partials += 1
        text = mask_unended(found.text, heard.expectation)
        call.note("partial", utterance=command.utterance, text=text, until_ms=command.until_ms)
        self._handle(PartialArrived(call.now_ms, command.utterance, command.until_ms, found.text))

    def _heard(self, command: Recognize | RecognizePartial) -> Heard:
        return Heard(
            self._ear.words(command.from_ms, command.until_ms),
            self._call.machine.expectation,
            self._ear.sound(command.from_ms, command.until_ms),
        )

    def _note(self, command: Recognize, heard: Heard, found: Listened, took_ms: int) -> None:
        self._call.note(
            "transcript",
            utterance=command.utterance,
            text=mask_unended(found.transcript.text, heard.expectation),
            confidence=round(found.transcript.confidence, 3),
            finished=None if found.finished is None else round(found.finished, 3),
            until_ms=command.until_ms,
            took_ms=took_ms,
        )
