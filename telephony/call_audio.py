# SPDX-License-Identifier: GPL-3.0-or-later
"""The audio of one call between the media clock and the agent: frames out without gaps, playout paced,
marks answered.

Shared by two threads: the media clock's, which pulls and delivers frames, and the media streams', which
queues speech.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from contracts.media_stream import FRAME_MS, SILENT_FRAME, Cleared, Held, MarkReached, encode
from telephony.media_stream import AgentStream
from telephony.playout import MarkPassed, Playout

log = logging.getLogger(__name__)


class CallAudio:
    """A call's playout queue and audio clock. The clock starts anew with each stream, at its first frame."""

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id
        self._lock = threading.Lock()
        self._playout = Playout()
        self._stream: AgentStream | None = None
        self._frames = 0
        self._held = False
        self._odd_size_reported = False

    # --- media clock's thread ---

    def next_frame(self) -> bytes | None:
        """The frame to play now; what falls due with it is reported and done."""
        with self._lock:
            tick = self._playout.pull()
            self._report(tick.marks)
        for action in tick.actions:
            action()
        return tick.frame

    def on_frame(self, pcm: bytes) -> None:
        """Pass a frame of the caller to the agent; the audio clock goes on by 20 ms.

        Of a caller who holds the agent hears silence, not their music.
        """
        with self._lock:
            if self._stream is not None:
                self._frames += 1
                self._stream.send(SILENT_FRAME if self._held else pcm)

    # --- any thread ---

    @property
    def now_ms(self) -> int:
        """The audio clock: ms of audio sent to the agent on this stream."""
        return self._frames * FRAME_MS

    def attach(self, stream: AgentStream | None) -> None:
        """Send frames to this stream from now on, with a clock that starts at 0; None: to nobody."""
        with self._lock:
            self._stream = stream
            self._frames = 0
            if self._held:
                self._tell_held()

    def play(self, pcm: bytes) -> None:
        """Queue speech."""
        with self._lock:
            left_over = self._playout.push(pcm)
        if left_over and not self._odd_size_reported:
            self._odd_size_reported = True
            log.warning(
                "%s agent sent %d bytes beyond whole frames, dropped (logged once)", self._call_id, left_over
            )

    def mark(self, name: str) -> None:
        """Answer `name` when everything queued so far has been played or dropped."""
        with self._lock:
            self._playout.mark(name)

    def then(self, action: Callable[[], None]) -> None:
        """Do `action` when everything queued so far has been played, or been dropped."""
        with self._lock:
            self._playout.then(action)

    def pause(self) -> None:
        """Silence from the next tick on; what is queued waits."""
        with self._lock:
            self._playout.pause()

    def resume(self, rewind_ms: int) -> None:
        """Go on after a pause, `rewind_ms` earlier."""
        with self._lock:
            self._playout.resume(rewind_ms)

    def hold(self, on: bool) -> bool:
        """The caller holds us (or no longer does): nothing is played or lost meanwhile; the agent is told.

        False, and nobody is told, when it is so already.
        """
        with self._lock:
            if on == self._held:
                return False
            self._held = on
            self._playout.freeze(on)
            self._tell_held()
            return True

    def clear(self) -> None:
        """Drop queued speech; marks are answered first, in order, then the clear itself."""
        with self._lock:
            outcome = self._playout.clear()
            self._report(outcome.marks)
            if self._stream is not None:
                cleared = Cleared(
                    dropped_ms=outcome.dropped_ms, played_ms=outcome.played_ms, at_ms=self.now_ms
                )
                self._stream.send(encode(cleared))
        for action in outcome.actions:
            action()

    def abandon(self) -> None:
        """Drop queued speech of an agent that is gone, and its marks."""
        with self._lock:
            self._playout.clear()

    def detach_with_marks(self) -> tuple[AgentStream | None, int]:
        """End of the call: answer the marks that are left as not played.

        Returns the stream and the clock's last value.
        """
        with self._lock:
            self._report(self._playout.clear().marks)
            stream, self._stream = self._stream, None
            return stream, self.now_ms

    def _report(self, marks: Iterable[MarkPassed]) -> None:
        if self._stream is None:
            return
        for mark in marks:
            reached = MarkReached(
                name=mark.name, played=mark.played, played_ms=mark.played_ms, at_ms=self.now_ms
            )
            self._stream.send(encode(reached))

    def _tell_held(self) -> None:
        if self._stream is not None:
            self._stream.send(encode(Held(on=self._held, at_ms=self.now_ms)))
