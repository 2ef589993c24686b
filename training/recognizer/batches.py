# SPDX-License-Identifier: GPL-3.0-or-later
"""Training batches: clips of like length, augmented anew each time, with token and phone targets.

All randomness hangs on (seed, step), so that a resumed training continues as if it had not been interrupted,
as long as the same shards are there.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from training.recognizer import channel
from training.recognizer.features import log_mel
from training.recognizer.phones import IGNORED
from training.recognizer.synthesis import Clip, read_shard
from training.recognizer.tokenizer import token_id

IGNORED_TOKEN = -100
FRAMES_OF_30_SECONDS = 3000
SAMPLES_PER_POSITION = 160
TIMESTAMPED_SHARE = 0.2
SPEECHLESS_SHARE = 0.03
MISLEADING_SHARE = 0.12
_POOL = 12


@dataclass(frozen=True, slots=True)
class Difficulty:
    """What the curriculum allows at a step: clip length, channel strength, batch size, padding to 30 s."""

    longest_seconds: float
    level: float
    frames: int
    padded_share: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Features [b, 80, frames]; input tokens [b, n] and targets [b, n]; phone classes [b, positions].

    `moments` [b, n] is the encoder position at which each target is spoken, roughly; NaN where there is none.
    """

    mel: Tensor
    tokens: Tensor
    targets: Tensor
    moments: Tensor
    phones: Tensor


class ClipStore:
    """The clips of all shards finished so far; call `refresh` now and then while synthesis goes on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()
        self._clips: list[Clip] = []
        self._lengths: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._clips)

    def refresh(self) -> None:
        """Read the training shards that have been finished since the last call."""
        for index in sorted(self._folder.glob("train-*.json")):
            if index.stem not in self._names:
                self._names.add(index.stem)
                self._clips += read_shard(self._folder, index.stem)
        self._lengths = np.array([len(clip.samples) for clip in self._clips], dtype=np.int64)

    def draw(self, rng: np.random.Generator, difficulty: Difficulty) -> list[Clip]:
        """Clips of about the same length for one batch of at most `difficulty.frames` mel frames.

        A random pool is cut into such batches and one is taken, so that long clips are as frequent as short
        ones.
        """
        allowed = np.flatnonzero(self._lengths <= difficulty.longest_seconds * channel.SAMPLE_RATE)
        if len(allowed) == 0:
            raise ValueError("no clip is short enough for the curriculum: synthesise more sentences")
        pool = rng.choice(allowed, size=min(len(allowed), 32 * _POOL))
        pool = pool[np.argsort(self._lengths[pool], kind="stable")]
        groups: list[list[int]] = [[]]
        for position in map(int, pool):
            frames = int(self._lengths[position]) // 80 + 60
            if groups[-1] and (len(groups[-1]) + 1) * frames > difficulty.frames:
                groups.append([])
            groups[-1].append(position)
        return [self._clips[position] for position in groups[int(rng.integers(0, len(groups)))]]

    def any(self, rng: np.random.Generator) -> Clip:
        """Any clip, for babble."""
        return self._clips[int(rng.integers(0, len(self._clips)))]


class BatchMaker:
    """Turns clips into batches for a tokenizer."""

    def __init__(self, tokenizer: Tokenizer, store: ClipStore, seed: int) -> None:
        self._tokenizer, self._store, self._seed = tokenizer, store, seed
        names = ("startoftranscript", "endoftext", "notimestamps", "nospeech", "0.00")
        self._start, self._end, self._plain, self._silence, self._zero = (
            token_id(tokenizer, f"<|{name}|>") for name in names
        )

    def make(self, step: int, difficulty: Difficulty) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng((self._seed, step))
        chance = random.Random(self._seed * 1_000_003 + step)
        clips = self._store.draw(rng, difficulty)
        padded = rng.random() < difficulty.padded_share
        if padded:
            clips = clips[: max(1, len(clips) // 10)]
        strength = channel.Strength.at(difficulty.level)
        sounds, sequences, labels, moments = [], [], [], []
        for clip in clips:
            if chance.random() < SPEECHLESS_SHARE:
                samples, classes = speechless(rng), np.zeros(1, dtype=np.int64)
                moments.append(np.zeros(0))
                sequences.append([self._start, self._plain, self._end] if chance.random() < 0.6
                                 else [self._start, self._silence, self._end])  # fmt: skip
            else:
                samples, classes, stretch, shift = _render(clip, self._store.any(rng), strength, rng)
                sequences.append(self._sequence(clip.text, len(samples) / channel.SAMPLE_RATE, chance))
                moments.append((self._moments(clip) * stretch + shift) / SAMPLES_PER_POSITION)
            sounds.append(channel.to_recognizer_rate(samples))
            labels.append(classes)
        mel, _ = log_mel(sounds)
        _mask(mel, difficulty.level, rng)
        frames = (mel.shape[-1] + int(rng.integers(30, 100))) & ~1
        mel = functional.pad(mel, (0, (FRAMES_OF_30_SECONDS if padded else frames) - mel.shape[-1]))
        tokens, targets, spoken_at = self._tokens(sequences, moments)
        self._mislead(tokens, rng)
        classes_at = _phones(labels, mel.shape[-1] // 2)
        return Batch(mel, tokens, targets, spoken_at, classes_at)

    def _sequence(self, text: str, seconds: float, chance: random.Random) -> list[int]:
        ids = self._tokenizer.encode(f" {text}").ids
        if chance.random() < TIMESTAMPED_SHARE:
            return [self._start, self._zero, *ids, self._zero + round(seconds / 0.02), self._end]
        return [self._start, self._plain, *ids, self._end]

    def _moments(self, clip: Clip) -> npt.NDArray[np.float64]:
        """About when each token is spoken, in samples: its share of letters is taken as that of phones."""
        spans = self._tokenizer.encode(f" {clip.text}").offsets
        middles = np.array([(first + last) / 2 for first, last in spans]) / max(1, spans[-1][1])
        starts = np.append(0, clip.phone_ends[:-1])
        spoken = clip.phones != 0
        centres = ((starts + clip.phone_ends) / 2)[spoken]
        return np.asarray(np.interp(middles * len(centres), np.arange(len(centres)) + 0.5, centres))

    def _mislead(self, tokens: Tensor, rng: np.random.Generator) -> None:
        """Replace some of the words said so far, in place: the decoder must not trust what it has written."""
        drawn = torch.from_numpy(rng.random(tuple(tokens.shape)) < MISLEADING_SHARE)
        chosen = drawn & (tokens < self._end)
        tokens[chosen] = torch.from_numpy(rng.integers(0, self._end, int(chosen.sum())))

    def _tokens(
        self, sequences: Sequence[list[int]], moments: Sequence[npt.NDArray[np.float64]]
    ) -> tuple[Tensor, Tensor, Tensor]:
        longest = max(map(len, sequences))
        spoken_at = torch.full((len(sequences), longest - 1), torch.nan)
        for row, times in enumerate(moments):
            spoken_at[row, 1 : len(times) + 1] = torch.from_numpy(
                times
            )  # the input before a token predicts it
        tokens = torch.full((len(sequences), longest - 1), self._end)
        targets = torch.full((len(sequences), longest - 1), IGNORED_TOKEN)
        for row, sequence in enumerate(sequences):
            tokens[row, : len(sequence) - 1] = torch.tensor(sequence[:-1])
            targets[row, : len(sequence) - 1] = torch.tensor(sequence[1:])
            if sequence[1] == self._plain:  # part of the prompt, never predicted
                targets[row, 0] = IGNORED_TOKEN
        return tokens, targets, spoken_at


def speechless(rng: np.random.Generator) -> channel.Samples:
    """Half a second to two of telephone noise with bursts (a cough, a door), for which the text is empty."""
    length = int(rng.uniform(0.5, 2.0) * channel.SAMPLE_RATE) // 160 * 160
    noise = rng.standard_normal(length)
    envelope = np.full(length, 10 ** rng.uniform(-3.5, -1.5))
    for _ in range(int(rng.integers(0, 3))):
        start, decay = int(rng.integers(0, length)), rng.uniform(0.02, 0.2) * channel.SAMPLE_RATE
        envelope[start:] += rng.uniform(0.1, 1) * np.exp(-np.arange(length - start) / decay)
    spectrum = np.fft.rfft(noise * envelope)
    frequencies = np.fft.rfftfreq(length, 1 / channel.SAMPLE_RATE)
    coloured = np.fft.irfft(spectrum / (1 + (frequencies / rng.uniform(200, 3500)) ** 2), length)
    return channel.mu_law(coloured / (np.abs(coloured).max() + 1e-9) * 10 ** (rng.uniform(-40, -3) / 20))


def phone_targets(
    classes: npt.NDArray[np.int16], ends: npt.NDArray[np.int32], positions: int, stretch: float, shift: int
) -> npt.NDArray[np.int64]:
    """The phone class at each encoder position of a clip stretched, then shifted by 8 kHz samples."""
    times = (np.arange(positions) * SAMPLES_PER_POSITION - shift) / stretch
    found = np.searchsorted(ends, times, side="right")
    padded = np.append(classes, 0).astype(np.int64)
    return np.where(times < 0, 0, padded[np.minimum(found, len(classes))])


def _render(
    clip: Clip, babble: Clip, strength: channel.Strength, rng: np.random.Generator
) -> tuple[channel.Samples, npt.NDArray[np.int64], float, int]:
    samples = clip.samples.astype(np.float64) / 32768
    samples = np.pad(samples, (0, -len(samples) % 160))
    rendered, stretch, shift = channel.augment(
        samples, babble.samples.astype(np.float64) / 32768, strength, rng
    )
    positions = len(rendered) // SAMPLES_PER_POSITION
    return rendered, phone_targets(clip.phones, clip.phone_ends, positions, stretch, shift), stretch, shift


def _phones(labels: Sequence[npt.NDArray[np.int64]], positions: int) -> Tensor:
    target = torch.full((len(labels), positions), IGNORED)
    for row, classes in enumerate(labels):
        target[row, : len(classes)] = torch.from_numpy(classes)
        target[row, len(classes) : len(classes) + 25] = 0
    return target


def _mask(mel: Tensor, level: float, rng: np.random.Generator) -> None:
    """SpecAugment (Park et al. 2019), in place: one band of bins and one of frames set to the mean."""
    if level < 0.25:
        return
    for clip in mel:
        if rng.random() < 0.6 * level:
            width = int(rng.integers(1, 9))
            first = int(rng.integers(0, 60))
            clip[first : first + width] = clip.mean()
        if rng.random() < 0.6 * level:
            width = int(rng.integers(1, 13))
            first = int(rng.integers(0, max(1, clip.shape[-1] - width)))
            clip[:, first : first + width] = clip.mean()
