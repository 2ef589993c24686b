# SPDX-License-Identifier: GPL-3.0-or-later
"""The network: words give the odds that nothing follows, sound multiplies them by a bounded factor.

About 300,000 parameters, nearly all of them embeddings of hashed words and letter trigrams.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from agent.turn_end_model import BANDS, SOUND_FEATURES, VOCABULARY

WIDTH = 32
TEXT_STATE = 48
SOUND_STATE = 32
MOST_BY_SOUND = 2.5
"""Nats: sound alone changes the odds by a factor of at most e^2.5, some twelve."""


class TurnEnd(nn.Module):
    """Logits that turns are over, of words [b, WORDS, 1 + TRIGRAMS], sound [b, FRAMES, SOUND_FEATURES]."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.3)
        with torch.no_grad():
            self.embedding.weight[0] = 0
        self.reader = nn.GRU(WIDTH, TEXT_STATE, batch_first=True)
        self.judge = nn.Sequential(nn.Linear(TEXT_STATE, 32), nn.ReLU(), nn.Linear(32, 1))
        self.listener = nn.Sequential(
            nn.Conv1d(SOUND_FEATURES, 32, 5, stride=2, padding=2), nn.GELU(approximate="tanh"),
            nn.Conv1d(32, 32, 5, stride=2, padding=2), nn.GELU(approximate="tanh"),
        )  # fmt: skip
        self.follower = nn.GRU(32, SOUND_STATE, batch_first=True)
        self.shift = nn.Sequential(
            nn.Linear(TEXT_STATE + SOUND_STATE, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 1), nn.Tanh()
        )
        self.dropout = nn.Dropout(0.1)
        # Bels lie between −5 and 0, octaves mostly within a quarter of the median: bring all to about one.
        self.register_buffer("offset", torch.tensor([2.5] * (BANDS + 1) + [0.0, -0.5]))
        self.register_buffer("scale", torch.tensor([0.7] * (BANDS + 1) + [4.0, 2.0]))

    def forward(self, words: Tensor, sound: Tensor) -> Tensor:
        """Logits [b]."""
        embedded = self.embedding(words)
        trigrams = (words[:, :, 1:] > 0).sum(2, keepdim=True).clamp(min=1)
        vectors = embedded[:, :, 0] + embedded[:, :, 1:].sum(2) / trigrams
        read, _ = self.reader(self.dropout(vectors))
        text = read[:, -1]
        scaled = (sound + self.offset) * self.scale
        followed, _ = self.follower(self.listener(scaled.transpose(1, 2)).transpose(1, 2))
        shift = self.shift(torch.cat([text, followed[:, -1]], 1))
        return (self.judge(self.dropout(text)) + MOST_BY_SOUND * shift)[:, 0]


class Calibrated(nn.Module):
    """What is exported: the probability, its logit scaled and shifted (Platt 1999)."""

    def __init__(self, network: TurnEnd, scale: float, shift: float) -> None:
        super().__init__()
        self.network, self.scale, self.shift = network, scale, shift

    def forward(self, words: Tensor, sound: Tensor) -> Tensor:
        """Probabilities [b]."""
        return torch.sigmoid(self.scale * self.network(words, sound) + self.shift)
