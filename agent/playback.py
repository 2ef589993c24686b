# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's own account of what the gateway is playing.

The gateway plays a frame for each frame of the caller that it sends, so the agent can follow its queue by
counting: what is being heard now (the reference that echo is told by), and how much of a clause had been
played when it was cut. It is right to the frames under way, some 20–60 ms; what the log holds comes from
the gateway's marks.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from contracts.media_stream import FRAME_BYTES, FRAME_MS

# Which clause of which speech.
Part = tuple[int, int]


@dataclass(slots=True)
class _Clause:
    part: Part
    sound: bytes
    at: int = 0
    furthest: int = 0


class Playback:
    """A mirror of the gateway's playout queue, clause by clause."""

    def __init__(self) -> None:
        self._queue: deque[_Clause] = deque()
        self._cut: dict[Part, float] = {}
        self._standing = False
        self._held = False

    def queue(self, part: Part, sound: bytes) -> None:
        """A clause was sent: 16-bit PCM at 8 kHz, whole frames."""
        if sound:
            self._queue.append(_Clause(part, sound))

    def tick(self) -> bytes | None:
        """The frame being played now; None for silence."""
        if self._standing or self._held or not self._queue:
            return None
        clause = self._queue[0]
        frame = clause.sound[clause.at : clause.at + FRAME_BYTES]
        clause.at += FRAME_BYTES
        clause.furthest = max(clause.furthest, clause.at)
        if clause.at >= len(clause.sound):
            self._queue.popleft()
            self._cut[clause.part] = 1.0
        return frame

    def pause(self) -> None:
        """The gateway was told to pause."""
        self._standing = True

    def resume(self, rewind_ms: int) -> None:
        """The gateway was told to go on, a little further back."""
        self._standing = False
        if self._queue:
            self._queue[0].at = max(0, self._queue[0].at - rewind_ms // FRAME_MS * FRAME_BYTES)

    def hold(self, on: bool) -> None:
        """The caller's telephone holds us, or not any more."""
        self._held = on

    def clear(self) -> None:
        """The gateway was told to drop everything."""
        self._standing = False
        for clause in self._queue:
            self._cut[clause.part] = clause.furthest / len(clause.sound)
        self._queue.clear()

    def share(self, part: Part) -> float:
        """How much of a clause has been played so far, 0 to 1."""
        if part in self._cut:
            return self._cut[part]
        return next(
            (clause.furthest / len(clause.sound) for clause in self._queue if clause.part == part), 0.0
        )
