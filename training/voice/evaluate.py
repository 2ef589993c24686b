# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurement of a voice: is it understood, does it start at once, is it fast.

Intelligibility is the word error of pocketsphinx, which carries its own acoustic and language model and has
heard neither voice before; teacher and student are judged alike, at full band and through a G.711 line.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from piper import PiperVoice, SynthesisConfig
from scipy.signal import resample_poly

from training.voice.teacher import SAMPLE_RATE, Audio

_TELEPHONE_RATE = 8000
_QUIET_DB = -40.0
"""A 5 ms window this far below the loudest one counts as silence."""
_WINDOW = SAMPLE_RATE // 200
_SPEED_SENTENCE = "Your savings account balance is five hundred and twelve dollars."
_PEAK = 0.6


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Word error (0 … 1 and above) of banking and general sentences, and of both together."""

    banking: float
    general: float
    together: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """All that the model card reports; `real_time_factor` is seconds of CPU per second of speech."""

    held_sentences: int
    student: WordErrors
    student_telephone: WordErrors
    teacher: WordErrors
    teacher_telephone: WordErrors
    leading_silence_max_ms: float
    trailing_silence_mean_ms: float
    real_time_factor: float
    speed_sentence_s: float
    speed_sentence_ms: float

    def as_dict(self) -> dict[str, object]:
        """The same, for JSON."""
        return asdict(self)


def telephone(audio: Audio) -> Audio:
    """`audio` (16 kHz) as it leaves a telephone line: 8 kHz, G.711 µ-law, back at 16 kHz."""
    narrow = resample_poly(audio, _TELEPHONE_RATE, SAMPLE_RATE)
    coded = io.BytesIO()
    soundfile.write(coded, narrow, _TELEPHONE_RATE, format="WAV", subtype="ULAW")
    coded.seek(0)
    heard, _ = soundfile.read(coded, dtype="float32")
    wide: Audio = resample_poly(heard, SAMPLE_RATE, _TELEPHONE_RATE).astype(np.float32)
    return wide


def outer_silence(audio: Audio) -> tuple[float, float]:
    """Seconds of silence before and after the speech in `audio` (16 kHz), on a grid of 5 ms.

    Raises:
        ValueError: there is no sound at all.
    """
    windows = audio[: len(audio) // _WINDOW * _WINDOW].reshape(-1, _WINDOW).astype(np.float64)
    power = (windows**2).mean(1)
    if power.size == 0 or power.max() <= 0:
        raise ValueError("the audio holds no sound")
    loud = np.flatnonzero(power > power.max() * 10 ** (_QUIET_DB / 10))
    step = _WINDOW / SAMPLE_RATE
    return float(loud[0] * step), float((len(power) - 1 - loud[-1]) * step)


def words(text: str) -> list[str]:
    """Lower-case words of a text, without punctuation."""
    return re.sub(r"[^a-z' ]", " ", text.lower()).split()


def edits(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(wanted, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


class Listener:
    """pocketsphinx with its own model of American English."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(samprate=float(SAMPLE_RATE), loglevel="FATAL")

    def hear(self, audio: Audio) -> str:
        """The words understood in `audio` (16 kHz), with 200 ms of silence around it."""
        scaled = audio / (np.abs(audio).max() + 1e-9) * _PEAK
        quiet = np.zeros(SAMPLE_RATE // 5, np.float32)
        pcm = (np.concatenate([quiet, scaled, quiet]) * 32767).astype(np.int16)
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), False, True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return str(found.hypstr) if found else ""

    def word_errors(
        self, banking: Sequence[tuple[str, Audio]], general: Sequence[tuple[str, Audio]]
    ) -> WordErrors:
        """Errors over all words of sentences given as (text, audio)."""
        wrong_banking, said_banking = self._count(banking)
        wrong_general, said_general = self._count(general)
        return WordErrors(
            wrong_banking / max(1, said_banking),
            wrong_general / max(1, said_general),
            (wrong_banking + wrong_general) / max(1, said_banking + said_general),
        )

    def _count(self, spoken: Sequence[tuple[str, Audio]]) -> tuple[int, int]:
        wrong = sum(edits(words(text), words(self.hear(audio))) for text, audio in spoken)
        return wrong, sum(len(words(text)) for text, _ in spoken)


def load_voice(graph: Path) -> PiperVoice:
    """The voice on one thread, as the agent runs it: more threads cost twice the work and save nothing."""
    import onnxruntime
    from piper.config import PiperConfig

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    described = json.loads(graph.with_suffix(".onnx.json").read_text(encoding="utf-8"))
    return PiperVoice(session=session, config=PiperConfig.from_dict(described))


def say(voice: PiperVoice, text: str, length_scale: float = 1.0) -> Audio:
    """`text` as spoken by the voice at its own level, 16 kHz float."""
    config = SynthesisConfig(noise_scale=0.0, length_scale=length_scale, normalize_audio=False)
    parts = [chunk.audio_float_array for chunk in voice.synthesize(text, config)]
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)


def speed(voice: PiperVoice, text: str = _SPEED_SENTENCE, rounds: int = 15) -> tuple[float, float]:
    """Seconds of speech in `text` and median CPU seconds to make it, phonemiser included."""
    length = len(say(voice, text)) / SAMPLE_RATE
    spent: list[float] = []
    for _ in range(rounds):
        began = time.process_time()
        say(voice, text)
        spent.append(time.process_time() - began)
    return length, float(np.median(spent))


def measure(
    graph: Path,
    banking: Sequence[tuple[str, npt.NDArray[np.float32]]],
    general: Sequence[tuple[str, npt.NDArray[np.float32]]],
) -> Measurement:
    """Student against teacher on held-out sentences, given as (text, the teacher's audio at 16 kHz)."""
    voice, listener = load_voice(graph), Listener()
    ours_banking = [(text, say(voice, text)) for text, _ in banking]
    ours_general = [(text, say(voice, text)) for text, _ in general]
    silence = [outer_silence(audio) for _, audio in ours_banking + ours_general]
    length, spent = speed(voice)

    def through_line(spoken: Sequence[tuple[str, Audio]]) -> list[tuple[str, Audio]]:
        return [(text, telephone(audio)) for text, audio in spoken]

    return Measurement(
        held_sentences=len(banking) + len(general),
        student=listener.word_errors(ours_banking, ours_general),
        student_telephone=listener.word_errors(through_line(ours_banking), through_line(ours_general)),
        teacher=listener.word_errors(banking, general),
        teacher_telephone=listener.word_errors(through_line(banking), through_line(general)),
        leading_silence_max_ms=1000 * max(before for before, _ in silence),
        trailing_silence_mean_ms=1000 * float(np.mean([after for _, after in silence])),
        real_time_factor=spent / length,
        speed_sentence_s=length,
        speed_sentence_ms=1000 * spent,
    )
