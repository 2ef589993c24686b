# SPDX-License-Identifier: GPL-3.0-or-later
"""From a trained network to the files that `faster_whisper.WhisperModel(folder)` loads, without a model hub.

The folder is written beside its destination and renamed into place: whoever loads a model never meets half
of one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ctranslate2.specs import whisper_spec
from tokenizers import Tokenizer

from training.recognizer.model import Whisper
from training.recognizer.tokenizer import token_id

QUANTIZATION = "int8"
KEPT = ("MODEL_CARD.md",)  # written by people, so neither made anew nor sealed
_SPACE = "Ġ"
Weights = dict[str, npt.NDArray[np.float32]]


def export(model: Whisper, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the model as a CTranslate2 Whisper into `folder`, replacing what is there but its card."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    spec = specification(model, tokenizer)
    spec.validate()
    spec.optimize(quantization=QUANTIZATION)
    spec.save(str(partial))
    tokenizer.save(str(partial / "tokenizer.json"))
    preprocessing = {
        "chunk_length": 30,
        "feature_size": model.dimensions.mel_bins,
        "hop_length": 160,
        "n_fft": 400,
        "sampling_rate": 16000,
    }
    (partial / "preprocessor_config.json").write_text(json.dumps(preprocessing, indent=1) + "\n")
    for name in KEPT:
        if (folder / name).exists():
            shutil.copy2(folder / name, partial / name)
    write_checksums(partial)
    if folder.exists():
        retired = folder.with_name(f".{folder.name}.retired")
        shutil.rmtree(retired, ignore_errors=True)
        folder.rename(retired)
        partial.rename(folder)
        shutil.rmtree(retired)
    else:
        partial.rename(folder)


def write_checksums(folder: Path) -> None:
    """Write `SHA256SUMS` over the model's files (not its card), as `sha256sum --check` reads it."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name not in ("SHA256SUMS", *KEPT)
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def specification(model: Whisper, tokenizer: Tokenizer) -> whisper_spec.WhisperSpec:
    """The network in CTranslate2's terms."""
    sizes = model.dimensions
    weights: Weights = {name: value.detach().float().numpy() for name, value in model.state_dict().items()}
    spec = whisper_spec.WhisperSpec(sizes.encoder_layers, sizes.heads, sizes.decoder_layers, sizes.heads)
    encoder, decoder = spec.encoder, spec.decoder
    _linear(encoder.conv1, weights, "conv1")
    _linear(encoder.conv2, weights, "conv2")
    encoder.position_encodings.encodings = weights["encoder_positions"]
    _norm(encoder.layer_norm, weights, "encoder_norm")
    for number, layer in enumerate(encoder.layer):
        _block(layer, weights, f"encoder.{number}", cross=False)
    decoder.embeddings.weight = weights["embedding.weight"]
    decoder.projection.weight = weights["embedding.weight"]
    decoder.position_encodings.encodings = weights["decoder_positions"]
    _norm(decoder.layer_norm, weights, "decoder_norm")
    for number, layer in enumerate(decoder.layer):
        _block(layer, weights, f"decoder.{number}", cross=True)
    _configure(spec, tokenizer, sizes.decoder_layers, sizes.heads)
    return spec


def _configure(spec: whisper_spec.WhisperSpec, tokenizer: Tokenizer, layers: int, heads: int) -> None:
    size = tokenizer.get_vocab_size()
    spec.register_vocabulary([tokenizer.id_to_token(number) for number in range(size)])
    end, plain = token_id(tokenizer, "<|endoftext|>"), token_id(tokenizer, "<|notimestamps|>")
    spec.config.suppress_ids = list(range(end + 1, plain + 1))
    # Whisper also suppresses <|endoftext|> at the beginning. Here silence and noise may be an empty text: a
    # cough must not be turned into words.
    spec.config.suppress_ids_begin = [token_id(tokenizer, _SPACE)]
    spec.config.lang_ids = [token_id(tokenizer, "<|en|>")]
    spec.config.alignment_heads = [
        (layer, head) for layer in range(layers // 2, layers) for head in range(heads)
    ]


def _linear(target: object, weights: Weights, name: str) -> None:
    target.weight = weights[f"{name}.weight"]  # type: ignore[attr-defined]
    if f"{name}.bias" in weights:
        target.bias = weights[f"{name}.bias"]  # type: ignore[attr-defined]


def _fused(target: object, weights: Weights, names: list[str]) -> None:
    parts = [weights[f"{name}.weight"] for name in names]
    biases = [weights.get(f"{name}.bias", np.zeros(len(part), np.float32))
              for name, part in zip(names, parts, strict=True)]  # fmt: skip
    target.weight = np.concatenate(parts)  # type: ignore[attr-defined]
    target.bias = np.concatenate(biases)  # type: ignore[attr-defined]


def _norm(target: object, weights: Weights, name: str) -> None:
    target.gamma = weights[f"{name}.weight"]  # type: ignore[attr-defined]
    target.beta = weights[f"{name}.bias"]  # type: ignore[attr-defined]


def _block(layer: whisper_spec.WhisperSpec, weights: Weights, name: str, *, cross: bool) -> None:
    attention = f"{name}.attention"
    _fused(
        layer.self_attention.linear[0], weights, [f"{attention}.{part}" for part in ("query", "key", "value")]
    )
    _linear(layer.self_attention.linear[1], weights, f"{attention}.out")
    _norm(layer.self_attention.layer_norm, weights, f"{attention}_norm")
    if cross:
        memory = f"{name}.cross"
        _fused(layer.attention.linear[0], weights, [f"{memory}.query"])
        _fused(layer.attention.linear[1], weights, [f"{memory}.key", f"{memory}.value"])
        _linear(layer.attention.linear[2], weights, f"{memory}.out")
        _norm(layer.attention.layer_norm, weights, f"{memory}_norm")
    _linear(layer.ffn.linear_0, weights, f"{name}.widen")
    _linear(layer.ffn.linear_1, weights, f"{name}.narrow")
    _norm(layer.ffn.layer_norm, weights, f"{name}.feed_norm")
