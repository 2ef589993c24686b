# SPDX-License-Identifier: GPL-3.0-or-later
"""Whisper through faster-whisper's parts and CTranslate2, on the features of the utterance instead of 30
seconds of padding.

The encoder costs by the frame, so a turn of 3.7 s padded to 30 s costs some six times what it needs
(docs/measurements.md). The crop can be switched off for a model that turns out to need the padding. Turns are
short, so the segmenting, the seeking and the temperature fall-back of `WhisperModel.transcribe` are left out:
they take as long as the network does, and one bad turn can loop in them for seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from agent.hypotheses import Hypothesis, most_fitting
from agent.recognizer import Heard, Samples, Transcript
from agent.settings import WhisperSettings

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


def batch_features(features: Sequence[Samples], padding: int, *, crop: bool) -> Samples:
    """The features of several sounds, each [mels, frames], as one array [sounds, mels, frames] that is as
    long as the longest of them needs.
    """
    mels = features[0].shape[0]
    longest = max(each.shape[1] for each in features)
    length = cropped_length(longest, padding, mels) if crop else _MAX_FRAMES
    batch = np.zeros((len(features), mels, length), np.float32)
    for row, each in zip(batch, features, strict=True):
        row[:, : each.shape[1]] = each[:, :length]
    return batch


class WhisperRecognizer:
    """A Recognizer on a faster-whisper model.

    One model serves all calls of the process; CTranslate2 releases the GIL.
    """

    def __init__(self, settings: WhisperSettings) -> None:
        if not (settings.model / "model.bin").is_file():
            raise FileNotFoundError(
                f"no recogniser in {settings.model}: `tellerline models verify` names the missing files"
            )
        self._settings = settings
        self._whisper = WhisperModel(
            str(settings.model),
            device=settings.device,
            compute_type=settings.compute_type,
            cpu_threads=settings.threads,
            num_workers=2,
        )
        self._tokenizer = Tokenizer(
            self._whisper.hf_tokenizer,
            self._whisper.model.is_multilingual,
            task="transcribe",
            language=settings.language,
        )
        self._prompt = self._whisper.get_prompt(self._tokenizer, [], without_timestamps=True)
        self._suppressed = list(get_suppressed_tokens(self._tokenizer, [-1]) or ())

    @property
    def name(self) -> str:
        """The model's folder name."""
        return self._settings.model.name

    @property
    def beam_size(self) -> int:
        """The width of the search."""
        return self._settings.beam_size

    @property
    def padding(self) -> int:
        """The silence that is encoded after the sound, in frames of 10 ms."""
        return self._settings.padding_frames

    def recognize(self, batch: Sequence[Heard]) -> list[Transcript]:
        """The words of each sound."""
        settings = self._settings
        features = batch_features(
            [self.features(heard.sound) for heard in batch], settings.padding_frames, crop=settings.crop
        )
        results = self._whisper.model.generate(
            self._whisper.encode(features),
            [self._prompt] * len(batch),
            beam_size=settings.beam_size,
            num_hypotheses=settings.beam_size,
            # CTranslate2 generates half of it at most.
            max_length=2 * settings.max_tokens,
            suppress_tokens=self._suppressed,
            return_scores=True,
        )
        return [self._transcript(result, heard) for result, heard in zip(results, batch, strict=True)]

    def features(self, sound: Samples) -> Samples:
        """The log-mel features of a sound, float32 [mels, frames] at 100 frames a second."""
        features: Samples = self._whisper.feature_extractor(sound)
        return features[:, :_MAX_FRAMES]

    def _transcript(self, result: Any, heard: Heard) -> Transcript:
        found = []
        for tokens, score in zip(result.sequences_ids, result.scores, strict=True):
            # CTranslate2 gives the mean over the tokens; the end token belongs to the sum as well.
            logprob = score * len(tokens)
            text = self._tokenizer.decode(tokens).strip()
            found.append(Hypothesis(text, logprob, logprob / (len(tokens) + 1)))
        best = most_fitting(found, heard.expectation)
        if best is None or best.mean_logprob < self._settings.least_logprob:
            return Transcript("", 0.0 if best is None else math.exp(min(0.0, best.mean_logprob)))
        return Transcript(best.text, math.exp(min(0.0, best.mean_logprob)))
