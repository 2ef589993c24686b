# SPDX-License-Identifier: GPL-3.0-or-later
"""The playout queue of a call: speech sent ahead by the agent, paced out one frame a tick of the media
clock; it can be paused, taken up again a little earlier, frozen while the caller holds, and cleared.

Pure: no threads, no clock, no PJSIP. The media clock pulls, the media stream pushes; whoever shares the
queue between threads holds a lock around each call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from contracts.media_stream import FRAME_BYTES, FRAME_MS
from telephony.fade import cross_fade, fade_in, fade_out, settle

# The longest rewind that `resume` may ask for.
_HISTORY_FRAMES = 2000 // FRAME_MS


@dataclass(frozen=True, slots=True)
class MarkPassed:
    """A mark left the queue:

    `played` when all speech before it was, else it was cleared away with some of it. `played_ms`: how much
    of the speech between the mark before and this one was played.
    """

    name: str
    played: bool
    played_ms: int


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
        self._since_mark = 0
        self._paused = False
        self._frozen = False
        # What was played since the last mark, for a rewind, and how many frames at the head of the queue
        # are there for the second time.
        self._history: deque[bytes] = deque(maxlen=_HISTORY_FRAMES)
        self._repeats = 0
        # The frame played in the last tick, and the one that would have followed where speech was cut.
        self._last: bytes | None = None
        self._cut: bytes | None = None

    @property
    def queued_ms(self) -> int:
        """Speech waiting to be played, in ms; what was rewound does not count again."""
        return self._queued_frames * FRAME_MS

    @property
    def played_ms(self) -> int:
        """Speech handed to the media clock since the start, in ms. Silence and repeats do not count."""
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

    def pause(self) -> None:
        """Silence from the next tick on; the queue, and all that comes behind it, waits."""
        self._paused = True

    def resume(self, rewind_ms: int = 0) -> None:
        """Go on after a pause, `rewind_ms` earlier, yet never before the last mark passed.

        Without a pause it does nothing.
        """
        if not self._paused:
            return
        self._paused = False
        frames = min(-(-rewind_ms // FRAME_MS), len(self._history))
        if frames:
            self._remember_cut()
        for _ in range(frames):
            self._items.appendleft(self._history.pop())
        self._repeats += frames

    def freeze(self, on: bool) -> None:
        """Stop, or go on, for a reason other than a pause: both have to end before anything is played."""
        self._frozen = on

    def pull(self) -> Tick:
        """The next tick of the media clock."""
        if self._paused or self._frozen:
            self._remember_cut()
            return self._silence()
        if not self._items:
            return self._silence()
        marks: list[MarkPassed] = []
        actions: list[Callable[[], None]] = []
        while self._items:
            item = self._items.popleft()
            if isinstance(item, bytes):
                return Tick(self._play(item), tuple(marks), tuple(actions))
            if isinstance(item, _Mark):
                marks.append(self._pass(item, played=True))
                self._history.clear()
            else:
                actions.append(item.run)
        return Tick(self._silence().frame, tuple(marks), tuple(actions))

    def clear(self) -> ClearOutcome:
        """Drop all queued speech, and end a pause. Marks with dropped speech before them come back as not
        played.
        """
        self._remember_cut()
        self._paused = False
        marks: list[MarkPassed] = []
        actions: list[Callable[[], None]] = []
        dropped = -self._repeats
        for item in self._items:
            if isinstance(item, bytes):
                dropped += 1
            elif isinstance(item, _Mark):
                marks.append(self._pass(item, played=dropped <= 0))
            else:
                actions.append(item.run)
        self._items.clear()
        self._history.clear()
        self._queued_frames = self._repeats = 0
        return ClearOutcome(tuple(marks), tuple(actions), dropped * FRAME_MS, self.played_ms)

    def _pass(self, mark: _Mark, played: bool) -> MarkPassed:
        frames, self._since_mark = self._since_mark, 0
        return MarkPassed(mark.name, played, frames * FRAME_MS)

    def _play(self, frame: bytes) -> bytes:
        self._history.append(frame)
        if self._repeats:
            self._repeats -= 1
        else:
            self._queued_frames -= 1
            self._played_frames += 1
            self._since_mark += 1
        last, self._last = self._last, frame
        cut, self._cut = self._cut, None
        if cut is not None:
            return cross_fade(cut, frame)
        return frame if last is not None else fade_in(frame)

    def _silence(self) -> Tick:
        last, self._last = self._last, None
        cut, self._cut = self._cut, None
        if cut is not None:
            return Tick(fade_out(cut))
        return _SILENCE if last is None else Tick(settle(last))

    def _remember_cut(self) -> None:
        if self._last is not None and self._cut is None:
            self._cut = next((item for item in self._items if isinstance(item, bytes)), None)
