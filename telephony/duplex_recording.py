# SPDX-License-Identifier: GPL-3.0-or-later
"""What a caller says and hears, on one clock: `sent[i]` and `received[i]` belong to the same 20 ms tick of
the audio bridge.

So the delay of a reply is a difference of two positions, measured at the caller's ear.
"""

from __future__ import annotations

import threading
import wave
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contracts.media_stream import FRAME_BYTES, FRAME_MS, SAMPLE_RATE_HZ, SILENT_FRAME
from telephony.speech_gate import SAMPLES_PER_MS, SpeechGate

_BYTES_PER_MS = SAMPLES_PER_MS * 2


@dataclass(slots=True)
class Utterance:
    """Something said into a call. Times are ms of the call's clock.

    `start_ms` is when its first sample goes out: foretold while it waits, exact once it does.
    `speech_start_ms` and `speech_end_ms` bound the sound in it (5 s of silence at its end are not speech).
    """

    start_ms: int
    length_ms: int
    speech_offset_ms: tuple[int, int]
    begun: bool = False

    @property
    def end_ms(self) -> int:
        """When its last sample has gone out."""
        return self.start_ms + self.length_ms

    @property
    def speech_start_ms(self) -> int:
        """When its sound begins."""
        return self.start_ms + self.speech_offset_ms[0]

    @property
    def speech_end_ms(self) -> int:
        """When its sound ends."""
        return self.start_ms + self.speech_offset_ms[1]


class DuplexRecording:
    """Both directions of a call, growing by one frame a tick, and the queue of what is still to be said."""

    def __init__(self, gate: SpeechGate | None = None) -> None:
        self.gate = gate or SpeechGate()
        self.changed = threading.Condition()
        self._sent = bytearray()
        self._received = bytearray()
        self._queue: deque[tuple[Utterance, bytes]] = deque()
        self._sending: bytes | None = None
        self._closed = False

    # --- media clock's thread ---

    def next_frame(self) -> bytes | None:
        """The caller's next 20 ms."""
        with self.changed:
            if not self._queue:
                self._sending = SILENT_FRAME
                return None
            utterance, frame = self._queue.popleft()
            if not utterance.begun:
                utterance.begun = True
                utterance.start_ms = self.now_ms
            self._sending = frame
            return frame

    def on_frame(self, pcm: bytes) -> None:
        """What the caller hears in this tick; ends the tick."""
        with self.changed:
            self._sent += self._sending or SILENT_FRAME
            self._sending = None
            self._received += pcm
            self.changed.notify_all()

    # --- any thread ---

    @property
    def now_ms(self) -> int:
        """The clock: ms recorded."""
        return len(self._received) // _BYTES_PER_MS

    @property
    def sent(self) -> bytes:
        """Everything said so far, with the silence between. 16-bit PCM, 8 kHz."""
        with self.changed:
            return bytes(self._sent)

    @property
    def received(self) -> bytes:
        """Everything heard so far. 16-bit PCM, 8 kHz."""
        with self.changed:
            return bytes(self._received)

    def say(self, pcm: bytes) -> Utterance:
        """Queue speech behind what is queued already; a broken last frame is filled up with silence."""
        pcm += bytes(-len(pcm) % FRAME_BYTES)
        frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
        length_ms = len(frames) * FRAME_MS
        bounds = (self.gate.first_speech_ms(pcm) or 0, self.gate.last_speech_ms(pcm) or length_ms)
        with self.changed:
            ticks_ahead = len(self._queue) + (self._sending is not None)
            utterance = Utterance(self.now_ms + ticks_ahead * FRAME_MS, length_ms, bounds)
            self._queue.extend((utterance, frame) for frame in frames)
        return utterance

    def hush(self) -> None:
        """Drop what is queued: the caller stops in the middle of a word."""
        with self.changed:
            self._queue.clear()

    def close(self) -> None:
        """The call is over; nobody waits any longer."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()

    def wait_until(self, ms: int, timeout_s: float) -> None:
        """Wait until the clock shows `ms`. Raises TimeoutError, also when the call ends before."""
        self._wait_for(lambda: True if self.now_ms >= ms else None, timeout_s, f"the clock to show {ms} ms")

    def wait_for_speech(self, after_ms: int, timeout_s: float) -> int:
        """The ms at which the far end begins to speak at or after `after_ms`. Raises TimeoutError."""
        scan = after_ms

        def find() -> int | None:
            nonlocal scan
            heard = bytes(self._received[scan * _BYTES_PER_MS :])
            found = self.gate.first_speech_ms(heard)
            if found is not None:
                return scan + found
            scan = max(scan, self.now_ms - 40)
            return None

        return self._wait_for(find, timeout_s, f"speech after {after_ms} ms")

    def wait_for_silence(self, for_ms: int, timeout_s: float, after_ms: int = 0) -> int:
        """The ms at which the far end's speech ended, once `for_ms` of silence follow it. Raises
        TimeoutError.

        Where nothing was heard since `after_ms` the answer is `after_ms`.
        """
        last = scan = after_ms

        def find() -> int | None:
            nonlocal last, scan
            # Only what is new: the media clock waits for the lock that this runs under.
            ended = self.gate.last_speech_ms(bytes(self._received[scan * _BYTES_PER_MS :]))
            last = last if ended is None else scan + ended
            scan = max(scan, self.now_ms - 40)
            return last if self.now_ms - last >= for_ms else None

        return self._wait_for(find, timeout_s, f"{for_ms} ms of silence after {after_ms} ms")

    def reply_delay_ms(self, utterance: Utterance) -> int | None:
        """From the end of the utterance's sound to the first speech heard after it, at the caller's ear;

        None: no reply.
        """
        heard = self.gate.first_speech_ms(self.received, utterance.speech_end_ms)
        return None if heard is None else heard - utterance.speech_end_ms

    def save(self, path: Path) -> None:
        """Write a stereo WAV: left what was said, right what was heard."""
        with self.changed:
            left = np.frombuffer(bytes(self._sent), dtype="<i2")
            right = np.frombuffer(bytes(self._received), dtype="<i2")
        with wave.open(str(path), "wb") as wav:
            wav.setnchannels(2)
            wav.setsampwidth(2)
            wav.setframerate(SAMPLE_RATE_HZ)
            wav.writeframes(np.column_stack((left, right)).astype("<i2").tobytes())

    def _wait_for(self, find: Callable[[], int | None], timeout_s: float, what: str) -> int:
        found: int | None = None

        def ready() -> bool:
            nonlocal found
            found = find()
            return found is not None or self._closed

        with self.changed:
            if not self.changed.wait_for(ready, timeout_s) or found is None:
                end = "the call ended" if self._closed else f"{timeout_s:g} s went by"
                raise TimeoutError(f"{end} waiting for {what}; the clock shows {self.now_ms} ms")
            return found
