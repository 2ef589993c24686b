# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole pipeline in one command: utterances, speech, training, calibration, export, evaluation.

python -m training.turn_end --out models/turn-end-en --work var/turn_end

May be interrupted and run again at any time.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Any

from training.turn_end.evaluate import best_calibration, evaluate
from training.turn_end.examples import join, make_shard, plans
from training.turn_end.export import export
from training.turn_end.train import Recipe, Training

log = logging.getLogger("training.turn_end")


def main(arguments: list[str] | None = None) -> int:
    """Run the pipeline; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout
    )
    os.nice(10)
    options.work.mkdir(parents=True, exist_ok=True)
    recognizer = _recognizer(options)
    shards = {}
    for plan in plans(options.utterances, options.unseen, options.seed):
        shards[plan.name] = make_shard(plan, options.work / "examples", recognizer)
        log.info("examples: %s, %d pauses", plan.name, len(shards[plan.name].examples))
    calibration, unseen = shards.pop("calibration"), shards.pop("unseen")
    recipe = Recipe(options.steps, options.seed, threads=options.threads)
    training = Training(recipe, join([*shards.values()]), options.work)
    network = training.run()
    scale, shift = best_calibration(network, calibration)
    about = {"steps": options.steps, "seed": options.seed, "utterances": options.utterances}
    export(network, (scale, shift), options.out, about)
    log.info("exported to %s: logits times %.2f plus %.2f, %.1f CPU minutes of training",
             options.out, scale, shift, training.progress.cpu_seconds / 60)  # fmt: skip
    report = (
        "Sentences and voices that were never in training:\n\n"
        + evaluate(options.out, unseen)
        + "\nSentences that were never in training, voices that were:\n\n"
        + evaluate(options.out, calibration)
    )
    (options.work / "evaluation.md").write_text(report)
    print(report)
    return 0


def _recognizer(options: argparse.Namespace) -> Any | None:
    if options.recognizer is None or not (options.recognizer / "model.bin").is_file():
        log.info("no recogniser: examples have the words as spoken")
        return None
    from training.recognizer.evaluate import CroppedWhisper

    return CroppedWhisper(
        str(options.recognizer), device="cpu", compute_type="int8", cpu_threads=options.threads
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.turn_end", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished model")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of examples and checkpoint; kept for resuming"
    )
    parser.add_argument("--steps", type=int, default=3500, help="length of the training schedule")
    parser.add_argument("--utterances", type=int, default=4400, help="utterances to synthesise for training")
    parser.add_argument(
        "--unseen", type=int, default=500, help="utterances for each of the evaluation's sets"
    )
    parser.add_argument(
        "--recognizer", type=Path, default=Path("models/recognizer-en"),
        help="the faster-whisper model whose mistakes are to be learnt",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
