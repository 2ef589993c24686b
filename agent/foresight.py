# SPDX-License-Identifier: GPL-3.0-or-later
"""Speculation on the dialogue: while the silence that ends the turn still runs, the words are parsed and what
they will probably be answered is synthesised. None of it has an effect, and all of it is dropped when the
caller speaks on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from agent.clauses import split_clauses
from agent.dialogue import DialogueUnavailable
from agent.live_call import LiveCall
from agent.sensitive import text_message
from agent.turns.commands import Foresee

log = logging.getLogger(__name__)


class Foresight:
    """Prepares for the turn that one call will probably take next."""

    def __init__(self, call: LiveCall, pace: Callable[[], float]) -> None:
        self._call = call
        self._pace = pace
        self._text = ""
        self._task: asyncio.Task[None] | None = None

    def foresee(self, command: Foresee) -> None:
        """Prepare for these words."""
        self.drop()
        self._call.work.foresights += 1
        self._text = command.text
        self._task = self._call.spawn(self._prepare(command))

    def drop(self) -> None:
        """The caller goes on."""
        if self._task is not None:
            self._task.cancel()
        self._task, self._text = None, ""

    def committed(self, text: str) -> None:
        """The turn came; count whether it was the foreseen one."""
        self._call.work.foresights_used += bool(text) and text == self._text

    async def _prepare(self, command: Foresee) -> None:
        call = self._call
        message = text_message(command.text, command.expectation, call.call_id, call.engines.seal)
        try:
            foreseen = await call.engines.dialogue.foresee(call.call_id, message)
        except DialogueUnavailable as error:
            # It was only to save time; the turn itself will tell if the dialogue is gone.
            log.info("%s: nothing foreseen: %s", call.call_id, error)
            return
        call.note("foreseen", utterance=command.utterance, intent=foreseen.intent.name)
        for text in foreseen.likely:
            for clause in split_clauses(text):
                await call.engines.voices.sound_of(clause, self._pace())
