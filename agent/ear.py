# SPDX-License-Identifier: GPL-3.0-or-later
"""The ear of one call: 8 kHz frames in, speech onsets and offsets out, and the sound of any span for the
recogniser.

Whisper and Silero both want 16 kHz, so the stream is resampled as it comes in: once as it is, for the
recogniser, and once without the agent's echo, for the VAD.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt
import soxr

from agent.echo import EchoGate
from agent.foreground import Foreground
from agent.vad import SAMPLE_RATE_HZ, WINDOW_SAMPLES, Offset, Onset, SpeechGate, SpeechProbability
from contracts import media_stream

# Enough for Whisper's 30 s and the preroll. Seconds.
_MEMORY_S = 32
# More than anybody makes in one utterance.
_PAUSES = 64
# What is kept of a pause on either side: decaying sound, and the breath before the next word.
_PAUSE_EDGE_MS = 100


class Ear:
    """Hears one call. Not thread-safe: it belongs to the call's event loop."""

    def __init__(
        self, probability: SpeechProbability, gate: SpeechGate, echo: EchoGate | None = None
    ) -> None:
        self._probability = probability
        self._echo = echo
        self._gate = gate
        self._foreground = Foreground()
        # The recogniser gets the line as it is: echo softer than the caller costs it little, holes in
        # words much.
        self._resampler, self._vad_resampler = _resampler(), _resampler()
        self._pending = np.zeros(0, np.float32)
        self._memory = np.zeros(_MEMORY_S * SAMPLE_RATE_HZ, np.float32)
        self._heard = 0
        self._silent_since_ms: int | None = None
        self._pauses: deque[tuple[int, int]] = deque(maxlen=_PAUSES)

    def hear(self, frame: bytes, playing: bytes | None = None) -> list[Onset | Offset]:
        """Take one frame, 16-bit PCM [160] at 8 kHz, and the frame of the agent's speech that is being played
        (None: silence); what changed by it.
        """
        narrow = _samples(frame)
        self._remember(self._resampler.resample_chunk(narrow))
        if self._echo is not None:
            narrow = self._echo.hear(narrow, None if playing is None else _samples(playing))
        self._pending = np.concatenate([self._pending, self._vad_resampler.resample_chunk(narrow)])
        changes: list[Onset | Offset] = []
        while len(self._pending) >= WINDOW_SAMPLES:
            window, self._pending = self._pending[:WINDOW_SAMPLES], self._pending[WINDOW_SAMPLES:]
            change = self._gate.push(self._foreground(window, self._probability(window)))
            if change is not None:
                self._note_pause(change)
                changes.append(change)
        return changes

    def sound(self, from_ms: int, until_ms: int) -> npt.NDArray[np.float32]:
        """What was heard in the span, float32 at 16 kHz;

        Shorter where it is no longer remembered or not yet heard.
        """
        per_ms = SAMPLE_RATE_HZ // 1000
        oldest = max(0, self._heard - len(self._memory))
        return self._samples(max(from_ms * per_ms, oldest), min(until_ms * per_ms, self._heard))

    def words(self, from_ms: int, until_ms: int) -> npt.NDArray[np.float32]:
        """What was said in the span, as `sound`, with the pauses inside it shortened to 200 ms.

        A recogniser of short turns takes a long pause for their end and leaves out what follows it.
        """
        pieces, at_ms = [], from_ms
        for began_ms, ended_ms in self._pauses:
            if began_ms < from_ms or ended_ms > until_ms or ended_ms - began_ms <= 2 * _PAUSE_EDGE_MS:
                continue
            pieces.append(self.sound(at_ms, began_ms + _PAUSE_EDGE_MS))
            at_ms = ended_ms - _PAUSE_EDGE_MS
        return np.concatenate([*pieces, self.sound(at_ms, until_ms)])

    def _note_pause(self, change: Onset | Offset) -> None:
        if isinstance(change, Offset):
            self._silent_since_ms = change.at_ms
        elif self._silent_since_ms is not None:
            self._pauses.append((self._silent_since_ms, change.at_ms))

    def _remember(self, samples: npt.NDArray[np.float32]) -> None:
        size = len(self._memory)
        at = (self._heard + np.arange(len(samples))) % size
        self._memory[at] = samples
        self._heard += len(samples)

    def _samples(self, start: int, end: int) -> npt.NDArray[np.float32]:
        if end <= start:
            return np.zeros(0, np.float32)
        at = np.arange(start, end) % len(self._memory)
        return self._memory[at]


def _samples(frame: bytes) -> npt.NDArray[np.float32]:
    return np.frombuffer(frame, "<i2").astype(np.float32) / np.float32(32768)


def _resampler() -> soxr.ResampleStream:
    narrow_hz = media_stream.SAMPLE_RATE_HZ
    return soxr.ResampleStream(narrow_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="LQ")
