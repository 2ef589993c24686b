# SPDX-License-Identifier: GPL-3.0-or-later
"""Smart-Turn v3 (pipecat, BSD-2-Clause): whether the caller has finished, from the last eight seconds of
sound.

A Whisper encoder with a classifier behind it; for callers of 23 languages, at some 10–60 CPU ms a judgement.
It needs no words. Its features are Whisper's, as faster-whisper makes them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from faster_whisper.feature_extractor import FeatureExtractor

SAMPLE_RATE_HZ = 16_000
SECONDS = 8
MELS = 80
FRAMES = 800

Samples = npt.NDArray[np.float32]


def one_thread() -> onnxruntime.SessionOptions:
    """Options of a session that runs on the caller's thread and never spins: many calls share the cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


class SmartTurn:
    """An EndOfTurn on Smart-Turn v3's ONNX file; one session serves all calls."""

    def __init__(self, folder: Path) -> None:
        """Load the ONNX file in `folder`, the last by name where there are several.

        Raises FileNotFoundError when there is none, ValueError when it is not Smart-Turn v3.
        """
        graphs = sorted(folder.glob("*.onnx"))
        if not graphs:
            raise FileNotFoundError(f"no turn-end model in {folder}: `tellerline models pull smart-turn-v3`")
        self._graph = graphs[-1]
        self._network = onnxruntime.InferenceSession(
            str(self._graph), one_thread(), providers=["CPUExecutionProvider"]
        )
        shapes = {put.name: put.shape for put in self._network.get_inputs()}
        self._input, shape = next(iter(shapes.items()))
        # A dimension that the export left open is a name or None.
        fixed = [size for size in shape[1:] if isinstance(size, int)]
        if len(shapes) != 1 or len(shape) != 3 or not {MELS, FRAMES} >= set(fixed):
            raise ValueError(
                f"{self._graph} takes {shapes} and not Smart-Turn v3's features [1, {MELS}, {FRAMES}]:"
                " `tellerline models pull smart-turn-v3`"
            )
        self._extractor = FeatureExtractor(feature_size=MELS, chunk_length=SECONDS)

    @property
    def name(self) -> str:
        """The ONNX file's name without its suffix, which holds the version."""
        return self._graph.stem

    def probability(self, sound: Samples, text: str) -> float:
        """As `EndOfTurn.probability`; `text` is not looked at."""
        features = self.features(sound)
        found = self._network.run(None, {self._input: features[None]})[0]
        return float(np.clip(np.asarray(found).reshape(-1)[0], 0.0, 1.0))

    def features(self, sound: Samples) -> npt.NDArray[np.float32]:
        """Log-mel float32 [80, 800] of the last 8 s, silence before them where there is less.

        The sound is brought to zero mean and unit variance after padding, as Whisper's own extractor does
        when told to normalise; the graph's output is a probability already.
        """
        length = SECONDS * SAMPLE_RATE_HZ
        recent = np.asarray(sound, np.float32)[-length:]
        padded = np.concatenate([np.zeros(length - len(recent), np.float32), recent])
        normal = (padded - padded.mean()) / np.sqrt(padded.var() + 1e-7)
        return np.ascontiguousarray(self._extractor(normal, padding=0)[:, :FRAMES], np.float32)
