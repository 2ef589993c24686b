# SPDX-License-Identifier: GPL-3.0-or-later
"""Training from nothing: curriculum first, ramped on the phone loss and not on the clock.

A network that is given long, noisy clips from the start learns the language and not the sound; one that
starts with short clean ones finds the phones in minutes. Checkpoints hold everything that is needed to go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from training.recognizer import phones
from training.recognizer.batches import IGNORED_TOKEN, Batch, BatchMaker, ClipStore, Difficulty
from training.recognizer.model import Dimensions, Whisper

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every constant of the training; `steps` is the whole schedule's length."""

    steps: int
    seed: int = 1
    peak_rate: float = 1.2e-3
    warm_up: int = 150
    hold_share: float = 0.5
    last_share: float = 0.06
    phone_weight: float = 0.5
    late_phone_weight: float = 0.2
    spotting_weight: float = 0.6
    late_spotting_weight: float = 0.3
    guide_weight: float = 0.7
    late_guide_weight: float = 0.3
    guide_width: float = 8.0
    ramp_below: float = 1.0
    ramp_text_below: float = 2.2
    ramp_steps: int = 900
    shortest_seconds: float = 2.0
    longest_seconds: float = 7.5
    first_frames: int = 2400
    frames: int = 4200
    averaging: float = 0.99
    averaging_interval: int = 5
    label_smoothing: float = 0.05
    threads: int = 1
    checkpoint_seconds: float = 180.0


@dataclass(slots=True)
class Progress:
    """Where a training stands: its step, the ramp's level (0 to 1), smoothed losses, CPU seconds spent."""

    step: int = 0
    level: float = 0.0
    text_loss: float = 8.0
    phone_loss: float = 4.0
    examples: int = 0
    cpu_seconds: float = 0.0
    astray: float = 1.0
    spotting_loss: float = 8.0


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, a plateau, then a straight line to nearly zero."""
    done = step / recipe.steps
    warm = min(1.0, (step + 1) / recipe.warm_up)
    fall = min(1.0, (1 - done) / (1 - recipe.hold_share))
    return recipe.peak_rate * min(warm, max(0.01, fall))


def difficulty(recipe: Recipe, progress: Progress) -> Difficulty:
    """What the curriculum gives at this point."""
    level = progress.level
    last = progress.step >= recipe.steps * (1 - recipe.last_share)
    return Difficulty(
        longest_seconds=recipe.shortest_seconds + (recipe.longest_seconds - recipe.shortest_seconds) * level,
        level=level,
        frames=int(recipe.first_frames + (recipe.frames - recipe.first_frames) * level),
        padded_share=0.25 if last else 0.02 * (level >= 1),
    )


@dataclass(frozen=True, slots=True)
class Losses:
    """What is minimised, in falling order of what it is for.

    `text`: the decoder's next token. `phones`: the phone at each 20 ms. `spotting`: the token at a moment,
    from the encoder's state there, which teaches the encoder words before the decoder knows where to look.
    `astray`: attention that is not where the token is spoken.
    """

    text: Tensor
    phones: Tensor
    spotting: Tensor
    astray: Tensor


class Training:
    """A training in a folder: `checkpoint.pt` there is resumed when it exists."""

    def __init__(self, recipe: Recipe, tokenizer: Tokenizer, shards: Path, folder: Path) -> None:
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self.recipe, self.progress = recipe, Progress()
        self.store = ClipStore(shards)
        self._maker = BatchMaker(tokenizer, self.store, recipe.seed)
        self._checkpoint = folder / "checkpoint.pt"
        self.model = Whisper(Dimensions(vocabulary=tokenizer.get_vocab_size(), phones=phones.CLASS_COUNT))
        self._average = [parameter.detach().clone() for parameter in self.model.parameters()]
        self._optimizer = torch.optim.AdamW(self.model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
        if self._checkpoint.exists():
            self._resume()

    def run(self, report: Callable[[Progress, float], None]) -> None:
        """Train to the schedule's end; `report` gets the progress and the clips a second every 50 steps."""
        self.store.refresh()
        saved = since = time.monotonic()
        cpu = time.process_time()
        examples = self.progress.examples
        while self.progress.step < self.recipe.steps:
            if self.progress.step % 200 == 0:
                self.store.refresh()
            self._step(self._maker.make(self.progress.step, difficulty(self.recipe, self.progress)))
            self.progress.cpu_seconds += time.process_time() - cpu
            cpu = time.process_time()
            now = time.monotonic()
            if self.progress.step % 50 == 0:
                report(self.progress, (self.progress.examples - examples) / (now - since))
                since, examples = now, self.progress.examples
            if now - saved > self.recipe.checkpoint_seconds:
                self.save()
                saved = now
        self.save()

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        partial = self._checkpoint.with_suffix(".partial")
        torch.save(
            {
                "dimensions": asdict(self.model.dimensions),
                "model": self.model.state_dict(),
                "average": self._average,
                "optimizer": self._optimizer.state_dict(),
                "progress": asdict(self.progress),
                "recipe": asdict(self.recipe),
            },
            partial,
        )
        partial.rename(self._checkpoint)

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._average = state["average"]
        self.progress = Progress(**state["progress"])
        log.info("resumed at step %d", self.progress.step)

    def _step(self, batch: Batch) -> None:
        recipe, progress = self.recipe, self.progress
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(recipe, progress.step)
        torch.manual_seed(recipe.seed * 1_000_003 + progress.step)
        losses = self._losses(batch)
        early = 1 - progress.level
        phone_weight = recipe.late_phone_weight + (recipe.phone_weight - recipe.late_phone_weight) * early
        spotting = (
            recipe.late_spotting_weight + (recipe.spotting_weight - recipe.late_spotting_weight) * early
        )
        guiding = recipe.late_guide_weight + (recipe.guide_weight - recipe.late_guide_weight) * early
        loss = (1 - phone_weight) * losses.text + phone_weight * losses.phones
        loss = loss + spotting * losses.spotting + guiding * losses.astray
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        progress.step += 1
        if progress.step % recipe.averaging_interval == 0:
            self._average_parameters()
        progress.examples += len(batch.tokens)
        progress.text_loss += 0.02 * (losses.text.item() - progress.text_loss)
        progress.phone_loss += 0.02 * (losses.phones.item() - progress.phone_loss)
        progress.spotting_loss += 0.02 * (losses.spotting.item() - progress.spotting_loss)
        progress.astray += 0.02 * (losses.astray.item() - progress.astray)
        if progress.phone_loss < recipe.ramp_below and progress.text_loss < recipe.ramp_text_below:
            progress.level = min(1.0, progress.level + 1 / recipe.ramp_steps)

    def _average_parameters(self) -> None:
        averages = self.progress.step / self.recipe.averaging_interval
        keep = min(self.recipe.averaging, averages / (averages + 10))
        with torch.no_grad():
            for average, parameter in zip(self._average, self.model.parameters(), strict=True):
                average.lerp_(parameter, 1 - keep)

    def _losses(self, batch: Batch) -> Losses:
        attention: list[Tensor] = []
        known = ~batch.moments.isnan()
        with torch.autocast("cpu", torch.bfloat16):
            states = self.model.encode(batch.mel)
            logits = self.model.decode(batch.tokens, states, attention)
            classes = self.model.classify_phones(states)
            positions = batch.moments[known].round().long().clamp(0, states.shape[1] - 1)
            spotted = states[known.nonzero()[:, 0], positions] @ self.model.embedding.weight.T
        text = functional.cross_entropy(
            logits.float().flatten(0, 1),
            batch.targets.flatten(),
            ignore_index=IGNORED_TOKEN,
            label_smoothing=self.recipe.label_smoothing,
        )
        return Losses(
            text=text,
            phones=functional.cross_entropy(
                classes.float().flatten(0, 1), batch.phones.flatten(), ignore_index=phones.IGNORED
            ),
            spotting=_mean(functional.cross_entropy(spotted.float(), batch.targets[known], reduction="none")),
            astray=torch.stack(
                [attention_astray(weights, batch.moments, self.recipe.guide_width) for weights in attention]
            ).mean(),
        )


def _mean(values: Tensor) -> Tensor:
    """The mean, zero of nothing: a batch may hold no speech at all."""
    return values.sum() / max(1, values.numel())


def attention_astray(weights: Tensor, moments: Tensor, width: float) -> Tensor:
    """How much of the cross-attention is far from where a token is spoken, 0 to 1 (Tachibana et al. 2017).

    Their guide is the diagonal; the teachers' timing gives a better one. `weights` is
    [b, heads, n, positions], `moments` [b, n] in positions with NaN for tokens without, `width` in positions.
    """
    known = ~moments.isnan()
    distance = torch.arange(weights.shape[-1]) - moments[known][:, None]
    penalty = 1 - torch.exp(-0.5 * (distance / width) ** 2)
    return _mean((weights.float().transpose(1, 2)[known] * penalty[:, None]).sum(-1))


def trained_model(checkpoint: Path) -> tuple[Whisper, Progress, Recipe]:
    """The averaged network of a checkpoint, for export, with what it has been through."""
    state = torch.load(checkpoint, weights_only=True)
    model = Whisper(Dimensions(**state["dimensions"]))
    with torch.no_grad():
        for parameter, average in zip(model.parameters(), state["average"], strict=True):
            parameter.copy_(average)
    return model.eval(), Progress(**state["progress"]), Recipe(**state["recipe"])
