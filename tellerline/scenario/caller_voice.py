# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated caller's voice: a synthesizer other than the agent's, so that nothing recognises itself.

espeak-ng's `f5` and flite's `rms` are both kept out of the recogniser's training. The model card says how
well each is understood: `f5` is the default, since `rms` is the harder one.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from contracts.media_stream import FRAME_BYTES, SAMPLE_RATE_HZ

# A talker on a telephone line: about −20 dBm0 of speech level peaks around here. dBFS.
_PEAK_DBFS = -6.0
_AUDIBLE_DBFS = -50.0
_TIMEOUT_S = 30.0


class NoCallerVoice(RuntimeError):
    """No synthesizer for the simulated caller on this machine; the message says how to get one."""


def speech(text: str, voice: str = "auto") -> bytes:
    """`text` as spoken by `voice`, 16-bit PCM mono at 8 kHz in whole frames, silence around it trimmed.

    Raises NoCallerVoice.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(_command(voice, text, path), check=True, capture_output=True, timeout=_TIMEOUT_S)
        return sound_file(path)


def sound_file(path: Path) -> bytes:
    """Any sound file as 16-bit PCM mono at 8 kHz in whole frames, at the level of a telephone talker, silence
    around it trimmed.

    Raises ValueError for a file that holds no sound.
    """
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    narrow = soxr.resample(samples.mean(axis=1), rate, SAMPLE_RATE_HZ, quality="HQ")
    return _to_pcm(_trimmed(narrow, path))


def _trimmed(samples: npt.NDArray[np.float32], path: Path) -> npt.NDArray[np.float32]:
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        raise ValueError(f"{path}: silence")
    levelled = samples / peak * 10 ** (_PEAK_DBFS / 20)
    audible = np.flatnonzero(np.abs(levelled) > 10 ** (_AUDIBLE_DBFS / 20))
    return np.asarray(levelled[audible[0] : audible[-1] + 1], np.float32)


def _to_pcm(samples: npt.NDArray[np.float32]) -> bytes:
    pcm: bytes = (np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    return pcm + bytes(-len(pcm) % FRAME_BYTES)


def _command(voice: str, text: str, path: Path) -> Sequence[str]:
    engine, _, name = voice.partition(":")
    if engine == "auto":
        engine = "espeak" if shutil.which("espeak-ng") else "flite"
    program = {"flite": "flite", "espeak": "espeak-ng"}.get(engine)
    if program is None:
        raise NoCallerVoice(f"no such voice: {voice} (auto, flite:NAME or espeak:NAME)")
    if shutil.which(program) is None:
        raise NoCallerVoice(
            f"{program} speaks for the simulated caller and is missing: apt-get install {program}"
        )
    if engine == "flite":
        return [program, "-voice", name or "rms", "-t", text, "-o", str(path)]
    return [program, "-v", name or "en-us+f5", "-w", str(path), text]
