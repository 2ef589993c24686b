# SPDX-License-Identifier: GPL-3.0-or-later
"""The playout queue of a call: speech sent ahead by the agent, paced out one frame a tick of the media
clock.

Pure: no threads, no clock, no PJSIP. The media clock pulls, the media stream pushes; whoever shares the
queue between threads holds a lock around each call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from contracts.media_stream import FRAME_BYTES, FRAME_MS


@dataclass(frozen=True, slots=True)
class MarkPassed:
    """A mark left the queue:

    `played` when all speech before it was, else it was cleared away with some of it.
    """

    name: str
    played: bool


@dataclass(frozen=True, slots=True)
class ClearOutcome:
    """What a clear did: marks in queue order, speech dropped unheard and speech played so far (both ms)."""

    marks: tuple[MarkPassed, ...]
    actions: tuple[Callable[[], None], ...]
    dropped_ms: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class Tick:
    """One 20 ms step: the frame to play (None: silence), and what fell due before it."""

    frame: bytes | None
    marks: tuple[MarkPassed, ...] = ()
    actions: tuple[Callable[[], None], ...] = ()


@dataclass(frozen=True, slots=True)
class _Mark:
    name: str


@dataclass(frozen=True, slots=True)
class _Action:
    run: Callable[[], None]


_SILENCE = Tick(None)


class Playout:
    """Frames, marks and actions in the order they were sent.

    A mark falls due at the tick after the last frame before it: that frame has then lasted its 20 ms.
    """

    def __init__(self) -> None:
        self._items: deque[bytes | _Mark | _Action] = deque()
        self._queued_frames = 0
        self._played_frames = 0

    @property
    def queued_ms(self) -> int:
        """Speech waiting to be played, in ms."""
        return self._queued_frames * FRAME_MS

    @property
    def played_ms(self) -> int:
        """Speech handed to the media clock since the start, in ms. Silence in between does not count."""
        return self._played_frames * FRAME_MS

    def push(self, pcm: bytes) -> int:
        """Queue 16-bit PCM. Returns the bytes left over beyond whole frames, which are dropped."""
        whole = len(pcm) - len(pcm) % FRAME_BYTES
        for start in range(0, whole, FRAME_BYTES):
            self._items.append(pcm[start : start + FRAME_BYTES])
        self._queued_frames += whole // FRAME_BYTES
        return len(pcm) - whole

    def mark(self, name: str) -> None:
        """Report `name` when everything queued so far has been played or dropped."""
        self._items.append(_Mark(name))

    def then(self, action: Callable[[], None]) -> None:
        """Run `action` when everything queued so far has been played;

        a clear makes it due at once, never lost.
        """
        self._items.append(_Action(action))

    def pull(self) -> Tick:
        """The next tick of the media clock."""
        if not self._items:
            return _SILENCE
        marks: list[MarkPassed] = []
        actions: list[Callable[[], None]] = []
        frame: bytes | None = None
        while self._items and frame is None:
            item = self._items.popleft()
            if isinstance(item, bytes):
                frame = item
                self._queued_frames -= 1
                self._played_frames += 1
            elif isinstance(item, _Mark):
                marks.append(MarkPassed(item.name, played=True))
            else:
                actions.append(item.run)
        return Tick(frame, tuple(marks), tuple(actions))

    def clear(self) -> ClearOutcome:
        """Drop all queued speech. Marks with dropped speech before them come back as not played."""
        marks: list[MarkPassed] = []
        actions: list[Callable[[], None]] = []
        dropped = 0
        for item in self._items:
            if isinstance(item, bytes):
                dropped += 1
            elif isinstance(item, _Mark):
                marks.append(MarkPassed(item.name, played=dropped == 0))
            else:
                actions.append(item.run)
        self._items.clear()
        self._queued_frames = 0
        return ClearOutcome(tuple(marks), tuple(actions), dropped * FRAME_MS, self.played_ms)
