# SPDX-License-Identifier: GPL-3.0-or-later
"""The source–filter head: pulses and noise, each through a minimum-phase filter that the network draws.

Speech is voiced excitation plus noise shaped by the vocal tract. With that built in, a small network learns
it in minutes on a CPU without a discriminator; a head with free phase needs a GAN for the same periodicity.
Filters are mel-cepstra, as in K. Tokuda et al., "Mel-generalized cepstral analysis", ICSLP 1994; the pulse
train is band-limited by the closed form of its harmonic sum. Both Fourier transforms are fixed convolutions,
so that the whole head is plain ONNX.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

SAMPLE_RATE = 16_000
HOP = 200
"""Samples per frame (12.5 ms)."""
PULSE_CEPSTRA = 50
NOISE_CEPSTRA = 24
_FFT = 768
_WINDOW = 400
_WARP = 0.42
"""All-pass constant that bends 16 kHz audio's frequency axis to the mel scale (Tokuda et al., table 1)."""
_LOG_GAIN_RANGE = (-12.0, 5.0)
_NOISE_TABLES = (4093, 8191)
"""Coprime lengths in samples: their sum repeats only after 35 minutes."""


class SourceFilter(nn.Module):
    """Waveform from frame-wise pitch, voicing and two mel-cepstral filters."""

    analysis: Tensor
    synthesis: Tensor
    warped_cos: Tensor
    warped_sin: Tensor
    noise_a: Tensor
    noise_b: Tensor

    def __init__(self) -> None:
        super().__init__()
        bins = _FFT // 2 + 1
        frequency = torch.arange(bins, dtype=torch.float64)
        window = torch.hann_window(_WINDOW, periodic=True, dtype=torch.float64)
        angle = 2 * math.pi * frequency[:, None] * torch.arange(_WINDOW, dtype=torch.float64) / _FFT
        self._constant("analysis", torch.cat([angle.cos() * window, -angle.sin() * window])[:, None])
        angle = 2 * math.pi * frequency[:, None] * torch.arange(_FFT, dtype=torch.float64) / _FFT
        weight = torch.full((bins, 1), 2.0 / _FFT, dtype=torch.float64)
        weight[0] = weight[-1] = 1.0 / _FFT
        self._constant("synthesis", torch.cat([angle.cos() * weight, -angle.sin() * weight])[:, None])
        omega = math.pi * frequency / (bins - 1)
        warped = omega + 2 * torch.atan(_WARP * omega.sin() / (1 - _WARP * omega.cos()))
        order = torch.arange(PULSE_CEPSTRA, dtype=torch.float64)[:, None]
        self._constant("warped_cos", (order * warped).cos())
        self._constant("warped_sin", (order * warped).sin())
        generator = torch.Generator().manual_seed(20_261)
        for name, length in zip(("noise_a", "noise_b"), _NOISE_TABLES, strict=True):
            self._constant(name, torch.randn(length, generator=generator, dtype=torch.float64) / math.sqrt(2))

    def _constant(self, name: str, values: Tensor) -> None:
        self.register_buffer(name, values.float(), persistent=False)

    def forward(self, pitch: Tensor, voicing: Tensor, pulse: Tensor, breath: Tensor, noise: Tensor) -> Tensor:
        """The waveform, [batch, frames × HOP] in about −1 … 1.

        Args:
            pitch: fundamental frequency in Hz, [batch, frames], above zero also where unvoiced.
            voicing: 1 where voiced, 0 elsewhere, [batch, frames].
            pulse: mel-cepstrum of the pulse path, [batch, frames, PULSE_CEPSTRA].
            breath: mel-cepstrum of the noise path, [batch, frames, NOISE_CEPSTRA].
            noise: white noise of unit variance, [batch, frames × HOP].
        """
        with torch.no_grad():
            excitation_re, excitation_im = self._spectrum(pulse_train(pitch, voicing))
            noise_re, noise_im = self._spectrum(noise)
        tract_re, tract_im = self._filter(pulse)
        breath_re, breath_im = self._filter(breath)
        real = (
            excitation_re * tract_re - excitation_im * tract_im + noise_re * breath_re - noise_im * breath_im
        )
        imag = (
            excitation_re * tract_im + excitation_im * tract_re + noise_re * breath_im + noise_im * breath_re
        )
        spectrum = torch.cat([real, imag], -1).transpose(1, 2)
        wave = functional.conv_transpose1d(spectrum, self.synthesis, stride=HOP)[:, 0]
        return wave[:, HOP // 2 : HOP // 2 + pitch.shape[1] * HOP]

    def fixed_noise(self, samples: Tensor) -> Tensor:
        """The same unit-variance noise on every call, [1, n], at positions `samples` (int64, [n])."""
        first = self.noise_a[samples % _NOISE_TABLES[0]]
        return (first + self.noise_b[samples % _NOISE_TABLES[1]])[None]

    def _spectrum(self, wave: Tensor) -> tuple[Tensor, Tensor]:
        padded = functional.pad(wave, (HOP // 2, HOP // 2))[:, None]
        real, imag = functional.conv1d(padded, self.analysis, stride=HOP).transpose(1, 2).chunk(2, -1)
        return real, imag

    def _filter(self, cepstrum: Tensor) -> tuple[Tensor, Tensor]:
        """Real and imaginary part of the minimum-phase filter exp(Σ c_m z̃^−m)."""
        order = cepstrum.shape[-1]
        magnitude = torch.exp(torch.clamp(cepstrum @ self.warped_cos[:order], *_LOG_GAIN_RANGE))
        phase = -(cepstrum @ self.warped_sin[:order])
        return magnitude * torch.cos(phase), magnitude * torch.sin(phase)


def pulse_train(pitch: Tensor, voicing: Tensor) -> Tensor:
    """Band-limited pulses of unit power, [batch, frames × HOP]: Σ cos(kφ) over all harmonics below Nyquist.

    The sum has the closed form of the Dirichlet kernel, sin((2K + 1)φ/2) / sin(φ/2).

    Args:
        pitch: fundamental frequency in Hz, [batch, frames]; interpolated linearly between frames.
        voicing: amplitude of the pulses, 0 … 1, [batch, frames].
    """
    following = torch.cat([pitch[:, 1:], pitch[:, -1:]], 1)
    ramp = (torch.arange(HOP, device=pitch.device, dtype=torch.float32) + 0.5) / HOP
    frequency = pitch[:, :, None] + (following - pitch)[:, :, None] * ramp
    within = torch.cumsum(frequency / SAMPLE_RATE, 2)
    # The phase is kept per frame and wrapped: a running float32 sum would drift over a long sentence.
    total = torch.cumsum(within[:, :, -1], 1)
    start = torch.cat([torch.zeros_like(total[:, :1]), total[:, :-1]], 1)
    cycles = (start - torch.floor(start))[:, :, None] + within
    cycles = cycles - torch.floor(cycles)
    harmonics = 2 * torch.floor(0.5 * SAMPLE_RATE / frequency) + 1
    sine = torch.sin(math.pi * cycles)
    regular = (torch.abs(sine) > 1e-3).float()
    kernel = torch.sin(harmonics * math.pi * cycles) / (sine + 1 - regular) * regular + harmonics * (
        1 - regular
    )
    return ((kernel - 1) / torch.sqrt(harmonics) * voicing[:, :, None]).reshape(pitch.shape[0], -1)
