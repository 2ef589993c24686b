# SPDX-License-Identifier: GPL-3.0-or-later
"""A Whisper of a published shape with random weights: as slow as the real one, and no download.

Its words mean nothing; only its time counts. CTranslate2 does not care what the weights are.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

QUANTIZATION = "int8"
_MELS, _POSITIONS, _TEXT_POSITIONS = 80, 1500, 448
# The English-only models: 50,256 words, the end, the start, 99 languages, 6 tasks, 1,501 times.
_WORDS, _LANGUAGES, _TIMES = 50_256, 99, 1501
_END = "<|endoftext|>"
_TASKS = (
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)

Weights = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shape:
    """Whisper's dimensions, the same number of layers in encoder and decoder."""

    width: int
    layers: int
    heads: int


# Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022), table 1.
SHAPES = {
    "tiny.en": Shape(384, 4, 6),
    "base.en": Shape(512, 6, 8),
    "small.en": Shape(768, 12, 12),
}


def written(name: str, folder: Path, seed: int = 0) -> Path:
    """The model of that shape in `folder`, written there if it is not yet.

    Raises ValueError for an unknown shape.
    """
    if name not in SHAPES:
        raise ValueError(f"no shape {name!r}; there are: {', '.join(SHAPES)}")
    target = folder / name
    if (target / "model.bin").is_file():
        return target
    partial = folder / f".{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    write(SHAPES[name], partial, seed)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return target


def write(shape: Shape, folder: Path, seed: int = 0, words: int = _WORDS) -> None:
    """Write a CTranslate2 Whisper with all the files that faster-whisper wants."""
    from ctranslate2.specs import whisper_spec

    source = np.random.default_rng(seed)
    spec = whisper_spec.WhisperSpec(shape.layers, shape.heads, shape.layers, shape.heads)
    tokens = _tokens(words)
    _fill(spec, shape, len(tokens), source)
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = [tokens.index("<|en|>")]
    spec.config.alignment_heads = [(shape.layers - 1, head) for head in range(shape.heads)]
    spec.validate()
    spec.optimize(quantization=QUANTIZATION)
    spec.save(str(folder))
    _write_tokenizer(tokens, folder)
    preprocessing = {
        "chunk_length": 30, "feature_size": _MELS, "hop_length": 160, "n_fft": 400, "sampling_rate": 16_000
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing), encoding="utf-8")


def _tokens(words: int) -> list[str]:
    languages = ["<|en|>", *(f"<|l{number}|>" for number in range(1, _LANGUAGES))]
    times = [f"<|{number * 0.02:.2f}|>" for number in range(_TIMES)]
    text = [f"Ġw{number}" for number in range(words)]
    return [*text, _END, "<|startoftranscript|>", *languages, *_TASKS, *times]


def _write_tokenizer(tokens: list[str], folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models

    tokenizer = Tokenizer(
        models.WordLevel({token: number for number, token in enumerate(tokens)}, unk_token=_END)
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([token for token in tokens if token.startswith("<|")])
    tokenizer.save(str(folder / "tokenizer.json"))


class _Random:
    """Random weights of a network of one width."""

    def __init__(self, width: int, source: np.random.Generator) -> None:
        self.width = width
        self._source = source

    def matrix(self, *shape: int) -> Weights:
        """Normal, 0.02: as a transformer begins its training."""
        return (0.02 * self._source.standard_normal(shape, np.float32)).astype(np.float32)

    def linear(self, target: object, outputs: int, inputs: int) -> None:
        target.weight = self.matrix(outputs, inputs)  # type: ignore[attr-defined]
        target.bias = self.matrix(outputs)  # type: ignore[attr-defined]

    def norm(self, target: object) -> None:
        target.gamma = np.ones(self.width, np.float32)  # type: ignore[attr-defined]
        target.beta = np.zeros(self.width, np.float32)  # type: ignore[attr-defined]


def _fill(spec: object, shape: Shape, vocabulary: int, source: np.random.Generator) -> None:
    weights, width = _Random(shape.width, source), shape.width
    encoder, decoder = spec.encoder, spec.decoder  # type: ignore[attr-defined]
    for convolution, inputs in ((encoder.conv1, _MELS), (encoder.conv2, width)):
        convolution.weight, convolution.bias = weights.matrix(width, inputs, 3), weights.matrix(width)
    encoder.position_encodings.encodings = weights.matrix(_POSITIONS, width)
    weights.norm(encoder.layer_norm)
    for layer in encoder.layer:
        _layer(layer, weights, cross=False)
    decoder.embeddings.weight = weights.matrix(vocabulary, width)
    decoder.projection.weight = decoder.embeddings.weight
    decoder.position_encodings.encodings = weights.matrix(_TEXT_POSITIONS, width)
    weights.norm(decoder.layer_norm)
    for layer in decoder.layer:
        _layer(layer, weights, cross=True)


def _layer(layer: object, weights: _Random, *, cross: bool) -> None:
    width = weights.width
    own = layer.self_attention  # type: ignore[attr-defined]
    weights.linear(own.linear[0], 3 * width, width)
    weights.linear(own.linear[1], width, width)
    weights.norm(own.layer_norm)
    if cross:
        memory = layer.attention  # type: ignore[attr-defined]
        for linear, outputs in zip(memory.linear, (width, 2 * width, width), strict=True):
            weights.linear(linear, outputs, width)
        weights.norm(memory.layer_norm)
    feed = layer.ffn  # type: ignore[attr-defined]
    weights.linear(feed.linear_0, 4 * width, width)
    weights.linear(feed.linear_1, width, 4 * width)
    weights.norm(feed.layer_norm)
