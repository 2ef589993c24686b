# SPDX-License-Identifier: GPL-3.0-or-later
"""The acoustic model: phoneme ids to durations, pitch, voicing and vocal-tract filters.

Every layer is a ConvNeXt block in one dimension (Z. Liu et al., "A ConvNet for the 2020s", CVPR 2022):
depthwise convolution, then two pointwise layers. It runs in one pass, and one thread of a CPU is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.voice.vocoder import HOP, NOISE_CEPSTRA, PULSE_CEPSTRA, SourceFilter

SYMBOLS = 256
"""Size of the id space of Piper's phoneme map."""
_PITCH_CENTRE, _PITCH_SPREAD = 5.2, 0.3
"""Log-Hz: exp(5.2) = 181 Hz, the middle of a woman's voice; the network predicts deviations of that
spread."""
_VOICING_SHARPNESS = 4.0
_MAX_LOG_DURATION = 5.0
_POSITION_FEATURES = 4
_SOUND_WINDOW = 40
"""Samples (2.5 ms) in which the first sound is looked for; divides a frame."""
_SOUND_SHARE = 1e-4
"""Of the loudest window's power: 40 dB below it is silence."""
_KEPT_WINDOWS = 8


class Block(nn.Module):
    """A residual ConvNeXt block over [batch, time, channels], masked so that padding never leaks in."""

    def __init__(self, channels: int, kernel: int, dilation: int, expansion: int) -> None:
        super().__init__()
        padding = kernel // 2 * dilation
        self.depthwise = nn.Conv1d(
            channels, channels, kernel, padding=padding, dilation=dilation, groups=channels
        )
        self.norm = nn.LayerNorm(channels)
        self.expand = nn.Linear(channels, channels * expansion)
        self.project = nn.Linear(channels * expansion, channels)
        self.gain = nn.Parameter(torch.full((channels,), 0.3))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = self.depthwise((x * mask).transpose(1, 2)).transpose(1, 2)
        y = self.project(functional.gelu(self.expand(self.norm(y)), approximate="tanh"))
        blended: Tensor = x + self.gain * y
        return blended


class Stack(nn.Module):
    """Blocks with the given dilations, then a norm."""

    def __init__(
        self, channels: int, dilations: tuple[int, ...], kernel: int = 7, expansion: int = 3
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(channels, kernel, dilation, expansion) for dilation in dilations)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, mask)
        normed: Tensor = self.norm(x)
        return normed


@dataclass(frozen=True, slots=True)
class Frames:
    """What the decoder says about each frame: log-Hz and voicing logit [batch, frames], two mel-cepstra."""

    log_pitch: Tensor
    voicing: Tensor
    pulse: Tensor
    breath: Tensor


class Acoustic(nn.Module):
    """Encoder over phonemes, duration head, decoder over frames, and the source–filter head behind them."""

    def __init__(self, encoder_channels: int = 144, decoder_channels: int = 192) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, encoder_channels)
        self.encoder = Stack(encoder_channels, (1, 2, 4, 8, 1, 2, 4))
        self.duration = Stack(encoder_channels, (1, 2, 4), kernel=5, expansion=2)
        self.duration_out = nn.Linear(encoder_channels, 1)
        self.upsample = nn.Linear(encoder_channels + _POSITION_FEATURES, decoder_channels)
        self.decoder = Stack(decoder_channels, (1, 1, 2, 4, 8, 1))
        self.out = nn.Linear(decoder_channels, 2 + PULSE_CEPSTRA + NOISE_CEPSTRA)
        self.vocoder = SourceFilter()
        with torch.no_grad():  # starts as quiet noise at the pitch's centre instead of a burst
            self.out.weight.mul_(0.3)
            self.out.bias.zero_()
            self.out.bias[2] = -2.5
            self.out.bias[2 + PULSE_CEPSTRA] = -4.0

    def encode(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Phoneme states [batch, ids, channels] and log(1 + frames) of each phoneme [batch, ids].

        Args:
            ids: phoneme ids without Piper's padding symbols, [batch, ids].
            mask: 1 for a phoneme and 0 for padding, [batch, ids, 1].
        """
        states = self.encoder(self.embedding(ids), mask)
        # Detached: the duration loss is easy and would otherwise bend the states away from the sound.
        log_durations = self.duration_out(self.duration(states.detach(), mask))[..., 0]
        return states, log_durations

    def decode(
        self, states: Tensor, durations: Tensor, owner: Tensor, position: Tensor, mask: Tensor
    ) -> Frames:
        """Frame parameters.

        Args:
            states: from `encode`.
            durations: frames of each phoneme, [batch, ids].
            owner: index of the phoneme each frame belongs to, int64 [batch, frames].
            position: place of the frame within its phoneme, 0 … 1, [batch, frames].
            mask: 1 for a frame and 0 for padding, [batch, frames, 1].
        """
        gathered = torch.gather(states, 1, owner[:, :, None].expand(-1, -1, states.shape[2]))
        length = torch.log1p(torch.gather(durations, 1, owner)) * 0.3
        place = torch.stack([position, 1 - position, length, torch.sin(torch.pi * position)], -1)
        out = self.out(self.decoder(self.upsample(torch.cat([gathered, place], -1)), mask))
        log_pitch = out[..., 0] * _PITCH_SPREAD + _PITCH_CENTRE
        pulse, breath = out[..., 2:].split([PULSE_CEPSTRA, NOISE_CEPSTRA], -1)
        return Frames(log_pitch, out[..., 1] * _VOICING_SHARPNESS, pulse, breath)


class PiperGraph(nn.Module):
    """The acoustic model behind Piper's three inputs, for export: one sentence a call."""

    def __init__(self, acoustic: Acoustic) -> None:
        super().__init__()
        self.acoustic = acoustic

    def forward(self, ids: Tensor, lengths: Tensor, scales: Tensor) -> Tensor:
        """Audio [1, 1, 1, samples] for Piper's padded ids [1, n].

        `scales` is [noise, length, noise_w]. At noise 0 the noise path reads a fixed table, so that a
        sentence is the same bits on every call; above 0 fresh noise is mixed in at constant power. noise_w
        has no use here.
        """
        model = self.acoustic
        # Piper puts a padding id between all others; durations and states need only the others.
        phonemes = ids[:, : lengths[0]][:, ::2]
        mask = torch.ones_like(phonemes)[:, :, None].float()
        states, log_durations = model.encode(phonemes, mask)
        wanted = (torch.exp(torch.clamp(log_durations, 0.0, _MAX_LOG_DURATION)) - 1) * scales[1]
        wanted = torch.cat([torch.clamp(wanted[:, :1], min=1.0), wanted[:, 1:]], 1)
        # One Ceil over all ids, padding included, is the node that Piper's phoneme alignment looks for.
        spread = torch.stack([wanted, torch.zeros_like(wanted)], 2).reshape(1, -1)[:, :-1]
        durations = torch.ceil(torch.clamp(spread - 0.5, min=0.0))[:, ::2]
        ends = torch.cumsum(durations, 1)
        total: Any = ends[0, -1].long()  # stays a tensor: an int would freeze the length into the graph
        frame = torch.arange(total, device=ids.device).float()
        owner = (frame[:, None] >= ends[0][None, :]).long().sum(1)[None]
        start = torch.gather(ends - durations, 1, owner)
        position = (frame[None] - start + 0.5) / torch.gather(durations, 1, owner)
        frames = model.decode(states, durations, owner, position, torch.ones_like(position)[:, :, None])
        voiced = (frames.voicing > 0).float()
        fixed = model.vocoder.fixed_noise(torch.arange(total * HOP, device=ids.device))
        gain = scales[0] / 0.667
        noise = (fixed + torch.randn_like(fixed) * gain) / torch.sqrt(1 + gain * gain)
        pitch = torch.exp(frames.log_pitch)
        audio = from_first_sound(model.vocoder(pitch, voiced, frames.pulse, frames.breath, noise))
        # noise_w stays an input of the graph only if something reads it.
        return (audio + scales[2] * 0.0)[:, None, None, :]


def from_first_sound(audio: Tensor) -> Tensor:
    """`audio` [1, samples] without what comes more than 20 ms before its first sound.

    A closed mouth before "p" or a breath before "th" is part of the phoneme but 40 dB below the voice: over a
    telephone it is a pause, and the caller would hear it as a slow answer.
    """
    power = audio.reshape(-1, _SOUND_WINDOW).square().mean(1)
    quiet = torch.cumsum((power >= power.max() * _SOUND_SHARE).long(), 0) == 0
    first = torch.clamp(quiet.long().sum() - _KEPT_WINDOWS, min=0)
    return audio[:, first * _SOUND_WINDOW :]
