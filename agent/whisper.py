# SPDX-License-Identifier: GPL-3.0-or-later
"""Whisper through faster-whisper and CTranslate2, on the features of the utterance instead of 30 seconds of
padding.

The encoder costs by the frame, so a turn of 3.7 s padded to 30 s costs some six times what it needs
(docs/measurements.md). The crop can be switched off for a model that turns out to need the padding.
"""

from __future__ import annotations

import math

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel

from agent.recognizer import Transcript
from agent.settings import WhisperSettings
from agent.turns.expectation import Expectation

_MAX_FRAMES = 3000
_MIN_FRAMES = 100


def cropped_length(frames: int, padding: int, mels: int) -> int:
    """How many of Whisper's 3,000 feature frames to encode when `frames` of them carry sound.

    Even, since the encoder halves them, and never twice `mels`: CTranslate2 takes an encoder output of as
    many positions as there are mels for features and encodes it again.
    """
    length = min(_MAX_FRAMES, max(_MIN_FRAMES, frames + padding))
    length += length % 2
    return length + 2 if length == 2 * mels else length


class _ShortWhisperModel(WhisperModel):  # type: ignore[misc]
    """WhisperModel whose encoder sees the sound and a little silence only."""

    padding_frames = 50

    def encode(self, features: npt.NDArray[np.float32]) -> ctranslate2.StorageView:
        sounding = np.flatnonzero(np.abs(features).sum(axis=0))
        frames = int(sounding[-1]) + 1 if len(sounding) else 0
        length = cropped_length(frames, self.padding_frames, features.shape[0])
        return super().encode(np.ascontiguousarray(features[:, :length]))


class WhisperRecognizer:
    """A Recognizer on faster-whisper.

    One model serves all calls of the process; CTranslate2 releases the GIL.
    """

    def __init__(self, settings: WhisperSettings) -> None:
        if not (settings.model / "model.bin").is_file():
            raise FileNotFoundError(
                f"no recogniser in {settings.model}: `tellerline models verify` names the missing files"
            )
        self._settings = settings
        model_class = _ShortWhisperModel if settings.crop else WhisperModel
        self._model = model_class(
            str(settings.model),
            device=settings.device,
            compute_type=settings.compute_type,
            cpu_threads=settings.threads,
            num_workers=2,
        )
        if settings.crop:
            self._model.padding_frames = settings.padding_frames

    @property
    def name(self) -> str:
        """The model's folder name."""
        return self._settings.model.name

    def recognize(self, sound: npt.NDArray[np.float32], expectation: Expectation) -> Transcript:
        """The words in `sound`, float32 at 16 kHz.

        Greedy fall-back through temperatures is off: one bad turn would loop for seconds.
        """
        segments, _ = self._model.transcribe(
            sound,
            language=self._settings.language,
            beam_size=self._settings.beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
            max_new_tokens=self._settings.max_tokens,
            no_speech_threshold=None,
            log_prob_threshold=None,
        )
        found = list(segments)
        if not found:
            return Transcript("", 0.0)
        logprob = sum(segment.avg_logprob for segment in found) / len(found)
        text = " ".join(segment.text.strip() for segment in found).strip()
        if logprob < self._settings.least_logprob:
            text = ""
        return Transcript(text, math.exp(min(0.0, logprob)))
