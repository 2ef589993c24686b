# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop: spectral distance to the teacher's audio plus durations, pitch and voicing.

Everything random is drawn from (seed, step), so a run that was cut off and resumed takes the same steps as
one that was not. The schedule counts steps, never minutes, for the same reason.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.voice.examples import Example
from training.voice.model import Acoustic
from training.voice.vocoder import HOP, SAMPLE_RATE

BATCH = 16
CROP = 104
"""Frames of an example that reach the waveform loss in one step (1.3 s)."""
_PEAK_RATE, _LAST_SHARE, _WARM_UP = 1.5e-3, 0.05, 40
_PITCH_WEIGHT, _VOICING_WEIGHT = 5.0, 0.5
_RESOLUTIONS = ((1024, 256, 800, 80), (512, 128, 400, 50), (256, 64, 200, 28))
"""FFT size, hop, window (samples) and mel bands of the three spectrograms compared."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Means of one step: spectral distance, |log duration|, |log pitch|, voicing cross-entropy."""

    spectrum: float
    duration: float
    pitch: float
    voicing: float


@dataclass(frozen=True, slots=True)
class Progress:
    """State after `step` of `steps`; `cpu_seconds` since the run began, resumed parts included."""

    step: int
    steps: int
    cpu_seconds: float
    learning_rate: float
    train: Losses
    held: Losses


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded tensors of a step; shapes as `Acoustic.encode` and `decode` name them."""

    ids: Tensor
    durations: Tensor
    mask: Tensor
    owner: Tensor
    position: Tensor
    pitch: Tensor
    voicing: Tensor
    audio: Tensor
    frame_mask: Tensor


def learning_rate(step: int, steps: int, anneal: tuple[int, int] | None = None) -> float:
    """Linear warm-up over 40 steps, then a cosine from 1.5e-3 to a twentieth of it.

    With `anneal` (first, last) it falls in a straight line from its value at `first` to that twentieth at
    `last`.
    """
    if anneal is not None and step >= anneal[0]:
        begin, end = learning_rate(anneal[0], steps), _PEAK_RATE * _LAST_SHARE
        return begin + (end - begin) * min(1.0, (step - anneal[0]) / max(1, anneal[1] - anneal[0]))
    warm = min(1.0, (step + 1) / _WARM_UP)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
    return _PEAK_RATE * warm * (_LAST_SHARE + (1 - _LAST_SHARE) * cosine)


def choose(count: int, step: int, seed: int, batch: int = BATCH) -> list[int]:
    """The example numbers of a step: every epoch is a fresh permutation, fixed by the seed."""
    chosen: list[int] = []
    for draw in range(step * batch, (step + 1) * batch):
        epoch, place = divmod(draw, count)
        chosen.append(int(_permutation(count, seed, epoch)[place]))
    return chosen


_permutations: dict[tuple[int, int, int], np.ndarray[tuple[int], np.dtype[np.int64]]] = {}


def _permutation(count: int, seed: int, epoch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    key = (count, seed, epoch)
    if key not in _permutations:
        _permutations.clear()
        _permutations[key] = np.random.default_rng((seed, epoch)).permutation(count)
    return _permutations[key]


def collate(examples: Sequence[Example], rng: random.Random) -> Batch:
    """A batch: all phonemes of each example, and a random crop of `CROP` frames."""
    rows, width = len(examples), max(len(example.ids) for example in examples)
    batch = Batch(
        ids=torch.zeros(rows, width, dtype=torch.long),
        durations=torch.zeros(rows, width),
        mask=torch.zeros(rows, width, 1),
        owner=torch.zeros(rows, CROP, dtype=torch.long),
        position=torch.zeros(rows, CROP),
        pitch=torch.full((rows, CROP), 180.0),
        voicing=torch.zeros(rows, CROP),
        audio=torch.zeros(rows, CROP * HOP),
        frame_mask=torch.zeros(rows, CROP, 1),
    )
    for row, example in enumerate(examples):
        _fill_row(batch, row, example, rng)
    return batch


def _fill_row(batch: Batch, row: int, example: Example, rng: random.Random) -> None:
    count, frames = len(example.ids), len(example.pitch)
    first = rng.randrange(frames - CROP + 1) if frames > CROP else 0
    last = min(frames, first + CROP)
    used = last - first
    owner = np.repeat(np.arange(count), example.durations)[first:last]
    start = (np.cumsum(example.durations) - example.durations)[owner]
    position = (np.arange(first, last) - start + 0.5) / example.durations[owner]
    audio = example.audio[first * HOP : last * HOP].astype(np.float32) / 32768
    batch.ids[row, :count] = torch.from_numpy(example.ids)
    batch.durations[row, :count] = torch.from_numpy(example.durations).float()
    batch.mask[row, :count] = 1
    batch.owner[row, :used] = torch.from_numpy(owner)
    batch.position[row, :used] = torch.from_numpy(position).float()
    batch.pitch[row, :used] = torch.from_numpy(example.pitch[first:last])
    batch.voicing[row, :used] = torch.from_numpy(example.voicing[first:last])
    batch.audio[row, : used * HOP] = torch.from_numpy(audio)
    batch.frame_mask[row, :used] = 1


def mel_filters(fft: int, bands: int) -> Tensor:
    """Triangular mel filters [bands, fft / 2 + 1] up to Nyquist (O'Shaughnessy's 2595·log10(1 + f/700))."""
    frequency = torch.linspace(0, SAMPLE_RATE / 2, fft // 2 + 1)
    top = 2595 * math.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (torch.linspace(0, top, bands + 2) / 2595) - 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequency - low) / (centre - low), (high - frequency) / (high - centre)
    return torch.clamp(torch.minimum(rising, falling), min=0)


class SpectralDistance:
    """Distance of two waveforms over three spectrograms: log magnitude, spectral convergence and log mel.

    After R. Yamamoto et al., "Parallel WaveGAN", ICASSP 2020, with the mel term added.
    """

    def __init__(self) -> None:
        self._mel = [mel_filters(fft, bands) for fft, _, _, bands in _RESOLUTIONS]
        self._window = [torch.hann_window(window) for _, _, window, _ in _RESOLUTIONS]

    def __call__(self, said: Tensor, wanted: Tensor) -> Tensor:
        total = said.new_zeros(())
        for place, (fft, hop, window, _) in enumerate(_RESOLUTIONS):
            with torch.no_grad():
                target = self._magnitude(wanted, place, fft, hop, window)
            ours = self._magnitude(said, place, fft, hop, window)
            total = total + (torch.log(ours + 1e-3) - torch.log(target + 1e-3)).abs().mean() * 0.5
            total = total + ((ours - target).norm() / target.norm()) * 0.3
            mel = self._mel[place]
            total = total + (torch.log(mel @ ours + 2e-3) - torch.log(mel @ target + 2e-3)).abs().mean()
        return total / len(_RESOLUTIONS)

    def _magnitude(self, wave: Tensor, place: int, fft: int, hop: int, window: int) -> Tensor:
        spectrum = torch.stft(wave, fft, hop, window, self._window[place], return_complex=True)
        return spectrum.abs().clamp(min=1e-5)


def losses(model: Acoustic, batch: Batch, distance: SpectralDistance) -> tuple[Tensor, Losses]:
    """The loss and its parts; the waveform is made with the teacher's pitch, voicing, durations."""
    states, log_durations = model.encode(batch.ids, batch.mask)
    held = batch.mask[..., 0]
    duration = ((log_durations - torch.log1p(batch.durations)).abs() * held).sum() / held.sum()
    frames = model.decode(states, batch.durations, batch.owner, batch.position, batch.frame_mask)
    real = batch.frame_mask[..., 0]
    pitch_error = (frames.log_pitch - torch.log(batch.pitch)).abs() * batch.voicing
    pitch = pitch_error.sum() / batch.voicing.sum().clamp(min=1)
    crossed = functional.binary_cross_entropy_with_logits(frames.voicing, batch.voicing, reduction="none")
    voicing = (crossed * real).sum() / real.sum()
    noise = torch.randn(batch.audio.shape)
    said = model.vocoder(batch.pitch, batch.voicing, frames.pulse, frames.breath, noise)
    spectrum = distance(said * real.repeat_interleave(HOP, 1), batch.audio)
    total = spectrum + duration + _PITCH_WEIGHT * pitch + _VOICING_WEIGHT * voicing
    return total, Losses(spectrum.item(), duration.item(), pitch.item(), voicing.item())


def train(
    examples: Sequence[Example],
    held: Sequence[Example],
    steps: int,
    checkpoint: Path,
    seed: int = 0,
    report: Callable[[Progress], None] = lambda progress: None,
    every: int = 50,
    batch: int = BATCH,
    until: int | None = None,
    anneal_from: int | None = None,
) -> Acoustic:
    """Train for `steps` steps, resuming from `checkpoint`, which is written every `every` steps.

    With `until`, training stops at that step of the same schedule; with `anneal_from`, the rate falls from
    that step on so that it is low by then (an unannealed voice is rough).

    Raises:
        ValueError: there is no example, or the checkpoint belongs to another schedule or seed.
    """
    if not examples or not held:
        raise ValueError("training needs at least one example and one held-out example")
    torch.set_flush_denormal(True)  # silent crops reach denormals, which cost a hundredfold on x86
    torch.manual_seed(seed)
    model = Acoustic()
    optimiser = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    step, spent = _resume(checkpoint, model, optimiser, steps, seed)
    distance = SpectralDistance()
    held_batch = collate(held, random.Random(seed))
    began, seen = time.process_time() - spent, []
    last = min(steps, until or steps)
    anneal = None if anneal_from is None else (anneal_from, last)
    while step < last:
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps, anneal)
        torch.manual_seed(seed * 1_000_003 + step)
        chosen = [examples[place] for place in choose(len(examples), step, seed, batch)]
        total, parts = losses(model, collate(chosen, random.Random(f"{seed}/{step}")), distance)
        optimiser.zero_grad()
        torch.autograd.backward(total)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        seen.append(parts)
        if step % every == 0 or step == last:
            spent = time.process_time() - began
            _save(checkpoint, model, optimiser, step, steps, seed, spent)
            with torch.no_grad():
                torch.manual_seed(seed)
                _, held_parts = losses(model, held_batch, distance)
            report(
                Progress(step, steps, spent, learning_rate(step - 1, steps, anneal), _mean(seen), held_parts)
            )
            seen = []
    return model


def _mean(parts: Sequence[Losses]) -> Losses:
    rows = np.array([(part.spectrum, part.duration, part.pitch, part.voicing) for part in parts])
    return Losses(*(float(value) for value in rows.mean(0)))


def _save(
    path: Path,
    model: Acoustic,
    optimiser: torch.optim.Optimizer,
    step: int,
    steps: int,
    seed: int,
    spent: float,
) -> None:
    partial = path.with_suffix(".part")
    state = {
        "model": model.state_dict(), "optimiser": optimiser.state_dict(),
        "step": step, "steps": steps, "seed": seed, "cpu_seconds": spent,
    }  # fmt: skip
    torch.save(state, partial)
    partial.rename(path)


def _resume(
    path: Path, model: Acoustic, optimiser: torch.optim.Optimizer, steps: int, seed: int
) -> tuple[int, float]:
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True)
    if (state["steps"], state["seed"]) != (steps, seed):
        raise ValueError(
            f"{path} was made for {state['steps']} steps with seed {state['seed']}, not {steps} with {seed}; "
            "use the same numbers to resume, or another --work folder to begin anew"
        )
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"]), float(state["cpu_seconds"])
