# SPDX-License-Identifier: GPL-3.0-or-later
"""Word error of an exported model on unseen sentences, by voice and kind, through faster-whisper itself.

Twice: as anybody would load it (features padded to 30 s), and with the features cropped to the utterance,
which is what a telephone turn needs to be answered in time.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel

from training.recognizer import channel
from training.recognizer.cropping import cropped_frames
from training.recognizer.synthesis import Clip, read_shard

KINDS_REPORTED = {
    "yes_no": "yes/no",
    "dialogue": "dialogue",
    "request": "requests",
    "loan": "loan sentences",
    "amount": "amounts",
    "term": "terms",
    "purpose": "purposes",
    "digits": "digits",
    "date": "dates",
    "name": "names",
    "random_words": "random words",
    "random_numbers": "random numbers",
}


class CroppedWhisper(WhisperModel):  # type: ignore[misc]
    """faster-whisper's model that encodes no more than the utterance and half a second."""

    trailing_frames = 50

    def encode(self, features: npt.NDArray[np.float32]) -> ctranslate2.StorageView:
        """Encode features [80, frames] cropped."""
        return super().encode(
            np.ascontiguousarray(features[:, : cropped_frames(features, self.trailing_frames)])
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """One sentence and what was understood."""

    text: str
    heard: str
    kind: str
    voice: str

    @property
    def errors(self) -> int:
        """Words to be substituted, inserted and deleted to come from one to the other."""
        return edit_distance(self.text.split(), self.heard.split())


def edit_distance(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Levenshtein distance of two sequences."""
    row = list(range(len(hypothesis) + 1))
    for position, expected in enumerate(reference, 1):
        diagonal, row[0] = row[0], position
        for column, found in enumerate(hypothesis, 1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (expected != found)),
            )
    return row[-1]


def word_error(outcomes: Iterable[Outcome]) -> float:
    """Errors over words of the reference; NaN without any."""
    chosen = list(outcomes)
    words = sum(len(outcome.text.split()) for outcome in chosen)
    return sum(outcome.errors for outcome in chosen) / words if words else math.nan


def transcribe(model: WhisperModel, samples: npt.NDArray[np.float32]) -> str:
    """The text of 16 kHz samples, greedily, without timestamps or temperature fallback."""
    segments, _ = model.transcribe(
        samples, language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False,
        without_timestamps=True, max_new_tokens=40, no_speech_threshold=None,
    )  # fmt: skip
    return " ".join(segment.text.strip() for segment in segments)


def listen(
    model: WhisperModel, clips: Sequence[Clip], *, snr_db: float | None = None, seed: int = 5
) -> list[Outcome]:
    """Transcribe clips after G.711, before it white noise at `snr_db` when given, 0.4 s of silence after."""
    rng = np.random.default_rng(seed)
    outcomes = []
    for clip in clips:
        samples = clip.samples.astype(np.float64) / 32768
        samples = np.pad(samples, (channel.SAMPLE_RATE // 10, 2 * channel.SAMPLE_RATE // 5))
        if snr_db is not None:
            samples = channel.with_noise(samples, snr_db, rng)
        sound = channel.to_recognizer_rate(channel.telephone(samples * 0.7, rng))
        outcomes.append(Outcome(clip.text, transcribe(model, sound), clip.kind, clip.voice))
    return outcomes


def evaluate(folder: Path, shards: Path, limit: int, threads: int = 1) -> str:
    """A report in Markdown over the `unseen-*` shards, at most `limit` clips of each."""
    clips = {
        path.stem: _spread(read_shard(shards, path.stem), limit)
        for path in sorted(shards.glob("unseen-*.json"))
    }
    cropped = CroppedWhisper(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)
    plain = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)
    lines = [
        "| voices | clips | cropped | padded to 30 s | cropped, 10 dB noise | sentences right (cropped) |",
        "|---|---|---|---|---|---|",
    ]
    heard: list[Outcome] = []
    by_voice: dict[str, list[Outcome]] = defaultdict(list)
    for name, chosen in clips.items():
        near = listen(cropped, chosen)
        far = listen(plain, chosen)
        noisy = listen(cropped, chosen, snr_db=10)
        right = sum(outcome.errors == 0 for outcome in near) / len(near)
        lines.append(f"| {name} | {len(near)} | {word_error(near):.1%} | {word_error(far):.1%} | "
                     f"{word_error(noisy):.1%} | {right:.0%} |")  # fmt: skip
        by_voice[name] = near
        heard += near
    lines += ["", "| kind | " + " | ".join(by_voice) + " | all |", "|---" * (len(by_voice) + 2) + "|"]
    for kind, title in KINDS_REPORTED.items():
        cells = [f"{word_error(o for o in outcomes if o.kind == kind):.1%}" for outcomes in by_voice.values()]
        lines.append(
            f"| {title} | " + " | ".join(cells) + f" | {word_error(o for o in heard if o.kind == kind):.1%} |"
        )
    return "\n".join(lines) + "\n"


def _spread(clips: list[Clip], limit: int) -> list[Clip]:
    """At most `limit` clips, evenly taken: the shards go round the kinds."""
    return clips if len(clips) <= limit else clips[:limit]
