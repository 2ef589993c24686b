# SPDX-License-Identifier: GPL-3.0-or-later
"""Export: the trained model as the two files that `piper.PiperVoice.load` reads.

Weights and Fourier tables are stored in half precision with a Cast behind each: half the size, and the same
speed because the runtime folds the Casts when it loads the file.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from training.voice.examples import ESPEAK_VOICE
from training.voice.model import SYMBOLS, Acoustic, PiperGraph
from training.voice.vocoder import HOP, SAMPLE_RATE

GRAPH_FILE = "voice.onnx"
CONFIG_FILE = "voice.onnx.json"
_OPSET = 17
_HALVED_FROM = 2000
"""Elements; smaller tensors gain nothing from half precision."""


def export(model: Acoustic, folder: Path, dataset: str = "tellerline-en") -> Path:
    """Write `voice.onnx` and `voice.onnx.json` into `folder`, each atomically; the graph's path."""
    folder.mkdir(parents=True, exist_ok=True)
    graph, config = folder / GRAPH_FILE, folder / CONFIG_FILE
    partial = folder / (GRAPH_FILE + ".part")
    _trace(model, partial)
    halve(partial)
    described = folder / (CONFIG_FILE + ".part")
    described.write_text(
        json.dumps(piper_config(dataset), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    partial.replace(graph)
    described.replace(config)
    return graph


def piper_config(dataset: str) -> dict[str, object]:
    """What Piper reads beside the graph; `noise_scale` 0 gives the same bits on every call."""
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

    return {
        "audio": {"sample_rate": SAMPLE_RATE, "quality": "low"},
        "espeak": {"voice": ESPEAK_VOICE},
        "language": {"code": "en_US"},
        "dataset": dataset,
        "phoneme_type": "espeak",
        "num_symbols": SYMBOLS,
        "num_speakers": 1,
        "speaker_id_map": {},
        "inference": {"noise_scale": 0.0, "length_scale": 1.0, "noise_w": 0.0},
        "phoneme_map": {},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "hop_length": HOP,
        "piper_version": "1.8.0",
    }


def _trace(model: Acoustic, path: Path) -> None:
    graph = PiperGraph(model.eval()).eval()
    ids = torch.randint(3, 160, (1, 61), generator=torch.Generator().manual_seed(0))
    inputs = (ids, torch.tensor([61]), torch.tensor([0.667, 1.0, 0.8]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns about shapes that dynamic_axes make dynamic
        torch.onnx.export(
            graph,
            inputs,
            str(path),
            opset_version=_OPSET,
            dynamo=False,
            input_names=["input", "input_lengths", "scales"],
            output_names=["output"],
            dynamic_axes={"input": {1: "ids"}, "output": {3: "samples"}},
        )


def halve(path: Path) -> None:
    """Store every large float32 constant of the graph at `path` as float16 with a Cast behind it."""
    model = onnx.load(str(path))
    graph = model.graph
    casts: list[onnx.NodeProto] = []
    kept: list[onnx.NodeProto] = []
    large = [tensor for tensor in graph.initializer if _is_large(numpy_helper.to_array(tensor))]
    for tensor in large:
        graph.initializer.remove(tensor)
        casts.append(_halved(graph, tensor.name, numpy_helper.to_array(tensor)))
    for node in graph.node:
        values = _constant(node)
        if values is not None and _is_large(values):
            casts.append(_halved(graph, node.output[0], values))
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(casts + kept)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _halved(
    graph: onnx.GraphProto, name: str, values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> onnx.NodeProto:
    graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
    return helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT)


def _is_large(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bool:
    return bool(values.dtype == np.float32 and values.size > _HALVED_FROM)


def _constant(node: onnx.NodeProto) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None:
    if node.op_type != "Constant" or node.attribute[0].name != "value":
        return None
    return numpy_helper.to_array(node.attribute[0].t)


def graph_inputs(path: Path) -> Sequence[str]:
    """The names of the graph's inputs; Piper fails without all of `input`, `input_lengths`, `scales`."""
    return [value.name for value in onnx.load(str(path)).graph.input]
