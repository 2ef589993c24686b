# SPDX-License-Identifier: GPL-3.0-or-later
"""How well an exported model tells finished from unfinished, on sentences and voices that no training heard.

Its parts alone, too: words only, sound only; words as they were spoken and as the recogniser understood them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from agent.turn_end_model import TurnEndModel, silent_features, sound_features, word_ids
from training.turn_end.examples import Example, Shard
from training.turn_end.model import TurnEnd

Scores = npt.NDArray[np.float64]
FALSE_ALARMS = 0.02


def heard_or_said(example: Example) -> str:
    """The words as understood, or as spoken where nobody listened."""
    return example.said if example.heard is None else example.heard


def best_calibration(network: TurnEnd, shard: Shard) -> tuple[float, float]:
    """The scale and shift of the logits that make probabilities true (Platt 1999), on a held-out shard."""
    words = torch.from_numpy(np.stack([word_ids(heard_or_said(example)) for example in shard.examples]))
    with torch.no_grad():
        logits = network(words, torch.from_numpy(shard.sounds.astype(np.float32)))
    targets = torch.tensor([example.target for example in shard.examples])
    found = torch.tensor([1.0, 0.0], requires_grad=True)
    search = torch.optim.LBFGS([found], max_iter=50)

    def loss() -> torch.Tensor:
        search.zero_grad()
        value = functional.binary_cross_entropy_with_logits(found[0] * logits + found[1], targets)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    search.step(loss)
    scale, shift = found.detach().tolist()
    return scale, shift


def area_under_curve(positive: Scores, negative: Scores) -> float:
    """ROC AUC: how often a finished one scores above an unfinished one; NaN without either."""
    if not len(positive) or not len(negative):
        return float("nan")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    equal = np.searchsorted(ordered, positive, "right") - below
    return float((below + 0.5 * equal).mean() / len(negative))


def caught(positive: Scores, negative: Scores, false_alarms: float = FALSE_ALARMS) -> tuple[float, float]:
    """The share of finished found at the threshold that so many unfinished pass, and the threshold."""
    threshold = float(np.quantile(negative, 1 - false_alarms)) if len(negative) else 1.0
    return float(np.mean(positive > threshold)) if len(positive) else float("nan"), threshold


def reliability(scores: Scores, finished: Scores, bins: int = 10) -> list[tuple[float, float, int]]:
    """For bins of probability: the mean said, the share that was finished (a half counts half), how many."""
    numbers = np.minimum((scores * bins).astype(int), bins - 1)
    return [
        (float(scores[numbers == n].mean()), float(finished[numbers == n].mean()), int((numbers == n).sum()))
        for n in range(bins)
        if (numbers == n).any()
    ]


def calibration_error(rows: Sequence[tuple[float, float, int]]) -> float:
    """Expected calibration error of a reliability table."""
    return sum(abs(said - true) * number for said, true, number in rows) / sum(row[2] for row in rows)


def evaluate(folder: Path, shard: Shard) -> str:
    """A report in Markdown on one shard."""
    model = TurnEndModel(folder)
    places = np.array([example.place for example in shard.examples])
    ways: dict[str, Scores] = {}
    for title, read, listens in (
        ("words as spoken", lambda example: example.said, False),
        ("words as recognised", heard_or_said, False),
        ("sound", lambda example: "", True),
        ("sound and words as spoken", lambda example: example.said, True),
        ("sound and words as recognised", heard_or_said, True),
    ):
        ways[title] = _scores(model, shard, read, listens=listens)
    lines = [
        f"{(places == 'whole').sum()} whole utterances, {(places == 'unfinished').sum()} pauses inside a"
        f" thought, {(places == 'number').sum()} inside a number, {(places == 'soft').sum()} after what could"
        " be whole.",
        "",
        "| input | ROC AUC | finished found at 2 % of the unfinished | at the threshold"
        " | ROC AUC, in numbers | mean after what could be whole |",
        "|---|---|---|---|---|---|",
    ]
    for title, scores in ways.items():
        whole, unfinished = scores[places == "whole"], scores[places == "unfinished"]
        share, threshold = caught(whole, unfinished)
        numbers = area_under_curve(whole[_numeric(shard, "whole")], scores[places == "number"])
        soft = scores[places == "soft"]
        lines.append(
            f"| {title} | {area_under_curve(whole, unfinished):.3f} | {share:.0%} | {threshold:.2f}"
            f" | {numbers:.3f} | {soft.mean() if len(soft) else float('nan'):.2f} |"
        )
    scores = ways["sound and words as recognised"]
    lines += ["", *_by_voice(shard, scores, places), "", *_reliability_table(shard, scores), ""]
    return "\n".join([*lines, f"One judgement: {_cpu_ms(model):.2f} CPU ms on one thread.", ""])


def _numeric(shard: Shard, place: str) -> npt.NDArray[np.bool_]:
    from training.turn_end.completeness import NUMBER_WORDS

    chosen = [example for example in shard.examples if example.place == place]
    return np.array([example.said.split()[-1] in NUMBER_WORDS for example in chosen], dtype=bool)


def _scores(model: TurnEndModel, shard: Shard, read: Callable[[Example], str], *, listens: bool) -> Scores:
    silent = silent_features()
    return np.array(
        [
            model.judge(word_ids(read(example)), sound.astype(np.float32) if listens else silent)
            for example, sound in zip(shard.examples, shard.sounds, strict=True)
        ]
    )


def _by_voice(shard: Shard, scores: Scores, places: npt.NDArray[np.str_]) -> list[str]:
    lines = ["| voices | whole | unfinished | ROC AUC | finished found at 2 % |", "|---|---|---|---|---|"]
    voices = np.array([example.voice.split("+")[-1].split("/")[-1] for example in shard.examples])
    engines = np.array([example.voice.split("/")[0] for example in shard.examples])
    held_out = {"f5", "m8", "quincy", "caleb", "rms"}
    groups = voices if set(voices) <= held_out else engines
    for group in sorted(set(groups)):
        whole = scores[(groups == group) & (places == "whole")]
        unfinished = scores[(groups == group) & (places == "unfinished")]
        area, share = area_under_curve(whole, unfinished), caught(whole, unfinished)[0]
        lines.append(f"| {group} | {len(whole)} | {len(unfinished)} | {area:.3f} | {share:.0%} |")
    return lines


def _reliability_table(shard: Shard, scores: Scores) -> list[str]:
    rows = reliability(scores, np.array([example.target for example in shard.examples]))
    lines = ["| probability said | finished in truth | pauses |", "|---|---|---|"]
    lines += [f"| {said:.2f} | {true:.2f} | {number} |" for said, true, number in rows]
    return [*lines, "", f"Expected calibration error {calibration_error(rows):.3f}."]


def _cpu_ms(model: TurnEndModel, times: int = 200) -> float:
    sound = np.random.default_rng(0).standard_normal(3 * 16_000).astype(np.float32) * 0.1
    text = "i would like to borrow two hundred thousand for"
    model.judge(word_ids(text), sound_features(sound))
    began = time.process_time()
    for _ in range(times):
        model.probability(sound, text)
    return (time.process_time() - began) * 1000 / times
