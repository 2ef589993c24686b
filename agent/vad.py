# SPDX-License-Identifier: GPL-3.0-or-later
"""Voice activity detection: Silero VAD on the stream of a call, and the gate that makes speech and silence of
its probabilities.

The network is the ONNX file that faster-whisper carries (Silero VAD v6, 16 kHz, MIT licence): 0.1 CPU ms a
window of 32 ms under onnxruntime on one thread, a fraction of what the same network costs in ggml.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np
import numpy.typing as npt
import onnxruntime

from agent.settings import VadSettings
from agent.undertone import Undertone

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES = 512
WINDOW_MS = WINDOW_SAMPLES * 1000 // SAMPLE_RATE_HZ
_CONTEXT_SAMPLES = 64
_STATE_SHAPE = (1, 1, 128)

Samples = npt.NDArray[np.float32]

# A quiet line, −69 dBFS. After seconds of digital silence (an idle A-law line decodes to a constant) the
# network misses short words: it has only heard recordings, which are never silent.
_LINE_NOISE = np.random.default_rng(0).normal(0, 12 / 32768, SAMPLE_RATE_HZ).astype(np.float32)


def load_network() -> onnxruntime.InferenceSession:
    """The Silero network, on one thread that does not spin; sessions may be shared between calls."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    path = resources.files("faster_whisper") / "assets" / "silero_vad_v6.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class SpeechProbability:
    """Silero's probability of speech, window by window; the recurrent state is this call's own."""

    def __init__(self, network: onnxruntime.InferenceSession) -> None:
        self._network = network
        self._hidden = np.zeros(_STATE_SHAPE, np.float32)
        self._cell = np.zeros(_STATE_SHAPE, np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, np.float32)
        self._noise_at = 0
        self._undertone = Undertone()

    def __call__(self, window: Samples) -> float:
        """Probability in [0, 1] that `window`, float32 [512] at 16 kHz in [-1, 1], holds speech."""
        window = self._undertone(window) + _LINE_NOISE[self._noise_at : self._noise_at + WINDOW_SAMPLES]
        self._noise_at = (self._noise_at + WINDOW_SAMPLES) % (len(_LINE_NOISE) - WINDOW_SAMPLES)
        heard = np.concatenate([self._context, window])[None, :]
        probability, self._hidden, self._cell = self._network.run(
            None, {"input": heard, "h": self._hidden, "c": self._cell}
        )
        self._context = window[-_CONTEXT_SAMPLES:]
        return float(probability[0])


@dataclass(frozen=True, slots=True)
class Onset:
    """Speech has begun at `at_ms`."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Offset:
    """Speech has ended at `at_ms`."""

    at_ms: int


class SpeechGate:
    """Hysteresis over probabilities: pure, one window after another, times counted from the first."""

    def __init__(self, settings: VadSettings) -> None:
        self._settings = settings
        self._now_ms = 0
        self._speaking = False
        self._turning_ms: int | None = None

    @property
    def speaking(self) -> bool:
        """Whether speech is going on, short pauses included."""
        return self._speaking

    def push(self, probability: float) -> Onset | Offset | None:
        """Take the next window's probability;

        The change that it proves, if any, dated back to when it happened.
        """
        began_ms, self._now_ms = self._now_ms, self._now_ms + WINDOW_MS
        settings = self._settings
        turns = (
            probability < settings.stop_probability
            if self._speaking
            else probability >= settings.start_probability
        )
        if not turns:
            self._turning_ms = None
            return None
        if self._turning_ms is None:
            self._turning_ms = began_ms
        needed_ms = settings.stop_ms if self._speaking else settings.start_ms
        if self._now_ms - self._turning_ms < needed_ms:
            return None
        changed_ms, self._turning_ms = self._turning_ms, None
        self._speaking = not self._speaking
        return Onset(changed_ms) if self._speaking else Offset(changed_ms)
