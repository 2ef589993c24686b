# SPDX-License-Identifier: GPL-3.0-or-later
"""The recogniser's teachers, asked when each word is over: a sentence can then be cut there.

espeak-ng tells the start of words (little ones it speaks as one with the next have none), flite the word of
every phone.
"""

from __future__ import annotations

import ctypes
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.recognizer import teachers
from training.recognizer.teachers import SAMPLE_RATE, Espeak, Flite, Samples, to_telephone_rate

_EVENT_WORD = 1
_PAUSES = frozenset({"_", "_:", "__", "_::", "pau", "h#", "brth"})


@dataclass(frozen=True, slots=True)
class SpokenWords:
    """Samples at 8 kHz in [-1, 1] and, for each word, where its last phone ends, −1: unknown."""

    samples: Samples
    ends: tuple[int, ...]
    voice: str

    def until(self, words: int) -> npt.NDArray[np.float64] | None:
        """The sound of the first so many words, faded over 20 ms; None where that place is not known."""
        end = self.ends[words - 1]
        if end <= 0:
            return None
        sound = np.array(self.samples[:end], dtype=np.float64)
        fade = min(len(sound), SAMPLE_RATE // 50)
        sound[len(sound) - fade :] *= np.linspace(1, 0, fade)
        return sound


class EspeakWords(Espeak):
    """espeak-ng with the times of words."""

    def __init__(self) -> None:
        super().__init__()
        self._word_starts: list[tuple[int, float]] = []

    def say(self, text: str, rng: random.Random, *, held_out: bool) -> SpokenWords | None:
        """`text`, its commas as pauses, in a random voice; None when the engine says nothing."""
        self._word_starts.clear()
        speech = self._speak(text, rng, held_out=held_out)
        if speech is None:
            return None
        firsts = [0] + [n + 1 for n, letter in enumerate(text) if letter == " "]
        started = {position: at for position, at in self._word_starts}
        starts = [started.get(first) for first in firsts]
        sounding = [phone.end for phone in speech.phones if phone.name not in _PAUSES]
        ends = [
            _last_before(sounding, after) if after is not None else -1
            for after in [*starts[1:], len(speech.samples) / SAMPLE_RATE]
        ]
        return SpokenWords(speech.samples, tuple(ends), speech.voice)

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        position = 0
        while events[position].type != 0:
            event = events[position]
            if event.type == _EVENT_WORD:
                self._word_starts.append((event.text_position - 1, event.audio_position / 1000))
            position += 1
        return super()._receive(samples, count, events)


class FliteWords(Flite):
    """flite with the times of words."""

    def __init__(self) -> None:
        super().__init__()
        self._library.path_to_item.restype = ctypes.c_void_p
        self._library.path_to_item.argtypes = [ctypes.c_void_p, ctypes.c_char_p]

    def say(self, text: str, rng: random.Random, *, held_out: bool) -> SpokenWords | None:
        """`text`, its commas as pauses, in a random voice; None when its words are not those written."""
        library = self._library
        name = rng.choice(teachers.FLITE_HELD_OUT if held_out else teachers.FLITE_VOICES)
        voice = self._voice(name)
        library.feat_set_float(voice.contents.features, b"duration_stretch", rng.uniform(0.85, 1.2))
        if name == "kal16":
            library.feat_set_float(
                voice.contents.features, b"int_f0_target_mean", float(rng.randint(80, 150))
            )
        utterance = library.flite_synth_text(text.encode(), voice)
        wave = library.utt_wave(utterance).contents
        samples = np.ctypeslib.as_array(wave.samples, (wave.count,)).astype(np.float32) / 32768
        ends = self._word_ends(utterance)
        rate = wave.rate
        library.delete_utterance(utterance)
        if len(ends) != len(text.split()):
            return None
        return SpokenWords(
            to_telephone_rate(samples, rate), tuple(round(end * SAMPLE_RATE) for end in ends), f"flite/{name}"
        )

    def _word_ends(self, utterance: Any) -> list[float]:
        ends: list[float] = []
        library, current = self._library, None
        item = library.relation_head(library.utt_relation(utterance, b"Segment"))
        while item:
            word = library.path_to_item(item, b"R:SylStructure.parent.parent")
            if word:
                clitic = library.item_feat_string(word, b"name").startswith(b"'")
                if word != current and not clitic:
                    ends.append(0.0)
                current = word
                ends[-1] = library.item_feat_float(item, b"end")
            item = library.item_next(item)
        return ends


def _last_before(sounding: list[float], moment: float) -> int:
    """The sample at which the last phone before `moment` ends, −1 without one; 30 ms of grace."""
    found = [end for end in sounding if end <= moment + 0.03]
    return round(min(found[-1], moment) * SAMPLE_RATE) if found else -1
