# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech synthesis as the conversation sees it, and the cache that makes what was said before free."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol


class Synthesizer(Protocol):
    """An engine that speaks text."""

    @property
    def name(self) -> str:
        """Voice and version, for the journal and the cache."""
        ...

    def synthesize(self, text: str, pace: float = 1.0) -> bytes:
        """The sound of `text` (verbalised: no digits or symbols), 16-bit PCM mono at 8 kHz, whole 20 ms
        frames.

        `pace` multiplies its length: above 1 is slower. Blocks.
        """
        ...


# A clause and the pace it is spoken at.
Spoken = tuple[str, float]


class SpeechCache:
    """The sounds of clauses, by text and pace; the least recently used go first when `max_bytes` is full
    (60 s of speech are 960 kB).
    """

    def __init__(self, max_bytes: int = 32_000_000) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._sounds: OrderedDict[Spoken, bytes] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def get(self, spoken: Spoken) -> bytes | None:
        """The sound, if it is known."""
        sound = self._sounds.get(spoken)
        if sound is None:
            self.misses += 1
            return None
        self.hits += 1
        self._sounds.move_to_end(spoken)
        return sound

    def put(self, spoken: Spoken, sound: bytes) -> None:
        """Remember a sound."""
        self._bytes += len(sound) - len(self._sounds.pop(spoken, b""))
        self._sounds[spoken] = sound
        while self._bytes > self._max_bytes and len(self._sounds) > 1:
            _, dropped = self._sounds.popitem(last=False)
            self._bytes -= len(dropped)
