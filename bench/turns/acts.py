# SPDX-License-Identifier: GPL-3.0-or-later
"""What one generated caller does: answers with pauses in them, dictated digits, interruptions, coughs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np

from bench.turns.callers import VOICES, Callers, Pause
from bench.turns.sounds import PER_MS, Samples, decibels
from bench.turns.timeline import Act, Kind, Span, Start
from bench.turns.whole_thought import is_whole
from tellerline.scenario.noises import cough, noise, slam
from training.recognizer import grammar, lexicon, spoken_numbers

_HALTS = ("stop", "agent", "no wait", "hold on", "stop please", "operator", "wait a moment", "excuse me")
_BACKCHANNELS = ("mm hm", "okay", "right", "i see", "uh huh", "yeah")
_HESITATIONS = ("um", "uh")
# Nobody ends on these; a caller who pauses after one is looking for words.
_TRAILING_WORDS = frozenset({
    "to", "the", "my", "a", "for", "of", "and", "is", "in", "from", "an", "at", "like", "want", "need", "can",
    "about", "i", "it's", "me", "borrow", "i'd",
})  # fmt: skip
# Digits of a card's end, a PIN, a one-time code, a whole card; by groups.
_GROUPS = ((2, 2), (1, 1, 1, 1), (3, 3), (2, 2, 2), (4, 4, 4, 4))
# A voice behind the caller, in dB of the caller's: nearer than the foreground gate holds it off, too.
CROSSTALK_DB = (-20.0, -6.0)
_REACTION_MS = (150, 900)
_INTO_SPEECH_MS = (700, 3000)


class CallerActs:
    """The acts of one caller, drawn with `rng`; `voice` is who speaks, `gain_db` how loudly."""

    def __init__(
        self, rng: random.Random, voice: str, gain_db: float, callers: Callers, sentences: Sequence[str]
    ) -> None:
        self._rng = rng
        self._numbers = np.random.default_rng(rng.getrandbits(32))
        self._voice = voice
        self._gain_db = gain_db
        self._callers = callers
        self._sentences = sentences

    def answer(self, kind: Kind) -> Act:
        """A turn, taken when the agent has finished."""
        match kind:
            case Kind.DIGITS:
                return self._digits()
            case Kind.YES_NO:
                template = self._rng.choice(lexicon.TEMPLATES["yes_no"])
                return self._spoken(kind, grammar.expand(template, self._rng))
            case Kind.PAUSED:
                return self._paused()
            case Kind.TRAILING:
                return self._trailing()
            case _:
                return self._spoken(Kind.SENTENCE, self._rng.choice(self._sentences))

    def over_agent(self, kind: Kind) -> Act:
        """Something that happens while the agent speaks."""
        rng = self._rng
        match kind:
            case Kind.HALT:
                return self._spoken(kind, rng.choice(_HALTS), Start.AGENT_SPEAKING)
            case Kind.REQUEST:
                return self._spoken(kind, rng.choice(self._sentences), Start.AGENT_SPEAKING)
            case Kind.BACKCHANNEL:
                text = rng.choice(_BACKCHANNELS)
                return self._spoken(kind, text, Start.AGENT_SPEAKING, rng.uniform(-9, -3))
            case Kind.CROSSTALK:
                voice = rng.choice([voice for voice in VOICES if voice != self._voice])
                text = rng.choice(self._sentences)
                sound = self._callers.say(text, voice)
                return self._act(kind, text, Start.AGENT_SPEAKING, sound, rng.uniform(*CROSSTALK_DB))
            case _:
                return self._act(kind, "", Start.AGENT_SPEAKING, self._burst(kind), rng.uniform(-15, -3))

    def _burst(self, kind: Kind) -> Samples:
        """A sound without words, peak 0 dB."""
        match kind:
            case Kind.COUGH:
                return cough(self._numbers)
            case Kind.SLAM:
                return slam(self._numbers)
            case _:
                pcm = noise("throat", 0.0, self._rng.getrandbits(16))
                return np.trim_zeros(np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768))

    def _paused(self) -> Act:
        """A sentence with one or two pauses where a listener hears that more will come."""
        words, places = self._sentence_with_places(lambda word: True)
        places = sorted(self._rng.sample(places, min(len(places), self._rng.choice((1, 1, 2)))))
        pauses = [Pause(place, self._rng.randint(200, 1500), self._hesitation(0.25)) for place in places]
        return self._with_pauses(Kind.PAUSED, words, pauses)

    def _trailing(self) -> Act:
        """A sentence that stops after "to", "the", "my", up to three seconds."""
        words, places = self._sentence_with_places(_TRAILING_WORDS.__contains__)
        pause = Pause(self._rng.choice(places), self._rng.randint(800, 3000), self._hesitation(0.3))
        return self._with_pauses(Kind.TRAILING, words, [pause])

    def _sentence_with_places(self, fits: Callable[[str], bool]) -> tuple[list[str], list[int]]:
        """A sentence that has words after which a pause cuts a thought, and their numbers."""
        while True:
            words = self._rng.choice(self._sentences).split()
            places = [
                index
                for index in range(len(words) - 1)
                if fits(words[index]) and not is_whole(" ".join(words[: index + 1]))
            ]
            if places:
                return words, places

    def _hesitation(self, share: float) -> str:
        return self._rng.choice(_HESITATIONS) if self._rng.random() < share else ""

    def _with_pauses(self, kind: Kind, words: Sequence[str], pauses: Sequence[Pause]) -> Act:
        text = " ".join(words)
        sound, spans = self._callers.say_with_pauses(text, self._voice, pauses)
        after = {pause.after: f" {pause.hesitation} …".replace("  ", " ") for pause in pauses}
        shown = " ".join(word + after.get(index, "") for index, word in enumerate(words))
        return self._act(kind, shown, Start.AGENT_SILENT, sound, spans=spans)

    def _digits(self) -> Act:
        groups = [spoken_numbers.digits(self._rng, size) for size in self._rng.choice(_GROUPS)]
        pauses = [self._rng.randint(250, 2000) for _ in groups[1:]]
        sound, spans = self._callers.joined(groups, self._voice, pauses)
        return self._act(Kind.DIGITS, " … ".join(groups), Start.AGENT_SILENT, sound, spans=spans)

    def _spoken(self, kind: Kind, text: str, start: Start = Start.AGENT_SILENT, level_db: float = 0.0) -> Act:
        return self._act(kind, text, start, self._callers.say(text, self._voice), level_db)

    def _act(
        self,
        kind: Kind,
        text: str,
        start: Start,
        sound: Samples,
        level_db: float = 0.0,
        spans: tuple[Span, ...] = (),
    ) -> Act:
        scaled = sound * np.float32(decibels(self._gain_db + level_db))
        wait_ms = self._rng.randint(*(_REACTION_MS if start is Start.AGENT_SILENT else _INTO_SPEECH_MS))
        whole = Span(0, -(-len(sound) // PER_MS))
        return Act(kind, text, start, wait_ms, spans or (whole,), scaled)


def digits_in(act: Act) -> int:
    """How many digits an act of dictation says: "double two" are two words and two digits."""
    return len(act.text.replace("…", " ").split())
