# SPDX-License-Identifier: GPL-3.0-or-later
"""The teachers: espeak-ng and flite in process, festival in batches, each giving speech and phone timing.

The timing is free (the synthesiser planned it) and saves the recogniser the slow discovery of alignments.
Voices held out for evaluation are listed here and nowhere else.
"""

from __future__ import annotations

import ctypes
import math
import random
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.signal import resample_poly

SAMPLE_RATE = 8000
Samples = npt.NDArray[np.floating]

ESPEAK_ACCENTS = ("en-us", "en-us", "en-us", "en-us", "en", "en", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc")
ESPEAK_VARIANTS = (
    "",
    "",
    "",
    "m1",
    "m2",
    "m3",
    "m4",
    "m5",
    "m6",
    "m7",
    "f1",
    "f2",
    "f3",
    "f4",
    "klatt",
    "klatt2",
    "klatt4",
    "adam",
    "alex",
    "Andy",
    "Annie",
    "belinda",
    "benjamin",
    "david",
    "edward",
    "Gene",
    "iven",
    "john",
    "Lee",
    "linda",
    "Mario",
    "max",
    "Michael",
    "michel",
    "paul",
    "robert",
    "steph",
    "travis",
    "anika",
)
ESPEAK_HELD_OUT = ("f5", "m8", "quincy", "caleb")
FLITE_VOICES = ("awb", "kal16", "slt")
FLITE_HELD_OUT = ("rms",)
FESTIVAL_VOICES = ("kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts", "cmu_us_slt_arctic_hts")


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone as its synthesiser names it, and where it ends, in seconds."""

    name: str
    end: float


@dataclass(frozen=True, slots=True)
class Speech:
    """A spoken sentence: 8 kHz samples in [-1, 1], its phones in order, and the voice as `engine/voice`."""

    text: str
    samples: Samples
    phones: tuple[Phone, ...]
    voice: str


class Teacher(Protocol):
    """A text-to-speech engine with many voices."""

    def speak(self, texts: Sequence[str], rng: random.Random, *, held_out: bool = False) -> list[Speech]:
        """Say each text in a random voice; texts that the engine fails on are left out."""
        ...


def to_telephone_rate(samples: Samples, rate: int) -> Samples:
    """Resample to 8 kHz."""
    if rate == SAMPLE_RATE:
        return samples
    divisor = math.gcd(rate, SAMPLE_RATE)
    return np.asarray(resample_poly(samples, SAMPLE_RATE // divisor, rate // divisor), dtype=np.float32)


class _EspeakEvent(ctypes.Structure):
    class _Id(ctypes.Union):
        _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_ESPEAK_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_EspeakEvent)
)


class Espeak:
    """espeak-ng through libespeak-ng.so.1: no process for each clip."""

    _SYNCHRONOUS, _PHONEME_EVENTS, _EVENT_PHONEME, _RATE, _PITCH, _RANGE = 2, 1, 7, 1, 3, 4

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self._rate = self._library.espeak_Initialize(
            self._SYNCHRONOUS, 0, None, self._PHONEME_EVENTS | 0x8000
        )
        if self._rate <= 0:
            raise RuntimeError("espeak-ng does not start: install espeak-ng-data")
        self._chunks: list[npt.NDArray[np.int16]] = []
        self._starts: list[tuple[str, float]] = []
        self._callback = _ESPEAK_CALLBACK(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, texts: Sequence[str], rng: random.Random, *, held_out: bool = False) -> list[Speech]:
        """Say each text in a random accent, variant, rate and pitch."""
        return [speech for text in texts if (speech := self._speak(text, rng, held_out=held_out)) is not None]

    def _speak(self, text: str, rng: random.Random, *, held_out: bool) -> Speech | None:
        variant = rng.choice(ESPEAK_HELD_OUT if held_out else ESPEAK_VARIANTS)
        voice = rng.choice(ESPEAK_ACCENTS) + (f"+{variant}" if variant else "")
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {voice}")
        self._library.espeak_SetParameter(self._RATE, rng.randint(125, 200), 0)
        self._library.espeak_SetParameter(self._PITCH, rng.randint(30, 70), 0)
        self._library.espeak_SetParameter(self._RANGE, rng.randint(30, 70), 0)
        self._chunks.clear()
        self._starts.clear()
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 0, 0, 1, None, None)
        if not self._chunks:
            return None
        samples = np.concatenate(self._chunks).astype(np.float32) / 32768
        ends = [start for _, start in self._starts[1:]] + [len(samples) / self._rate]
        phones = tuple(Phone(name, end) for (name, _), end in zip(self._starts, ends, strict=True))
        return Speech(text, to_telephone_rate(samples, self._rate), phones, f"espeak/{voice}")

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        position = 0
        while events[position].type != 0:
            if events[position].type == self._EVENT_PHONEME:
                name = events[position].id.string.decode(errors="replace")
                self._starts.append((name, events[position].audio_position / 1000))
            position += 1
        return 0


class _FliteWave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("rate", ctypes.c_int),
        ("count", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


class _FliteVoice(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]


class Flite:
    """flite through libflite.so.1."""

    def __init__(self) -> None:
        self._library = library = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
        for name in ("libflite_cmulex.so.1", "libflite_usenglish.so.1"):
            ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        pointer = ctypes.c_void_p
        signatures: dict[str, tuple[Any, list[Any]]] = {
            "flite_synth_text": (pointer, [ctypes.c_char_p, pointer]),
            "utt_wave": (ctypes.POINTER(_FliteWave), [pointer]),
            "utt_relation": (pointer, [pointer, ctypes.c_char_p]),
            "relation_head": (pointer, [pointer]),
            "item_next": (pointer, [pointer]),
            "item_feat_string": (ctypes.c_char_p, [pointer, ctypes.c_char_p]),
            "item_feat_float": (ctypes.c_float, [pointer, ctypes.c_char_p]),
            "delete_utterance": (None, [pointer]),
            "feat_set_float": (None, [pointer, ctypes.c_char_p, ctypes.c_float]),
            "flite_feat_set_float": (None, [pointer, ctypes.c_char_p, ctypes.c_float]),
        }
        for name, (result, arguments) in signatures.items():
            try:
                function = getattr(library, name)
            except AttributeError:
                continue
            function.restype, function.argtypes = result, arguments
        library.flite_init()
        self._voices: dict[str, Any] = {}

    def speak(self, texts: Sequence[str], rng: random.Random, *, held_out: bool = False) -> list[Speech]:
        """Say each text in a random voice and tempo."""
        return [
            self._speak(text, rng.choice(FLITE_HELD_OUT if held_out else FLITE_VOICES), rng) for text in texts
        ]

    def _voice(self, name: str) -> Any:
        if name not in self._voices:
            voice_library = ctypes.CDLL(f"libflite_cmu_us_{name}.so.1")
            register = getattr(voice_library, f"register_cmu_us_{name}")
            register.restype, register.argtypes = ctypes.POINTER(_FliteVoice), [ctypes.c_char_p]
            self._voices[name] = register(None)
        return self._voices[name]

    def _speak(self, text: str, name: str, rng: random.Random) -> Speech:
        library, voice = self._library, self._voice(name)
        features = voice.contents.features
        library.feat_set_float(features, b"duration_stretch", rng.uniform(0.85, 1.2))
        if name == "kal16":
            library.feat_set_float(features, b"int_f0_target_mean", float(rng.randint(80, 150)))
        utterance = library.flite_synth_text(text.encode(), voice)
        wave = library.utt_wave(utterance).contents
        samples = np.ctypeslib.as_array(wave.samples, (wave.count,)).astype(np.float32) / 32768
        phones = []
        item = library.relation_head(library.utt_relation(utterance, b"Segment"))
        while item:
            phones.append(
                Phone(library.item_feat_string(item, b"name").decode(), library.item_feat_float(item, b"end"))
            )
            item = library.item_next(item)
        rate = wave.rate
        library.delete_utterance(utterance)
        return Speech(text, to_telephone_rate(samples, rate), tuple(phones), f"flite/{name}")


class Festival:
    """festival as a process for each batch of texts."""

    def speak(self, texts: Sequence[str], rng: random.Random, *, held_out: bool = False) -> list[Speech]:
        """Say each text in a random voice and tempo; no voice of festival is held out."""
        if held_out:
            raise ValueError("festival has no held-out voice: evaluate with espeak-ng and flite")
        voices = [rng.choice(FESTIVAL_VOICES) for _ in texts]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            lines = []
            for number, (text, voice) in enumerate(zip(texts, voices, strict=True)):
                lines.append(
                    f"(voice_{voice}) (Parameter.set 'Duration_Stretch {rng.uniform(0.85, 1.2):.2f})"
                )
                lines.append(f'(set! spoken (utt.synth (Utterance Text "{text}")))')
                lines.append(f'(utt.save.wave spoken "{folder}/{number}.wav" \'riff)')
                lines.append(f'(utt.save.segs spoken "{folder}/{number}.segs")')
            script = folder / "batch.scm"
            script.write_text("\n".join(lines))
            subprocess.run(["festival", "-b", str(script)], capture_output=True, check=False)
            spoken = [
                self._read(folder / str(n), text, voice)
                for n, (text, voice) in enumerate(zip(texts, voices, strict=True))
            ]
        return [speech for speech in spoken if speech is not None]

    @staticmethod
    def _read(stem: Path, text: str, voice: str) -> Speech | None:
        wave, segments = stem.with_suffix(".wav"), stem.with_suffix(".segs")
        if not wave.exists() or not segments.exists():
            return None
        samples, rate = soundfile.read(wave, dtype="float32")
        phones = []
        for line in segments.read_text().partition("#")[2].splitlines():
            fields = line.split()
            if len(fields) >= 3:
                phones.append(Phone(fields[2], float(fields[0])))
        return Speech(text, to_telephone_rate(samples, rate), tuple(phones), f"festival/{voice}")


TEACHERS: dict[str, type[Espeak] | type[Flite] | type[Festival]] = {
    "espeak": Espeak,
    "flite": Flite,
    "festival": Festival,
}
