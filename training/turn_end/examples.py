# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples on disk: what is heard and understood at a pause, and whether the caller had finished.

A pause is made in three ways, so that no trace of the making gives the answer away: the sentence is cut at a
word's end, or it is spoken with a comma there and then cut, or the words before are spoken as if they were
all (which makes a falling pitch say less). Whole utterances are cut at their last phone all the same.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from agent.turn_end_model import FRAMES, SOUND_FEATURES, sound_features
from training.recognizer import channel
from training.turn_end.utterances import (
    Utterance,
    choose_cuts,
    evaluation_utterances,
    training_utterances,
)
from training.turn_end.voices import EspeakWords, FliteWords, SpokenWords

SHARD_UTTERANCES = 200
CUTS = 2
LONGEST_SECONDS = 8.0
FLITE_SHARE = 0.25
COMMA_SHARE, ALONE_SHARE = 0.25, 0.25
PAUSED_SHARE = 0.2
_STRENGTH = channel.Strength(
    probability=0.7, tempo=0.1, noise_db=(8, 35), trailing_seconds=(0.12, 0.36), onset_cut_seconds=0.02
)


@dataclass(frozen=True, slots=True)
class Example:
    """One pause: words said, to follow, and understood (None: nobody listened); place, target, voice."""

    said: str
    rest: str
    heard: str | None
    place: str
    target: float
    voice: str


@dataclass(frozen=True, slots=True)
class Shard:
    """Examples and their sound features [n, FRAMES, SOUND_FEATURES], half precision."""

    examples: tuple[Example, ...]
    sounds: npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a shard shall hold; `known` voices are those of the training, `unseen` sentences are held out."""

    name: str
    seed: int
    utterances: int
    unseen_sentences: bool = False
    held_out_voices: bool = False


def plans(utterances: int, evaluated: int, seed: int) -> list[Plan]:
    """The evaluation's shards, then those of the training."""
    shards = [
        Plan("calibration", seed * 1_000_003 + 1, evaluated, unseen_sentences=True),
        Plan("unseen", seed * 1_000_003 + 2, evaluated, unseen_sentences=True, held_out_voices=True),
    ]
    for number, first in enumerate(range(0, utterances, SHARD_UTTERANCES)):
        size = min(SHARD_UTTERANCES, utterances - first)
        shards.append(Plan(f"train-{number:03d}", seed * 1_000_003 + 100 + number, size))
    return shards


def make_shard(plan: Plan, folder: Path, recognizer: Any | None) -> Shard:
    """Synthesise, cut, distort and (given a faster-whisper model) transcribe; kept in `folder`, made once."""
    path = folder / f"{plan.name}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = list(_examples(plan, recognizer))
        sounds = np.stack([sound for _, sound in made]).astype(np.float16)
        described = json.dumps([asdict(example) for example, _ in made])
        partial = folder / f"{plan.name}.partial.npz"
        np.savez_compressed(partial, sounds=sounds, examples=np.array(described))
        partial.rename(path)
    with np.load(path) as stored:
        examples = tuple(Example(**fields) for fields in json.loads(str(stored["examples"])))
        return Shard(examples, stored["sounds"])


def join(shards: list[Shard]) -> Shard:
    """Several shards as one."""
    return Shard(
        tuple(example for shard in shards for example in shard.examples),
        np.concatenate([shard.sounds for shard in shards]),
    )


def _examples(plan: Plan, recognizer: Any | None) -> Iterator[tuple[Example, npt.NDArray[np.float32]]]:
    from training.recognizer.evaluate import transcribe

    rng, noise = random.Random(plan.seed), np.random.default_rng(plan.seed)
    utterances = evaluation_utterances if plan.unseen_sentences else None
    drawn = utterances(plan.seed, plan.utterances) if utterances else training_utterances(plan.seed)
    speakers = Speakers(rng, held_out=plan.held_out_voices)
    babble = np.zeros(0)
    for utterance in islice(drawn, plan.utterances):
        for words in [*choose_cuts(utterance, CUTS, rng), len(utterance.words)]:
            spoken = speakers.pause(utterance, words)
            if spoken is None or len(spoken[0]) > LONGEST_SECONDS * channel.SAMPLE_RATE:
                continue
            samples, voice = spoken
            sound = over_the_telephone(samples, babble, noise)
            babble = samples
            cut = utterance.cut(words, unseen=plan.unseen_sentences)
            heard = transcribe(recognizer, sound) if recognizer is not None else None
            said, rest = (" ".join(part) for part in (utterance.words[:words], utterance.words[words:]))
            yield Example(said, rest, heard, cut.place, cut.target, voice), sound_features(sound)


class Speakers:
    """The voices, asked for what is heard until a pause."""

    def __init__(self, rng: random.Random, *, held_out: bool) -> None:
        self._rng, self._held_out = rng, held_out
        self._espeak, self._flite = EspeakWords(), FliteWords()

    def pause(self, utterance: Utterance, words: int) -> tuple[channel.Samples, str] | None:
        """8 kHz samples of the utterance up to a pause after so many words, and the voice.

        None where the engine cannot tell that place.
        """
        rng = self._rng
        commas = frozenset(joint for joint in utterance.joints if rng.random() < 0.6)
        roll, last = rng.random(), words == len(utterance.words)
        if last or roll < 1 - COMMA_SHARE - ALONE_SHARE:
            text = utterance.text(commas=commas)
        elif roll < 1 - ALONE_SHARE:
            text = utterance.text(commas=commas | {words})
        else:
            text = " ".join(utterance.text(commas=commas - {words}).split()[:words])
            text += "," if rng.random() < 0.5 else ""
        spoken = self._say(text)
        sound = spoken.until(words) if spoken is not None else None
        if spoken is None or sound is None or len(sound) < channel.SAMPLE_RATE // 20:
            return None
        if words > 1 and rng.random() < PAUSED_SHARE:
            sound = _paused(spoken, sound, rng.randint(1, words - 1), rng)
        level = np.abs(sound).max() + 1e-6
        return sound / level * 0.7, spoken.voice

    def _say(self, text: str) -> SpokenWords | None:
        engine = self._flite if self._rng.random() < FLITE_SHARE else self._espeak
        return engine.say(text, self._rng, held_out=self._held_out)


def _paused(
    spoken: SpokenWords, sound: npt.NDArray[np.float64], words: int, rng: random.Random
) -> npt.NDArray[np.float64]:
    """`sound` with a pause of 0.2 to 1 s put in after so many words, where that place is known."""
    end = spoken.ends[words - 1]
    if not 0 < end < len(sound):
        return sound
    silence = np.zeros(round(rng.uniform(0.2, 1.0) * channel.SAMPLE_RATE))
    return np.concatenate([sound[:end], silence, sound[end:]])


def over_the_telephone(
    samples: channel.Samples, babble: channel.Samples, noise: np.random.Generator
) -> npt.NDArray[np.float32]:
    """16 kHz as the agent's ear has it: through the recogniser's telephone channel, 120–360 ms after it."""
    padded = np.pad(samples, (0, -len(samples) % 160))
    heard, _, _ = channel.augment(padded, babble, _STRENGTH, noise)
    wide = soxr.resample(heard.astype(np.float32), channel.SAMPLE_RATE, 2 * channel.SAMPLE_RATE, quality="LQ")
    return np.asarray(wide, dtype=np.float32)


def empty_shard() -> Shard:
    """No examples."""
    return Shard((), np.zeros((0, FRAMES, SOUND_FEATURES), np.float16))
