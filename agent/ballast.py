# SPDX-License-Identifier: GPL-3.0-or-later
"""A recogniser that is as slow as a larger one, for measuring: beside the real recognition a second
Whisper, of any weights, decodes the same sound, and the words are handed over when both are done.

So `tellerline bench latency --shape base.en` shows what a caller of that model would wait, on a machine that
has no such model.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ctranslate2

from agent.recognizer import Heard, Transcript
from agent.whisper import WhisperRecognizer, batch_features

# Words are about 1.3 tokens; a turn of telephone banking has some nine words.
_TOKENS = 12
# English-only Whisper: end of text, start of transcript, no timestamps.
_END, _START, _NO_TIMESTAMPS = 50256, 50257, 50362


class BallastRecognizer:
    """A Recognizer with the words of one and the time of another."""

    def __init__(self, recognizer: WhisperRecognizer, folder: Path, threads: int) -> None:
        self._recognizer = recognizer
        self._folder = folder
        self._weights = ctranslate2.models.Whisper(
            str(folder), compute_type="int8", inter_threads=2, intra_threads=threads
        )
        self._beside = ThreadPoolExecutor(2, "beside-ballast")

    @property
    def name(self) -> str:
        """Both models' names."""
        return f"{self._recognizer.name} at the pace of {self._folder.name}"

    def recognize(self, batch: Sequence[Heard]) -> list[Transcript]:
        """The words of each sound, when the ballast has decoded its tokens."""
        words = self._beside.submit(self._recognizer.recognize, batch)
        features = batch_features(
            [self._recognizer.features(heard.sound) for heard in batch], self._recognizer.padding, crop=True
        )
        self._weights.generate(
            self._weights.encode(ctranslate2.StorageView.from_array(features)),
            [[_START, _NO_TIMESTAMPS]] * len(batch),
            beam_size=self._recognizer.beam_size,
            # CTranslate2 generates half of it at most, and these weights know no end.
            max_length=2 * _TOKENS,
            suppress_tokens=[_END],
            suppress_blank=False,
        )
        return words.result()
