# SPDX-License-Identifier: GPL-3.0-or-later
"""Export: the calibrated network as ONNX for one judgement at a time, its description, the checksums."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path

import torch

from agent.turn_end_model import DESCRIPTION_FILE, FEATURES, GRAPH_FILE, silent_features, word_ids
from training.turn_end.model import Calibrated, TurnEnd

CHECKSUMS_FILE = "SHA256SUMS"
_OPSET = 17


def export(
    network: TurnEnd, calibration: tuple[float, float], folder: Path, about: dict[str, object]
) -> None:
    """Write the graph and what is known `about` it into `folder`, each atomically, then `SHA256SUMS`."""
    folder.mkdir(parents=True, exist_ok=True)
    graph, partial = folder / GRAPH_FILE, folder / (GRAPH_FILE + ".part")
    inputs = (torch.from_numpy(word_ids("hello"))[None], torch.from_numpy(silent_features().copy())[None])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns that the batch is fixed to one, which is meant
        torch.onnx.export(
            Calibrated(network.eval(), *calibration).eval(), inputs, str(partial), opset_version=_OPSET,
            dynamo=False, input_names=["words", "sound"], output_names=["probability"],
        )  # fmt: skip
    description = {"features": FEATURES, "calibration": [round(value, 4) for value in calibration]} | about
    described = folder / (DESCRIPTION_FILE + ".part")
    described.write_text(json.dumps(description, indent=1) + "\n")
    partial.replace(graph)
    described.replace(folder / DESCRIPTION_FILE)
    write_checksums(folder)


def write_checksums(folder: Path) -> None:
    """SHA-256 of every file in `folder`, as `sha256sum` writes it."""
    files = sorted(path for path in folder.iterdir() if path.name != CHECKSUMS_FILE)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / CHECKSUMS_FILE).write_text("".join(lines))
