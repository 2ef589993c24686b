# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences through the teachers into shards: 8 kHz 16-bit samples in one flat file and an index beside it.

Each shard is a pure function of its plan (engine, number, seed), written under a temporary name and renamed,
so that synthesis may stop anywhere and training may read while it goes on.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.recognizer import grammar
from training.recognizer.phones import phone_class
from training.recognizer.teachers import SAMPLE_RATE, TEACHERS, Speech, Teacher

SHARES = {"espeak": 0.45, "flite": 0.35, "festival": 0.20}
SHARD_CLIPS = 1500
LONGEST_SECONDS = 7.5
_SILENCE = 0.006
_PEAK = 0.7


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """What a shard shall hold: `count` sentences of `engine`, drawn with `seed`; held out or for training."""

    name: str
    engine: str
    count: int
    seed: int
    held_out_voices: bool = False
    unseen_sentences: bool = False


@dataclass(frozen=True, slots=True)
class Clip:
    """A spoken sentence in a shard: 8 kHz samples, phone classes and the sample at which each ends."""

    text: str
    kind: str
    voice: str
    samples: npt.NDArray[np.int16]
    phones: npt.NDArray[np.int16]
    phone_ends: npt.NDArray[np.int32]


def training_plans(sentences: int, seed: int) -> list[ShardPlan]:
    """Plans for about `sentences` training clips, ordered so that every engine has its share at any time."""
    plans: list[tuple[float, ShardPlan]] = []
    for offset, (engine, share) in enumerate(SHARES.items()):
        total = max(1, round(sentences * share))
        shards = -(-total // SHARD_CLIPS)
        for number in range(shards):
            count = min(SHARD_CLIPS, total - number * SHARD_CLIPS)
            shard_seed = seed * 1_000_003 + number * 10 + offset
            plans.append(
                (
                    (number + 0.5) / shards,
                    ShardPlan(f"train-{engine}-{number:03d}", engine, count, shard_seed),
                )
            )
    return [plan for _, plan in sorted(plans, key=lambda item: item[0])]


def evaluation_plans(sentences: int, seed: int) -> list[ShardPlan]:
    """Unseen sentences in held-out voices and, apart, in the training's voices."""
    return [
        ShardPlan("unseen-flite-rms", "flite", sentences, seed + 101, True, True),
        ShardPlan("unseen-espeak-held-out", "espeak", sentences, seed + 102, True, True),
        ShardPlan("unseen-flite-known", "flite", max(1, sentences // 2), seed + 103, False, True),
        ShardPlan("unseen-festival-known", "festival", max(1, sentences // 2), seed + 104, False, True),
    ]


def make_shards(plans: list[ShardPlan], folder: Path, processes: int = 2) -> Iterator[str]:
    """Make the shards that are not there yet; yields each shard's name when it is.

    Raises RuntimeError when an engine is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [plan for plan in plans if not (folder / f"{plan.name}.json").exists()]
    yield from (plan.name for plan in plans if plan not in missing)
    if missing:
        with multiprocessing.get_context("spawn").Pool(min(processes, len(missing))) as pool:
            yield from pool.imap_unordered(_make_shard, [(plan, str(folder)) for plan in missing])


def read_shard(folder: Path, name: str) -> list[Clip]:
    """The clips of a shard; samples are read from disk as they are used."""
    index = json.loads((folder / f"{name}.json").read_text())
    samples = np.memmap(folder / f"{name}.pcm", dtype="<i2", mode="r")
    return [
        Clip(
            entry["text"],
            entry["kind"],
            entry["voice"],
            samples[entry["start"] : entry["start"] + entry["length"]],
            np.asarray(entry["phones"], dtype=np.int16),
            np.asarray(entry["ends"], dtype=np.int32),
        )
        for entry in index
    ]


def _make_shard(task: tuple[ShardPlan, str]) -> str:
    plan, folder = task[0], Path(task[1])
    os.nice(5)
    rng = random.Random(plan.seed)
    if plan.unseen_sentences:
        sentences = grammar.evaluation_sentences(plan.seed, plan.count)
    else:
        sentences = list(islice(grammar.training_sentences(plan.seed), plan.count))
    kinds = {sentence.text: sentence.kind for sentence in sentences}
    teacher: Teacher = TEACHERS[plan.engine]()
    texts = [sentence.text for sentence in sentences]
    index: list[dict[str, object]] = []
    start = 0
    partial = folder / f"{plan.name}.pcm.partial"
    with partial.open("wb") as file:
        for batch in range(0, len(texts), 100):
            for speech in teacher.speak(texts[batch : batch + 100], rng, held_out=plan.held_out_voices):
                trimmed = trim(speech)
                if trimmed is None:
                    continue
                samples, ends = trimmed
                file.write(samples.tobytes())
                classes = [phone_class(plan.engine, phone.name) for phone in speech.phones]
                index.append(
                    {
                        "text": speech.text,
                        "kind": kinds[speech.text],
                        "voice": speech.voice,
                        "start": start,
                        "length": len(samples),
                        "phones": classes,
                        "ends": ends,
                    }
                )
                start += len(samples)
    partial.rename(folder / f"{plan.name}.pcm")
    index_file = folder / f"{plan.name}.json.partial"
    index_file.write_text(json.dumps(index))
    index_file.rename(folder / f"{plan.name}.json")
    return plan.name


def trim(speech: Speech) -> tuple[npt.NDArray[np.int16], list[int]] | None:
    """Cut silence to 30 ms before and 60 ms after, scale to a fixed peak; phone ends count in the result.

    None when there is hardly any speech or too much of it.
    """
    loud = np.flatnonzero(np.abs(speech.samples) > _SILENCE)
    if len(loud) < SAMPLE_RATE // 20:
        return None
    first = max(0, int(loud[0]) - 3 * SAMPLE_RATE // 100)
    last = min(len(speech.samples), int(loud[-1]) + 6 * SAMPLE_RATE // 100)
    samples = speech.samples[first:last]
    if len(samples) > LONGEST_SECONDS * SAMPLE_RATE:
        return None
    scaled = samples / np.abs(samples).max() * _PEAK * 32767
    ends = [min(max(round(phone.end * SAMPLE_RATE) - first, 0), len(samples)) for phone in speech.phones]
    return scaled.astype("<i2"), ends
