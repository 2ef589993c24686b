# SPDX-License-Identifier: GPL-3.0-or-later
"""Training examples: an utterance as ids, frames per id, pitch, voicing and audio on one frame grid.

Kept as one .npz a corpus, so that training starts at once when it is resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.voice.alignment import align
from training.voice.teacher import Utterance
from training.voice.vocoder import HOP, SAMPLE_RATE

ESPEAK_VOICE = "en-us"
MAX_ALIGNMENT_COST = 0.25
"""Per phone; above it teacher and phonemiser read different words (names, abbreviations) and the example is
dropped."""
_ARRAYS = ("ids", "durations", "pitch", "voicing", "audio")
_PITCH_FLOOR_HZ, _PITCH_CEILING_HZ, _PITCH_DEFAULT_HZ = 70.0, 420.0, 180.0


@dataclass(frozen=True, slots=True)
class Example:
    """One sentence on the frame grid.

    `ids` int64 [n] are Piper's phoneme ids without padding ids; `durations` int64 [n] their frames; `pitch`
    (Hz, filled in where unvoiced) and `voicing` (0 or 1) float32 [frames]; `audio` int16 [frames × HOP].
    `cost` is the alignment's.
    """

    ids: npt.NDArray[np.int64]
    durations: npt.NDArray[np.int64]
    pitch: npt.NDArray[np.float32]
    voicing: npt.NDArray[np.float32]
    audio: npt.NDArray[np.int16]
    cost: float


def phonemiser() -> Callable[[str], list[str]]:
    """Text to the symbols `^ … $` that Piper would send to the voice, several sentences joined by a space."""
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP
    from piper.phonemize_espeak import EspeakPhonemizer

    espeak = EspeakPhonemizer()

    def phonemise(text: str) -> list[str]:
        symbols: list[str] = []
        for sentence in espeak.phonemize(ESPEAK_VOICE, text):
            symbols += [" "] if symbols else []
            symbols += [symbol for symbol in sentence if symbol in DEFAULT_PHONEME_ID_MAP]
        return ["^", *symbols, "$"]

    return phonemise


def make_example(utterance: Utterance, symbols: Sequence[str], gain: float = 1.0) -> Example:
    """The example of an utterance; `gain` scales its audio, which is clipped at full scale."""
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

    alignment = align(symbols, utterance.phones)
    seconds = np.array(alignment.seconds)
    seconds[-1] += max(0.0, len(utterance.audio) / SAMPLE_RATE - utterance.phones[-1].end)
    durations = frame_counts(seconds)
    frames = int(durations.sum())
    audio = np.zeros(frames * HOP)
    usable = min(len(audio), len(utterance.audio))
    audio[:usable] = utterance.audio[:usable] * gain
    pitch, voicing = track_pitch(audio, frames)
    ids = np.array([DEFAULT_PHONEME_ID_MAP[symbol][0] for symbol in symbols], np.int64)
    pcm = np.clip(audio * 32767, -32767, 32767).astype(np.int16)
    return Example(ids, durations, pitch, voicing, pcm, alignment.cost)


def frame_counts(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Whole frames of each symbol; rounding the running sum keeps the error below half a frame everywhere."""
    ends = np.round(np.cumsum(seconds) * SAMPLE_RATE / HOP).astype(np.int64)
    return np.diff(ends, prepend=0)


def track_pitch(
    audio: npt.NDArray[np.float64], frames: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Pitch in Hz and voicing at the middle of each frame, by WORLD's DIO and StoneMask."""
    import pyworld

    period_ms = HOP / SAMPLE_RATE * 1000
    coarse, times = pyworld.dio(
        audio, SAMPLE_RATE, f0_floor=_PITCH_FLOOR_HZ, f0_ceil=_PITCH_CEILING_HZ, frame_period=period_ms
    )
    track = pyworld.stonemask(audio, coarse, times, SAMPLE_RATE)
    middles = (np.arange(frames) + 0.5) * HOP / SAMPLE_RATE
    at_middle = np.interp(middles, times, np.where(track > 0, track, np.nan))
    voiced = ~np.isnan(at_middle)
    if voiced.any():
        filled = np.interp(np.arange(frames), np.flatnonzero(voiced), at_middle[voiced])
    else:
        filled = np.full(frames, _PITCH_DEFAULT_HZ)
    return filled.astype(np.float32), voiced.astype(np.float32)


def save(examples: Sequence[Example], path: Path) -> None:
    """Write all examples to one .npz, atomically."""
    arrays = {
        f"{place:05d}.{name}": getattr(example, name)
        for place, example in enumerate(examples)
        for name in (*_ARRAYS, "cost")
    }
    partial = path.with_suffix(".part.npz")
    np.savez(partial, **arrays)
    partial.rename(path)


def load(path: Path) -> list[Example]:
    """The examples that `save` wrote, in their order."""
    with np.load(path) as archive:
        count = len(archive.files) // (len(_ARRAYS) + 1)
        return [
            Example(
                archive[f"{place:05d}.ids"],
                archive[f"{place:05d}.durations"],
                archive[f"{place:05d}.pitch"],
                archive[f"{place:05d}.voicing"],
                archive[f"{place:05d}.audio"],
                float(archive[f"{place:05d}.cost"]),
            )
            for place in range(count)
        ]
