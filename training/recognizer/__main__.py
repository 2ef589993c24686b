# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole pipeline in one command: sentences, speech, training, export, evaluation; resumable anywhere.

python -m training.recognizer --out models/recognizer-en --steps 8200 --work var/recognizer
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import time
from pathlib import Path

from tokenizers import Tokenizer

from training.recognizer import synthesis
from training.recognizer.evaluate import evaluate
from training.recognizer.export import export
from training.recognizer.tokenizer import build_tokenizer
from training.recognizer.train import Progress, Recipe, Training, trained_model

log = logging.getLogger("training.recognizer")
ENOUGH_TO_BEGIN = 6000


def main(arguments: list[str] | None = None) -> int:
    """Run the pipeline; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout
    )
    shards = options.work / "shards"
    options.work.mkdir(parents=True, exist_ok=True)
    synthesiser = multiprocessing.get_context("spawn").Process(
        target=_synthesise, args=(shards, options.sentences, options.unseen, options.seed, options.processes)
    )
    synthesiser.start()
    try:
        _await_clips(synthesiser, shards, options)
        _train(options, shards)
        synthesiser.join()
    finally:
        if synthesiser.is_alive():
            synthesiser.terminate()
    model, progress, _ = trained_model(options.work / "checkpoint.pt")
    export(model, _tokenizer(options), options.out)
    log.info("exported to %s after %d steps, %d examples, %.0f CPU minutes", options.out, progress.step,
             progress.examples, progress.cpu_seconds / 60)  # fmt: skip
    report = evaluate(options.out, shards, options.unseen)
    (options.work / "evaluation.md").write_text(report)
    print(report)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.recognizer", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished model")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of shards and checkpoint; kept for resuming"
    )
    parser.add_argument("--steps", type=int, default=8200, help="length of the training schedule")
    parser.add_argument("--sentences", type=int, default=70_000, help="clips to synthesise for training")
    parser.add_argument("--unseen", type=int, default=360, help="clips to synthesise for each evaluation set")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="threads of the training")
    parser.add_argument("--processes", type=int, default=1, help="processes of the synthesis")
    parser.add_argument(
        "--synthesise-first", action="store_true",
        help="train only when all speech is there: slower to begin, but the same network every time",
    )  # fmt: skip
    return parser


def _synthesise(shards: Path, sentences: int, unseen: int, seed: int, processes: int) -> None:
    plans = synthesis.evaluation_plans(unseen, seed) + synthesis.training_plans(sentences, seed)
    for number, name in enumerate(synthesis.make_shards(plans, shards, processes), 1):
        print(f"{time.strftime('%H:%M:%S')} speech: {name} ({number} of {len(plans)} shards)", flush=True)


def _await_clips(
    synthesiser: multiprocessing.process.BaseProcess, shards: Path, options: argparse.Namespace
) -> None:
    """Wait until there is enough speech to begin with, or all of it."""
    plans = synthesis.training_plans(options.sentences, options.seed)
    wanted = options.sentences if options.synthesise_first else min(options.sentences, ENOUGH_TO_BEGIN)
    while synthesiser.is_alive():
        if sum(plan.count for plan in plans if (shards / f"{plan.name}.json").exists()) >= wanted:
            return
        time.sleep(1)
    if synthesiser.exitcode:
        raise SystemExit(
            "the synthesis failed, see above; what it has made is kept, run the same command again"
        )


def _tokenizer(options: argparse.Namespace) -> Tokenizer:
    path = options.work / "tokenizer.json"
    return Tokenizer.from_file(str(path)) if path.exists() else build_tokenizer(path, options.seed)


def _train(options: argparse.Namespace, shards: Path) -> None:
    os.nice(10)
    recipe = Recipe(steps=options.steps, seed=options.seed, threads=options.threads)
    training = Training(recipe, _tokenizer(options), shards, options.work)

    def report(progress: Progress, speed: float) -> None:
        log.info(
            "training: step %d of %d, text %.3f, phones %.3f, curriculum %.0f %%, %.1f clips/s, %d clips",
            progress.step, recipe.steps, progress.text_loss, progress.phone_loss, 100 * progress.level, speed,
            len(training.store),
        )  # fmt: skip

    training.run(report)


if __name__ == "__main__":
    sys.exit(main())
