# SPDX-License-Identifier: GPL-3.0-or-later
"""Training in steps: most of a batch has sound and words, the rest only words.

Either input is missing now and then, words are misheard, dropped and replaced; checkpoints hold everything
that is needed to go on, and all randomness hangs on (seed, step).
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from agent.turn_end_model import BANDS, FRAMES, silent_features, word_ids
from training.recognizer import lexicon
from training.turn_end.examples import Shard
from training.turn_end.model import TurnEnd
from training.turn_end.utterances import Utterance, choose_cuts, training_utterances

Sound = npt.NDArray[np.float32]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every constant of the training."""

    steps: int
    seed: int = 1
    heard: int = 112
    written: int = 48
    written_utterances: int = 12_000
    peak_rate: float = 3e-3
    warm_up: int = 100
    weight_decay: float = 0.01
    no_words: float = 0.1
    no_sound: float = 0.15
    true_words: float = 0.25
    word_lost: float = 0.04
    word_replaced: float = 0.05
    word_unknown: float = 0.12
    averaging: float = 0.995
    threads: int = 1
    checkpoint_seconds: float = 60.0


@dataclass(slots=True)
class Progress:
    """Where a training stands."""

    step: int = 0
    loss: float = 0.7
    cpu_seconds: float = 0.0


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then a cosine to nothing."""
    if step < recipe.warm_up:
        return recipe.peak_rate * (step + 1) / recipe.warm_up
    done = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return recipe.peak_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def misheard(text: str, recipe: Recipe, rng: random.Random) -> str:
    """`text` with words lost and replaced as a recogniser does it, the last of them too."""
    words = []
    for word in text.split():
        roll = rng.random()
        if roll < recipe.word_lost:
            continue
        words.append(rng.choice(lexicon.WORDS) if roll < recipe.word_lost + recipe.word_replaced else word)
    return " ".join(words)


def distorted(sound: Sound, rng: random.Random) -> Sound:
    """The features of another line and speaker: less or more silence so far, tilt, hum, intonation, a gap."""
    shorter = rng.randint(0, 4)
    result = np.concatenate([sound[:1].repeat(shorter, 0), sound[: len(sound) - shorter]])
    bands = result[:, :BANDS]
    bands += np.linspace(-0.5, 0.5, BANDS, dtype=np.float32) * rng.uniform(-1, 1)
    result[:, : BANDS + 1] = np.maximum(result[:, : BANDS + 1], rng.uniform(-5, -1.8))
    result[:, BANDS + 1] *= rng.uniform(0.5, 1.5) if rng.random() < 0.8 else 0
    if rng.random() < 0.3:
        first, width = rng.randrange(FRAMES), rng.randint(2, 10)
        result[first : first + width] = result.mean(0)
    if rng.random() < 0.3:
        first, width = rng.randrange(BANDS), rng.randint(1, 5)
        bands[:, first : first + width] = bands.mean()
    return result


class Training:
    """One training run: network, optimiser, average, and the folder that they are kept in."""

    def __init__(self, recipe: Recipe, shard: Shard, work: Path) -> None:
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self.recipe, self.progress = recipe, Progress()
        self._shard, self._work = shard, work
        self._written = written(min(recipe.written_utterances, 20 * recipe.steps), recipe.seed)
        self._targets = np.array([example.target for example in shard.examples], dtype=np.float32)
        self.network = TurnEnd()
        self._average = [parameter.detach().clone() for parameter in self.network.parameters()]
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), recipe.peak_rate, weight_decay=recipe.weight_decay
        )
        self._resume()

    def run(self) -> TurnEnd:
        """Train to the last step; the network of averaged parameters."""
        saved = began = time.process_time()
        spent = self.progress.cpu_seconds
        while self.progress.step < self.recipe.steps:
            self.advance(1)
            now = time.process_time()
            self.progress.cpu_seconds = spent + now - began
            if now - saved > self.recipe.checkpoint_seconds:
                self.save()
                saved = now
            if self.progress.step % 200 == 0:
                log.info(
                    "step %d of %d, loss %.4f", self.progress.step, self.recipe.steps, self.progress.loss
                )
        self.save()
        with torch.no_grad():
            for parameter, average in zip(self.network.parameters(), self._average, strict=True):
                parameter.copy_(average)
        return self.network.eval()

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        for _ in range(steps):
            self._step()

    def _step(self) -> None:
        recipe, progress = self.recipe, self.progress
        words, sound, targets = self._batch(random.Random(recipe.seed * 1_000_003 + progress.step))
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(recipe, progress.step)
        torch.manual_seed(recipe.seed * 1_000_003 + progress.step)
        self.network.train()
        loss = functional.binary_cross_entropy_with_logits(self.network(words, sound), targets)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimizer.step()
        progress.step += 1
        progress.loss += 0.02 * (loss.item() - progress.loss)
        keep = min(recipe.averaging, progress.step / (progress.step + 10))
        with torch.no_grad():
            for average, parameter in zip(self._average, self.network.parameters(), strict=True):
                average.lerp_(parameter, 1 - keep)

    def _batch(self, rng: random.Random) -> tuple[Tensor, Tensor, Tensor]:
        recipe, silent = self.recipe, silent_features()
        words, sounds, targets = [], [], []
        for index in rng.choices(range(len(self._shard.examples)), k=recipe.heard):
            example = self._shard.examples[index]
            lost = rng.random()
            understood = example.heard is not None and rng.random() > recipe.true_words
            text = str(example.heard) if understood else example.said
            words.append(self._read("" if lost < recipe.no_words else text, rng))
            deaf = lost > 1 - recipe.no_sound
            sounds.append(silent if deaf else distorted(self._shard.sounds[index].astype(np.float32), rng))
            targets.append(self._targets[index])
        for said, target in rng.choices(self._written, k=recipe.written):
            words.append(self._read(said, rng))
            sounds.append(silent)
            targets.append(target)
        return (
            torch.from_numpy(np.stack(words)),
            torch.from_numpy(np.stack(sounds)),
            torch.tensor(targets, dtype=torch.float32),
        )

    def _read(self, text: str, rng: random.Random) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        ids = word_ids(misheard(text, self.recipe, rng))
        for row in ids:
            if row[0] and rng.random() < self.recipe.word_unknown:
                row[0] = 0  # its trigrams must do, as for a word that nobody taught
        return ids

    def _resume(self) -> None:
        path = self._work / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["recipe"] != asdict(self.recipe):
            log.info("%s is of another recipe: starting anew", path)
            return
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._average = state["average"]
        self.progress = Progress(**state["progress"])

    def save(self) -> None:
        """Keep everything that is needed to go on from here."""
        path = self._work / "checkpoint.pt"
        state = {
            "recipe": asdict(self.recipe),
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average,
            "progress": asdict(self.progress),
        }
        torch.save(state, path.with_suffix(".partial"))
        path.with_suffix(".partial").rename(path)


def written(utterances: int, seed: int) -> list[tuple[str, float]]:
    """Words alone: of each utterance the whole and a pause or two, with their targets."""
    rng = random.Random(seed)
    drawn: Iterator[Utterance] = islice(training_utterances(seed), utterances)
    return [
        (" ".join(utterance.words[:words]), utterance.cut(words).target)
        for utterance in drawn
        for words in [*choose_cuts(utterance, 2, rng), len(utterance.words)]
    ]
