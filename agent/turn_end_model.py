# SPDX-License-Identifier: GPL-3.0-or-later
"""The turn-end model: whether the caller has finished, from the last words and the sound of the last seconds.

Words decide and sound moves the odds by a bounded factor, inside the network: the shipped one has only heard
synthetic voices. Features are made here, in NumPy, for the training too: what is learnt is what is heard.
"""

from __future__ import annotations

import json
import re
import zlib
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from agent.end_of_turn import EndOfTurn
from agent.smart_turn import SmartTurn, one_thread

GRAPH_FILE = "turn-end.onnx"
DESCRIPTION_FILE = "turn-end.json"

SAMPLE_RATE_HZ = 16_000
FRAMES = 80
BANDS = 24
SOUND_FEATURES = BANDS + 3
"""Band levels, level, pitch, voicing."""
_RATE_HZ = 8000
_WINDOW = 256
_HOP = 160
_FOURIER = 512
_LOWEST_BELS = -5.0
_PITCH_HZ = (70, 400)
_VOICED = 0.45

WORDS = 14
TRIGRAMS = 8
WORD_BUCKETS = 3072
TRIGRAM_BUCKETS = 3072
VOCABULARY = 1 + WORD_BUCKETS + TRIGRAM_BUCKETS

FEATURES = {
    "frames": FRAMES, "sound": SOUND_FEATURES, "words": WORDS, "trigrams": TRIGRAMS, "vocabulary": VOCABULARY,
}  # fmt: skip
"""What a model's description must say of its inputs for it to be loaded."""

Samples = npt.NDArray[np.float32]

_DIGIT_NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_NO_LETTER = re.compile(r"[^a-z' ]+")


class TurnEndModel:
    """An EndOfTurn of our own making; one session serves all calls."""

    def __init__(self, folder: Path) -> None:
        """Load `turn-end.onnx` from `folder`.

        Raises FileNotFoundError when it is not there, ValueError when it wants other features than these.
        """
        graph = folder / GRAPH_FILE
        if not graph.is_file():
            raise FileNotFoundError(
                f"no turn-end model in {folder}: `tellerline models verify` names the missing files"
            )
        _check_features(folder)
        self._folder = folder
        self._network = onnxruntime.InferenceSession(
            str(graph), one_thread(), providers=["CPUExecutionProvider"]
        )

    @property
    def name(self) -> str:
        """The model's folder name."""
        return self._folder.name

    def probability(self, sound: Samples, text: str) -> float:
        """As `EndOfTurn.probability`; either input may be empty."""
        return self.judge(word_ids(text), sound_features(sound))

    def judge(self, words: npt.NDArray[np.int64], sound: npt.NDArray[np.float32]) -> float:
        """The probability for features as `word_ids` and `sound_features` make them."""
        found = self._network.run(None, {"words": words[None], "sound": sound[None]})
        return float(found[0][0])


def _check_features(folder: Path) -> None:
    described = folder / DESCRIPTION_FILE
    found = json.loads(described.read_text()).get("features") if described.is_file() else FEATURES
    if found != FEATURES:
        raise ValueError(
            f"{described} is of another version of Tellerline: `tellerline models verify`, or train it anew"
            " with `python -m training.turn_end`"
        )


def load_end_of_turn(folder: Path) -> EndOfTurn:
    """The turn-end model in `folder`: ours where there is a `turn-end.json`, else Smart-Turn.

    Raises FileNotFoundError when neither is there, saying how to get one.
    """
    if (folder / DESCRIPTION_FILE).is_file() or not any(folder.glob("*.onnx")):
        return TurnEndModel(folder)
    return SmartTurn(folder)


def plain_words(text: str) -> list[str]:
    """Lower case words without punctuation, digits by their names."""
    spelled = re.sub(r"[0-9]", lambda match: f" {_DIGIT_NAMES[int(match.group())]} ", text.lower())
    return _NO_LETTER.sub(" ", spelled.replace("’", "'")).split()


def word_ids(text: str) -> npt.NDArray[np.int64]:
    """The last `WORDS` words as hashes: int64 [WORDS, 1 + TRIGRAMS], words at the end, zero where nothing is.

    Column 0 is the whole word's bucket, the others those of its letter trigrams: a misheard or unknown word
    still ends like those it resembles.
    """
    ids = np.zeros((WORDS, 1 + TRIGRAMS), np.int64)
    words = plain_words(text)[-WORDS:]
    for row, word in enumerate(words, WORDS - len(words)):
        hashed = _hashed(word)
        ids[row, : len(hashed)] = hashed
    return ids


@lru_cache(maxsize=4096)
def _hashed(word: str) -> tuple[int, ...]:
    framed = f"<{word}>"
    trigrams = [framed[n : n + 3] for n in range(len(framed) - 2)][-TRIGRAMS:]
    whole = 1 + zlib.crc32(word.encode()) % WORD_BUCKETS
    return (whole, *(1 + WORD_BUCKETS + zlib.crc32(part.encode()) % TRIGRAM_BUCKETS for part in trigrams))


def sound_features(sound: Samples) -> npt.NDArray[np.float32]:
    """The last 1.6 s of `sound` (16 kHz, in [-1, 1]) as float32 [FRAMES, SOUND_FEATURES], a frame each 20 ms.

    Levels are in bels below the loudest, so the line's gain does not matter; pitch is in octaves around its
    median, zero where unvoiced. Silence, too short or all zero, is `silent_features()`.
    """
    needed = FRAMES * _HOP + _WINDOW - _HOP
    recent = np.asarray(sound, np.float32)[-2 * needed :]
    recent = recent[len(recent) & 1 :]
    narrow = 0.5 * (recent[0::2] + recent[1::2])
    narrow = np.concatenate([np.zeros(needed - len(narrow), np.float32), narrow])
    if float(np.abs(narrow).max(initial=0.0)) < 1e-5:
        return silent_features()
    frames = np.lib.stride_tricks.sliding_window_view(narrow, _WINDOW)[::_HOP]
    spectrum = np.fft.rfft(frames * _hann(), _FOURIER)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    bands = np.log10(power @ _filters() + 1e-9)
    level = np.log10(power.sum(1) + 1e-9)
    pitch, voicing = _pitch(power)
    features = np.empty((FRAMES, SOUND_FEATURES), np.float32)
    features[:, :BANDS] = np.maximum(bands - bands.max(), _LOWEST_BELS)
    features[:, BANDS] = np.maximum(level - level.max(), _LOWEST_BELS)
    features[:, BANDS + 1], features[:, BANDS + 2] = pitch, voicing
    return features


@cache
def silent_features() -> npt.NDArray[np.float32]:
    """What `sound_features` gives without sound."""
    features = np.full((FRAMES, SOUND_FEATURES), _LOWEST_BELS, np.float32)
    features[:, BANDS + 1 :] = 0
    features.setflags(write=False)
    return features


@cache
def _hann() -> npt.NDArray[np.float32]:
    return np.asarray(np.hanning(_WINDOW + 1)[:-1], np.float32)


@cache
def _filters() -> Samples:
    """Triangular bands [bins, BANDS] of equal width in mels over a telephone's 200–3600 Hz."""
    edges = 700 * (10 ** (np.linspace(_mel(200), _mel(3600), BANDS + 2) / 2595) - 1)
    bins = np.arange(_FOURIER // 2 + 1)[:, None] * _RATE_HZ / _FOURIER
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hertz: float) -> float:
    """Mels by O'Shaughnessy's formula."""
    return float(2595 * np.log10(1 + hertz / 700))


@cache
def _window_correlation() -> npt.NDArray[np.float32]:
    spectrum = np.abs(np.fft.rfft(_hann(), _FOURIER)) ** 2
    correlation = np.fft.irfft(spectrum, _FOURIER)
    return np.asarray(correlation / correlation[0], np.float32)


@cache
def _octave_cost() -> npt.NDArray[np.float32]:
    """What a longer lag must be better by: without it a pure tone is found an octave or two too low."""
    lags = np.arange(_RATE_HZ // _PITCH_HZ[1], _RATE_HZ // _PITCH_HZ[0] + 1)
    return np.asarray(0.03 * np.log2(lags / lags[0]), np.float32)


def _pitch(power: npt.NDArray[np.float32]) -> tuple[Samples, Samples]:
    """Octaves around the median pitch and voicing in [0, 1] by frame, from the autocorrelation.

    It is divided by the window's own (Boersma 1993), so that long lags are not at a disadvantage.
    """
    shortest, longest = _RATE_HZ // _PITCH_HZ[1], _RATE_HZ // _PITCH_HZ[0]
    correlation = np.fft.irfft(power, _FOURIER)[:, : longest + 1]
    normal = correlation / (correlation[:, :1] + 1e-9) / np.maximum(_window_correlation()[: longest + 1], 0.1)
    searched = normal[:, shortest:]
    lags = (searched - _octave_cost()).argmax(1)
    voicing = np.clip(searched[np.arange(len(lags)), lags], 0, 1).astype(np.float32)
    loud = correlation[:, 0] > correlation[:, 0].max() * 1e-3
    voiced = (voicing > _VOICED) & loud
    voicing = np.where(loud, voicing, 0).astype(np.float32)
    octaves = np.log2(_RATE_HZ / (lags + shortest)).astype(np.float32)
    if not voiced.any():
        return np.zeros_like(octaves), voicing
    relative = np.clip(octaves - np.median(octaves[voiced]), -1, 1)
    return np.where(voiced, relative, 0).astype(np.float32), voicing
