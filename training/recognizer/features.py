# SPDX-License-Identifier: GPL-3.0-or-later
"""Log-mel features of a batch, equal to faster-whisper's for each clip alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from faster_whisper.feature_extractor import FeatureExtractor

MEL_BINS = 80
WINDOW = 400
HOP = 160
_FILTERS = torch.from_numpy(np.asarray(FeatureExtractor(feature_size=MEL_BINS).mel_filters))
_HANN = torch.hann_window(WINDOW)


def frame_count(samples: int) -> int:
    """Frames that faster-whisper makes of so many 16 kHz samples; it pads the sound by one hop."""
    return (samples + HOP) // HOP


def log_mel(clips: Sequence[npt.NDArray[np.float32]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Features [batch, 80, frames] of 16 kHz clips and each clip's own frame count.

    Frames beyond a clip's end are zero, which is what faster-whisper's padding to 30 s puts there.
    """
    batch = torch.zeros(len(clips), max(map(len, clips)) + HOP)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = torch.from_numpy(clip)
    spectrum = torch.stft(
        batch, WINDOW, HOP, window=_HANN, center=True, pad_mode="reflect", return_complex=True
    )
    power = spectrum[..., :-1].abs() ** 2
    mel = torch.clamp(_FILTERS @ power, min=1e-10).log10()
    counts = torch.tensor([frame_count(len(clip)) for clip in clips])
    inside = (torch.arange(mel.shape[-1])[None] < counts[:, None])[:, None]
    peak = torch.where(inside, mel, torch.tensor(-99.0)).amax((1, 2), keepdim=True)
    return (torch.maximum(mel, peak - 8) + 4) / 4 * inside, counts
