# SPDX-License-Identifier: GPL-3.0-or-later
"""Piper: a VITS-style ONNX voice and espeak-ng phonemes, one thread, resampled to the telephone's 8 kHz."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import soxr
from piper import PiperVoice, SynthesisConfig
from piper.config import PiperConfig

from agent.settings import PiperSettings
from contracts.media_stream import FRAME_BYTES, SAMPLE_RATE_HZ


def find_voice(folder: Path) -> Path:
    """The one `.onnx` file with its `.onnx.json` in `folder`. Raises FileNotFoundError with the remedy."""
    voices = sorted(path for path in folder.glob("*.onnx") if Path(f"{path}.json").is_file())
    if len(voices) != 1:
        raise FileNotFoundError(
            f"{folder} holds {len(voices)} Piper voices (NAME.onnx with NAME.onnx.json) instead of one: "
            "`tellerline models verify` says which files are missing"
        )
    return voices[0]


class PiperSynthesizer:
    """A Synthesizer on piper-tts. onnxruntime releases the GIL while it runs."""

    def __init__(self, settings: PiperSettings) -> None:
        path = find_voice(settings.model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        config = PiperConfig.from_dict(json.loads(Path(f"{path}.json").read_text()))
        self._voice = PiperVoice(session=session, config=config)
        self._settings = settings
        self._gain = 10 ** (settings.gain_db / 20)
        self._name = f"{settings.model.name}@{settings.length_scale:g}"

    @property
    def name(self) -> str:
        """The voice's folder name and rate."""
        return self._name

    def synthesize(self, text: str, pace: float = 1.0) -> bytes:
        """The sound of `text`, 16-bit PCM mono at 8 kHz, padded with silence to whole 20 ms frames."""
        synthesis = SynthesisConfig(
            length_scale=self._settings.length_scale * pace,
            noise_scale=self._settings.noise_scale,
            noise_w_scale=0.0,
            normalize_audio=False,
        )
        chunks = [chunk.audio_float_array for chunk in self._voice.synthesize(text, synthesis)]
        if not chunks:
            return b""
        wide = np.concatenate(chunks) * self._gain
        narrow = soxr.resample(wide, self._voice.config.sample_rate, SAMPLE_RATE_HZ, quality="HQ")
        pcm: bytes = (np.clip(narrow, -1.0, 1.0) * 32767).astype("<i2").tobytes()
        return pcm + bytes(-len(pcm) % FRAME_BYTES)
