# SPDX-License-Identifier: GPL-3.0-or-later
"""The mouth of one call: speeches become sound, in order, a clause at a time, ahead of the playout, each
clause followed by its mark.

After an interruption the clauses that were not sent yet are marked as unsaid, so that the turn machine hears
the fate of every clause in order, from the gateway's marks alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.turns.commands import Speak
from agent.turns.events import PartReached
from contracts.media_stream import Clear, Mark, MarkReached, encode

log = logging.getLogger(__name__)

# Puts a message on its way to the gateway, in order; never waits.
Send = Callable[[str | bytes], None]
_UNSAID = "unsaid"


@dataclass(frozen=True, slots=True)
class FirstSound:
    """The first sound of a speech went to the gateway, `synthesis_ms` after the speech was ordered."""

    speech: int
    turn: int
    synthesis_ms: int


class Mouth:
    """Speaks on one call."""

    def __init__(
        self,
        send: Send,
        sound_of: Callable[[str], Awaitable[bytes]],
        on_first_sound: Callable[[FirstSound], None],
        clock: Callable[[], float],
    ) -> None:
        self._send = send
        self._sound_of = sound_of
        self._on_first_sound = on_first_sound
        self._clock = clock
        self._orders: asyncio.Queue[tuple[int, Speak, float]] = asyncio.Queue()
        self._era = 0

    def say(self, speak: Speak) -> None:
        """Queue a speech."""
        self._orders.put_nowait((self._era, speak, self._clock()))

    def stop(self) -> None:
        """Drop everything that was queued until now, at the gateway first."""
        self._era += 1
        self._send(encode(Clear()))

    async def run(self) -> None:
        """Speak until cancelled."""
        while True:
            era, speak, ordered = await self._orders.get()
            for part, text in enumerate(speak.parts):
                said = era == self._era and await self._say_part(era, speak, part, text, ordered)
                name = f"{speak.speech}.{part}"
                self._send(encode(Mark(name=name if said else f"{name}.{_UNSAID}")))

    async def _say_part(self, era: int, speak: Speak, part: int, text: str, ordered: float) -> bool:
        """Synthesise and send one clause; False when it was cut before that, or has no sound."""
        try:
            sound = await self._sound_of(text)
        except Exception:
            # A clause that can't be spoken must not silence the rest of the call.
            log.exception("no sound for a clause of speech %d", speak.speech)
            return False
        if era != self._era:
            return False
        self._send(sound)
        if part == 0:
            waited_ms = round((self._clock() - ordered) * 1000)
            self._on_first_sound(FirstSound(speak.speech, speak.turn, waited_ms))
        return True


def part_reached(mark: MarkReached, now_ms: int) -> PartReached | None:
    """The fate of a clause that a mark tells; None for a mark that is not ours."""
    speech, _, rest = mark.name.partition(".")
    part, _, unsaid = rest.partition(".")
    if not (speech.isdigit() and part.isdigit()):
        return None
    return PartReached(now_ms, int(speech), int(part), mark.played and unsaid != _UNSAID)
