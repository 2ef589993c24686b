# SPDX-License-Identifier: GPL-3.0-or-later
"""The callers: voices that no training heard, what they say, and pauses cut into it.

Sentences, also those over the agent and behind the caller, are of those that no training saw. A yes or no and
dictated digits are drawn as in training, from the same templates; the words to stop, the backchannels and the
hesitations are short fixed lists (see acts.py). Of these, only the voice is new to a model.

A pause is cut into the finished sentence, so that the voice before it goes on as people's voices do when they
look for a word, instead of falling as at the end of a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.turns.sounds import PER_MS, Samples
from bench.turns.timeline import Span
from tellerline.scenario.caller_voice import speech

# As held out in training/recognizer/teachers.py; flite costs five times as much and has one voice.
VOICES = ("espeak:en-us+f5", "espeak:en-us+m8", "espeak:en-us+quincy", "espeak:en+caleb",
          "espeak:en+f5", "espeak:en-gb-x-rp+m8", "espeak:en-us+caleb", "flite:rms")  # fmt: skip
_SEARCH_MS = 60
_HUM_MS = 5
_FADE_MS = 4


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence of `lasts_ms` after the word with number `after` (from 0), with `hesitation` in it."""

    after: int
    lasts_ms: int
    hesitation: str = ""


class Callers:
    """Speaks for the callers; each sentence is synthesised once in a voice."""

    def __init__(self) -> None:
        self._spoken: dict[tuple[str, str], Samples] = {}

    def say(self, text: str, voice: str) -> Samples:
        """`text` at the level of a telephone talker, without silence around it. Raises NoCallerVoice."""
        known = self._spoken.get((text, voice))
        if known is None:
            pcm = np.frombuffer(speech(text, voice), "<i2").astype(np.float32) / np.float32(32768)
            known = self._spoken[text, voice] = pcm[: int(np.flatnonzero(pcm)[-1]) + 1]
        return known

    def say_with_pauses(
        self, text: str, voice: str, pauses: Sequence[Pause]
    ) -> tuple[Samples, tuple[Span, ...]]:
        """`text` with silences between its words; the sound, and where in it the speech is."""
        whole = self.say(text, voice)
        words = text.split()
        cuts = [0, *(self._boundary(words, pause.after, voice) for pause in pauses), len(whole)]
        pieces: list[Samples] = []
        for number, pause in enumerate(pauses):
            pieces += [_faded(whole[cuts[number] : cuts[number + 1]])]
            pieces += self._silence(pause, voice)
        pieces.append(_faded(whole[cuts[-2] :]))
        return _joined(pieces)

    def joined(
        self, groups: Sequence[str], voice: str, pauses_ms: Sequence[int]
    ) -> tuple[Samples, tuple[Span, ...]]:
        """Groups spoken one by one, as people dictate numbers, with silences between them."""
        pieces: list[Samples] = []
        for group, pause_ms in zip(groups, [*pauses_ms, 0], strict=True):
            pieces += [self.say(group, voice), np.zeros(pause_ms * PER_MS, np.float32)]
        return _joined(pieces[:-1])

    def _boundary(self, words: Sequence[str], after: int, voice: str) -> int:
        """The quietest sample around the end of a word.

        What follows, spoken by itself, lasts as long as it does inside the sentence, for both end alike.
        """
        whole = self.say(" ".join(words), voice)
        rest = self.say(" ".join(words[after + 1 :]), voice)
        middle = min(max(len(whole) - len(rest), 0), len(whole))
        first = max(middle - _SEARCH_MS * PER_MS, 0)
        near = np.abs(whole[first : middle + _SEARCH_MS * PER_MS])
        smooth = np.convolve(near, np.ones(_HUM_MS * PER_MS), "same")
        return first + int(np.argmin(smooth)) if len(near) else middle

    def _silence(self, pause: Pause, voice: str) -> list[Samples]:
        silence = np.zeros(pause.lasts_ms * PER_MS, np.float32)
        if not pause.hesitation:
            return [silence]
        before = len(silence) * 2 // 5
        return [silence[:before], self.say(pause.hesitation, voice) * np.float32(0.7), silence[before:]]


def _faded(samples: Samples) -> Samples:
    """Without the click that a cut inside a sound makes."""
    faded = samples.copy()
    size = min(_FADE_MS * PER_MS, len(faded))
    ramp = np.linspace(0, 1, size, dtype=np.float32)
    faded[:size] *= ramp
    faded[len(faded) - size :] *= ramp[::-1]
    return faded


def _joined(pieces: Sequence[Samples]) -> tuple[Samples, tuple[Span, ...]]:
    """Pieces one after another; those that sound, as spans."""
    spans: list[Span] = []
    at = 0
    for piece in pieces:
        end = at + len(piece)
        if piece.any():
            spans.append(Span(at // PER_MS, -(-end // PER_MS)))
        at = end
    return np.concatenate(list(pieces)), tuple(spans)
