# SPDX-License-Identifier: GPL-3.0-or-later
"""What all calls of a process speak with: synthesis on threads of its own, each clause and pace once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from agent.synthesizer import SpeechCache, Spoken, Synthesizer
from spoken.verbalise import verbalise

_THREADS = 2


class Voices:
    """The synthesizer behind its cache. Belongs to one event loop."""

    def __init__(self, synthesizer: Synthesizer) -> None:
        self._synthesizer = synthesizer
        self._pool = ThreadPoolExecutor(_THREADS, "synthesis")
        self._under_way: dict[Spoken, asyncio.Task[bytes]] = {}
        self.cache = SpeechCache()

    @property
    def name(self) -> str:
        """The voice, for the journal."""
        return self._synthesizer.name

    async def sound_of(self, text: str, pace: float = 1.0) -> bytes:
        """The sound of a clause, 16-bit PCM at 8 kHz in whole frames: from the cache where it was spoken
        before, from the synthesis under way where somebody asked for it a moment ago.
        """
        spoken = (text, pace)
        known = self.cache.get(spoken)
        if known is not None:
            return known
        task = self._under_way.get(spoken)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._synthesize(spoken))
            self._under_way[spoken] = task
            task.add_done_callback(lambda done: self._under_way.pop(spoken, None))
        # Whoever stops waiting must not take the sound from the others.
        return await asyncio.shield(task)

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _synthesize(self, spoken: Spoken) -> bytes:
        sound = await asyncio.get_running_loop().run_in_executor(self._pool, self._speak, *spoken)
        self.cache.put(spoken, sound)
        return sound

    def _speak(self, text: str, pace: float) -> bytes:
        return self._synthesizer.synthesize(verbalise(text), pace)
