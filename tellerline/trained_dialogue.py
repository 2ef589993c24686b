# SPDX-License-Identifier: GPL-3.0-or-later
"""The trained Rasa model, named by the hash of its sources: nobody trains twice or runs a stale one."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# What decides how the model comes out: the project's own files, and the lock of the Rasa that trains it.
SOURCES = ("config.yml", "domain", "nlu_data", "channels", "requirements/rasa.txt")

# Rasa asks the network for nothing and needs no GPU; the rest silences libraries that talk at start-up.
RASA_ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "SANIC_HOST": "127.0.0.1",
    "PYTHONWARNINGS": "ignore",
}

_PREFIX = "dialogue-"
_SUFFIX = ".tar.gz"


@dataclass(frozen=True, slots=True)
class TrainedDialogue:
    """A trained model on disk. `current` is False when its sources have changed since: the last good one,
    still usable.
    """

    path: Path
    current: bool


def source_hash(root: Path) -> str:
    """Sixteen hex digits that change when a file that Rasa trains on changes. Raises FileNotFoundError."""
    digest = hashlib.sha256()
    for file in _source_files(root):
        digest.update(f"{file.relative_to(root)}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def model_path(root: Path, folder: Path) -> Path:
    """Where the model of the present sources lies, or will."""
    return folder / f"{_PREFIX}{source_hash(root)}{_SUFFIX}"


def find_model(root: Path, folder: Path) -> TrainedDialogue | None:
    """The model of the present sources, else the newest older one, else None."""
    wanted = model_path(root, folder)
    if wanted.is_file():
        return TrainedDialogue(wanted, current=True)
    older = sorted(folder.glob(f"{_PREFIX}*{_SUFFIX}"), key=lambda path: path.stat().st_mtime)
    return TrainedDialogue(older[-1], current=False) if older else None


def training_command(root: Path, out: Path) -> Sequence[str]:
    """The command that trains into the folder `out`; run it in the checkout, with RASA_ENVIRONMENT."""
    rasa = str(root / ".venv-rasa" / "bin" / "rasa")
    return [
        rasa, "train", "--config", "config.yml", "--domain", "domain", "--data", "nlu_data",
        "--out", str(out), "--fixed-model-name", "dialogue",
    ]  # fmt: skip


def adopt(root: Path, folder: Path, out: Path) -> Path:
    """Move what `training_command` left in `out` to its name, in one step, and drop all but it and the one
    before.
    """
    wanted = model_path(root, folder)
    folder.mkdir(parents=True, exist_ok=True)
    os.replace(out / "dialogue.tar.gz", wanted)
    shutil.rmtree(out, ignore_errors=True)
    others = [path for path in folder.glob(f"{_PREFIX}*{_SUFFIX}") if path != wanted]
    for stale in sorted(others, key=lambda path: path.stat().st_mtime)[:-1]:
        stale.unlink(missing_ok=True)
    return wanted


def _source_files(root: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = root / name
        if path.is_dir():
            yield from sorted(
                p for p in path.rglob("*") if p.is_file() and p.suffix in {".yml", ".yaml", ".py"}
            )
        elif path.is_file():
            yield path
        else:
            raise FileNotFoundError(f"{name} is missing in {root}: the Rasa project is incomplete")
