# SPDX-License-Identifier: GPL-3.0-or-later
"""The Whisper architecture (Radford et al. 2022) in plain torch, small, a phone classifier on its encoder.

Pre-norm blocks, a two-layer convolution in front, sinusoidal positions in the encoder, learnt ones in the
decoder, tied output embedding: what CTranslate2's Whisper expects. No dropout: the clips are never the
same twice, and drawing the masks would cost a tenth of the time. The phone classifier is for training only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

AUDIO_POSITIONS = 1500
TEXT_POSITIONS = 448
# Positions; below it plain matrix products are three times faster on a CPU than the fused kernel.
LONG_MEMORY = 600


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Sizes of the network; `phones` is the number of classes of the auxiliary classifier."""

    vocabulary: int
    phones: int
    width: int = 192
    heads: int = 3
    encoder_layers: int = 4
    decoder_layers: int = 2
    mel_bins: int = 80


def sinusoids(positions: int, width: int) -> Tensor:
    """Fixed position encodings [positions, width], sines then cosines, as in Whisper."""
    step = math.log(10_000) / (width // 2 - 1)
    angles = torch.arange(positions)[:, None] * torch.exp(-step * torch.arange(width // 2))[None]
    return torch.cat((angles.sin(), angles.cos()), dim=1)


class Attention(nn.Module):  # type: ignore[misc,unused-ignore]
    """Multi-head attention; the key has no bias, as in Whisper."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(
        self, queries: Tensor, memory: Tensor, *, causal: bool = False, weights: list[Tensor] | None = None
    ) -> Tensor:
        """Attend from [batch, n, width] to [batch, m, width]; `weights` collects [batch, heads, n, m]."""
        batch, length, width = queries.shape
        query, key, value = (
            projected.view(batch, -1, self.heads, width // self.heads).transpose(1, 2)
            for projected in (self.query(queries), self.key(memory), self.value(memory))
        )
        if weights is None and (causal or key.shape[2] > LONG_MEMORY):
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        else:
            shares = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(width // self.heads), dim=-1)
            mixed = shares.to(value.dtype) @ value
            if weights is not None:
                weights.append(shares)
        projected_out: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return projected_out


class Block(nn.Module):  # type: ignore[misc,unused-ignore]
    """Self-attention, cross-attention in the decoder, and the feed-forward layers."""

    def __init__(self, dimensions: Dimensions, *, cross: bool) -> None:
        super().__init__()
        width = dimensions.width
        self.attention = Attention(width, dimensions.heads)
        self.attention_norm = nn.LayerNorm(width)
        self.cross = Attention(width, dimensions.heads) if cross else None
        self.cross_norm = nn.LayerNorm(width) if cross else None
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.feed_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, memory: Tensor | None = None, weights: list[Tensor] | None = None) -> Tensor:
        """One layer over [batch, n, width]; with `memory` (the encoder's output) it is causal."""
        normed = self.attention_norm(x)
        x = x + self.attention(normed, normed, causal=memory is not None)
        if self.cross is not None and self.cross_norm is not None and memory is not None:
            x = x + self.cross(self.cross_norm(x), memory, weights=weights)
        fed: Tensor = x + self.narrow(functional.gelu(self.widen(self.feed_norm(x))))
        return fed


class Whisper(nn.Module):  # type: ignore[misc,unused-ignore]
    """Encoder, decoder and phone classifier."""

    encoder_positions: Tensor

    def __init__(self, dimensions: Dimensions) -> None:
        super().__init__()
        self.dimensions = dimensions
        width = dimensions.width
        self.conv1 = nn.Conv1d(dimensions.mel_bins, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.register_buffer("encoder_positions", sinusoids(AUDIO_POSITIONS, width))
        self.encoder = nn.ModuleList(Block(dimensions, cross=False) for _ in range(dimensions.encoder_layers))
        self.encoder_norm = nn.LayerNorm(width)
        self.phones = nn.Linear(width, dimensions.phones)
        self.embedding = nn.Embedding(dimensions.vocabulary, width)
        self.decoder_positions = nn.Parameter(torch.randn(TEXT_POSITIONS, width) * 0.02)
        self.decoder = nn.ModuleList(Block(dimensions, cross=True) for _ in range(dimensions.decoder_layers))
        self.decoder_norm = nn.LayerNorm(width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)

    def encode(self, mel: Tensor) -> Tensor:
        """Log-mel [batch, 80, frames] to states [batch, frames / 2, width], one for each 20 ms."""
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(mel)))).transpose(1, 2)
        x = x + self.encoder_positions[: x.shape[1]]
        for block in self.encoder:
            x = block(x)
        states: Tensor = self.encoder_norm(x)
        return states

    def decode(self, tokens: Tensor, states: Tensor, weights: list[Tensor] | None = None) -> Tensor:
        """Logits [batch, n, vocabulary] of the token after each of `tokens` [batch, n].

        Each layer's cross-attention [batch, heads, n, positions] is appended to `weights` if it is a list.
        """
        x = self.embedding(tokens) + self.decoder_positions[: tokens.shape[1]]
        for block in self.decoder:
            x = block(x, states, weights)
        logits: Tensor = self.decoder_norm(x) @ self.embedding.weight.T
        return logits

    def classify_phones(self, states: Tensor) -> Tensor:
        """Phone logits [batch, positions, classes] of encoder states."""
        logits: Tensor = self.phones(states)
        return logits
