# SPDX-License-Identifier: GPL-3.0-or-later
"""One command from nothing to the shipped voice: `python -m training.voice --out models/voice-en --work DIR`.

Stages leave their result in DIR; run again after a cut, and it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from tellerline.model_registry import write_checksums
from training.voice import corpus, examples, teacher, train
from training.voice.card import model_card
from training.voice.evaluate import Measurement, measure
from training.voice.export import export
from training.voice.model import Acoustic

STEPS, SENTENCES, HELD, SEED = 2400, 2300, 60, 0
LEVEL = 1.5
"""Gain on the teacher's audio: speech at about -20 dBov, the level that telephone lines are made for."""
_WATCHED = 16
"""Held-out examples whose loss is shown while training."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is still to be done; 0 on success, 1 with a message that says what to do."""
    options = _parse(arguments)
    torch.set_num_threads(options.threads)
    try:
        _run(options)
    except (teacher.TeacherUnavailable, ValueError, OSError) as error:
        print(f"training.voice: {error}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.voice", description="Train and ship the English voice."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished voice")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder of intermediate results, for resuming"
    )
    parser.add_argument("--steps", type=int, default=STEPS, help=f"training steps ({STEPS})")
    parser.add_argument(
        "--until", type=int, help="stop early, at this step of the schedule that --steps sets"
    )
    parser.add_argument(
        "--anneal-from", type=int, help="let the rate fall from this step on, to be low at --until"
    )
    parser.add_argument(
        "--sentences", type=int, default=SENTENCES, help=f"sentences to train on ({SENTENCES})"
    )
    parser.add_argument("--held", type=int, default=HELD, help=f"held-out sentences to measure on ({HELD})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"seed of text, weights and batches ({SEED})")
    parser.add_argument("--threads", type=int, default=1, help="threads of the training process (1)")
    parser.add_argument(
        "--export-only", action="store_true", help="ship the last checkpoint without training on"
    )
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> None:
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    if not teacher.LEXICON.exists():
        raise teacher.TeacherUnavailable(f"{teacher.LEXICON} is missing; run: apt-get install festlex-cmu")
    text = corpus.compose(
        options.sentences, corpus.dictionary_words(teacher.LEXICON), options.seed, options.held
    )
    _same_text(work / "sentences.txt", text.sentences)
    teacher.read_aloud(
        text.sentences, work / "teacher", lambda done, total: _say(f"teacher reads {done}/{total}")
    )
    prepared = _prepare(text.sentences, work)
    count = len(text.train)
    usable = [one for one in prepared[:count] if one.cost <= examples.MAX_ALIGNMENT_COST]
    checkpoint = work / "checkpoint.pt"
    if options.export_only:
        model, state = _last_checkpoint(checkpoint)
    else:
        held = prepared[count : count + _WATCHED]
        model = train.train(
            usable,
            held,
            options.steps,
            checkpoint,
            options.seed,
            _show,
            until=options.until,
            anneal_from=options.anneal_from,
        )
        state = torch.load(checkpoint, weights_only=True)
    measured = _ship(model, text, options.out, work)
    figures = {
        "step": state["step"],
        "steps": state["steps"],
        "seed": options.seed,
        "anneal_from": options.anneal_from or state["step"],
        "cpu_minutes": state["cpu_seconds"] / 60,
        "parameters": sum(weight.numel() for weight in model.parameters()) / 1e6,
        "sentences": len(usable),
        "hours": sum(len(one.audio) for one in usable) / teacher.SAMPLE_RATE / 3600,
    }
    (options.out / "MODEL_CARD.md").write_text(model_card(measured, figures), encoding="utf-8")
    (work / "measured.json").write_text(
        json.dumps({**figures, **measured.as_dict()}, indent=1) + "\n", "utf-8"
    )
    write_checksums(options.out)
    _say(f"shipped {options.out} after step {state['step']}")


def _same_text(path: Path, sentences: Sequence[str]) -> None:
    """The teacher's files are numbered by sentence, so a work folder belongs to one corpus."""
    wanted = "\n".join(sentences) + "\n"
    if path.exists() and path.read_text(encoding="ascii") != wanted:
        raise ValueError(
            f"{path} holds other sentences (--sentences, --held or --seed differ); use another --work folder"
        )
    path.write_text(wanted, encoding="ascii")


def _prepare(sentences: Sequence[str], work: Path) -> list[examples.Example]:
    kept = work / "examples.npz"
    if kept.exists():
        return examples.load(kept)
    phonemise = examples.phonemiser()
    prepared: list[examples.Example] = []
    for index, text in enumerate(sentences):
        utterance = teacher.load(work / "teacher", index, text)
        prepared.append(examples.make_example(utterance, phonemise(text), LEVEL))
        if index % 100 == 99:
            _say(f"aligned {index + 1}/{len(sentences)}")
    examples.save(prepared, kept)
    return prepared


def _last_checkpoint(path: Path) -> tuple[Acoustic, dict[str, float]]:
    if not path.exists():
        raise ValueError(f"there is no {path} yet; run without --export-only first")
    state = torch.load(path, weights_only=True)
    model = Acoustic()
    model.load_state_dict(state["model"])
    return model, state


def _ship(model: Acoustic, text: corpus.Corpus, out: Path, work: Path) -> Measurement:
    graph = export(model, out)
    write_checksums(out)  # now, so that nobody meets a new voice with old checksums while it is measured
    first = len(text.train)
    spoken = [
        (sentence, teacher.load(work / "teacher", first + place, sentence).audio)
        for place, sentence in enumerate(text.held_banking + text.held_general)
    ]
    banking = len(text.held_banking)
    _say(f"measuring on {len(spoken)} held-out sentences")
    return measure(graph, spoken[:banking], spoken[banking:])


def _show(now: train.Progress) -> None:
    _say(
        f"step {now.step}/{now.steps}  {now.cpu_seconds / 60:.1f} CPU-min  rate {now.learning_rate:.5f}  "
        f"spectrum {now.train.spectrum:.3f} (held {now.held.spectrum:.3f})  "
        f"duration {now.held.duration:.3f}  "
        f"pitch {now.held.pitch:.3f}  voicing {now.held.voicing:.3f}"
    )


def _say(message: str) -> None:
    print(time.strftime("%H:%M:%S"), message, flush=True)


if __name__ == "__main__":
    sys.exit(main())
