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

from agent.loudness import amplified
from agent.manner import Manner
from agent.playback import Playback
from agent.turns.commands import Speak
from agent.turns.events import PartReached
from contracts.media_stream import FRAME_BYTES, FRAME_MS, Clear, Mark, MarkReached, Pause, Resume, encode
from contracts.reply import VoiceChange

log = logging.getLogger(__name__)

# Puts a message on its way to the gateway, in order; never waits.
Send = Callable[[str | bytes], None]
# The sound of a clause at a pace.
SoundOf = Callable[[str, float], Awaitable[bytes]]
_UNSAID = "unsaid"


@dataclass(frozen=True, slots=True)
class FirstSound:
    """The first sound of a speech went to the gateway, `synthesis_ms` after the speech was ordered."""

    speech: int
    turn: int
    name: str
    synthesis_ms: int


@dataclass(frozen=True, slots=True)
class _Order:
    era: int
    speak: Speak
    manner: Manner
    at: float


class Mouth:
    """Speaks on one call."""

    def __init__(
        self,
        send: Send,
        sound_of: SoundOf,
        on_first_sound: Callable[[FirstSound], None],
        clock: Callable[[], float],
    ) -> None:
        self._send = send
        self._sound_of = sound_of
        self._on_first_sound = on_first_sound
        self._clock = clock
        self._orders: asyncio.Queue[_Order] = asyncio.Queue()
        self._era = 0
        self._lengths_ms: dict[str, int] = {}
        self.manner = Manner()
        self.playback = Playback()

    def say(self, speak: Speak) -> None:
        """Queue a speech."""
        self._orders.put_nowait(_Order(self._era, speak, self.manner, self._clock()))

    def change(self, change: VoiceChange) -> None:
        """Speak differently from the next speech on."""
        self.manner = self.manner.changed(change)

    def pause(self) -> None:
        """Silence, and keep what is queued."""
        self._send(encode(Pause()))
        self.playback.pause()

    def resume(self, rewind_ms: int) -> None:
        """Go on where the pause began, a little further back."""
        self._send(encode(Resume(rewind_ms=rewind_ms)))
        self.playback.resume(rewind_ms)

    def stop(self) -> None:
        """Drop everything that was queued until now, at the gateway first."""
        self._era += 1
        self._send(encode(Clear()))
        self.playback.clear()

    async def run(self) -> None:
        """Speak until cancelled."""
        while True:
            order = await self._orders.get()
            for part, text in enumerate(order.speak.parts):
                said = order.era == self._era and await self._say_part(order, part, text)
                name = f"{order.speak.speech}.{part}"
                self._send(encode(Mark(name=name if said else f"{name}.{_UNSAID}")))

    def part_reached(self, mark: MarkReached, now_ms: int) -> PartReached | None:
        """The fate of a clause that a mark tells; None for a mark that is not ours."""
        speech, _, rest = mark.name.partition(".")
        part, _, unsaid = rest.partition(".")
        if not (speech.isdigit() and part.isdigit()):
            return None
        played = mark.played and unsaid != _UNSAID
        length_ms = self._lengths_ms.pop(mark.name, 0)
        share = min(1.0, mark.played_ms / length_ms) if length_ms else 0.0
        return PartReached(now_ms, int(speech), int(part), played, share)

    async def _say_part(self, order: _Order, part: int, text: str) -> bool:
        """Synthesise and send one clause; False when it was cut before that, or has no sound."""
        speak = order.speak
        try:
            sound = amplified(await self._sound_of(text, order.manner.pace), order.manner.gain_db)
        except Exception:
            # A clause that can't be spoken must not silence the rest of the call.
            log.exception("no sound for a clause of speech %d", speak.speech)
            return False
        if order.era != self._era:
            return False
        self._send(sound)
        self.playback.queue((speak.speech, part), sound)
        self._lengths_ms[f"{speak.speech}.{part}"] = len(sound) // FRAME_BYTES * FRAME_MS
        if part == 0:
            waited_ms = round((self._clock() - order.at) * 1000)
            self._on_first_sound(FirstSound(speak.speech, speak.turn, speak.name, waited_ms))
        return True
