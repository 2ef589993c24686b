# SPDX-License-Identifier: GPL-3.0-or-later
"""Timelines from a seed: every one is a pure function of the seed and its number."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np

from bench.turns.acts import CallerActs, digits_in
from bench.turns.callers import VOICES, Callers
from bench.turns.sounds import PER_MS, EchoPath, Samples, babble, decibels, level, pink, white
from bench.turns.timeline import ANSWERS, Act, Kind, Timeline
from contracts.reply import Expect, Reply
from training.recognizer import grammar

# What the caller answers, and what happens over the agent's reply, if anything; by weight.
_ANSWERS: Mapping[Kind | None, int] = {
    Kind.SENTENCE: 20, Kind.PAUSED: 38, Kind.TRAILING: 14, Kind.DIGITS: 15, Kind.YES_NO: 13,
}  # fmt: skip
_OVER_AGENT: Mapping[Kind | None, int] = {
    None: 30, Kind.HALT: 14, Kind.REQUEST: 14, Kind.BACKCHANNEL: 13, Kind.COUGH: 8, Kind.THROAT: 8,
    Kind.SLAM: 6, Kind.CROSSTALK: 8,
}  # fmt: skip
_SECOND_ANSWER_SHARE = 0.15
_SENTENCE_KINDS = ("request", "loan", "amount", "term", "purpose", "date", "name")
_SENTENCES, _LONGEST_WORDS = 600, 16
_DISCLOSURE = "This call is recorded, and you are speaking with an automated assistant."
_QUESTIONS: Mapping[Expect, Sequence[str]] = {
    "free": ("What can I do for you today?", "How can I help you?"),
    "yes_no": ("Shall I go on with your application now?", "Is that right?"),
    "digits": ("Please tell me the number, one digit after the other.",),
}
_STATEMENTS = (
    "You can borrow up to fifty thousand dollars, for between one and ten years. The interest rate starts at "
    "four point nine percent a year, and you can repay early without a fee.",
    "The balance of your checking account is two thousand three hundred and twelve dollars. The last payment "
    "was forty dollars to the electricity company, on Monday morning.",
    "I have blocked the card, so nobody can pay with it any more. A new one is on its way to your address, "
    "and it should arrive within five working days.",
    "Our branches are open from nine in the morning until five in the afternoon. On Saturdays we close at "
    "noon, and on Sundays you can use the cash machines outside.",
    "Your last three transactions were a payment of eighteen dollars at a supermarket, a transfer of two "
    "hundred dollars to your savings account, and your salary.",
)
_AGAIN = "I am not sure that I understood. Could you say that again, please?"
# Babble sounds like speech, which no level of it makes right: a fifth of the noisy lines have it.
_NOISES = ("white", "white", "pink", "pink", "babble")
_NOISE_S = 12
# As crosstalk: other voices come nearer than the 12 dB from which on the foreground gate holds them off.
_VOICE_SNR_DB = (6, 20)
_QUIET_SHARE, _VOICE_SHARE, _ECHO_SHARE = 0.42, 0.04, 0.3
_ECHO_DB = -20.0
# The path there and back of 40–200 ms, and up to 60 ms between the agent's clock and the gateway's.
_ECHO_DELAY_MS = (40, 260)
_HISS_DBFS = -66.0


class Generator:
    """Makes timelines; the noises that they share are made once, from the seed."""

    def __init__(self, seed: int, callers: Callers | None = None) -> None:
        self._seed = seed
        self._callers = callers or Callers()
        self._sentences = [
            sentence.text
            for sentence in grammar.evaluation_sentences(seed, _SENTENCES, _SENTENCE_KINDS)
            if len(sentence.text.split()) <= _LONGEST_WORDS
        ]
        self._noises: dict[str, Samples] = {}

    def timeline(self, number: int) -> Timeline:
        """The timeline with this number, from 0."""
        rng = random.Random(f"{self._seed}/{number}")
        voice = rng.choice(VOICES)
        caller = CallerActs(rng, voice, rng.uniform(-9, 0), self._callers, self._sentences)
        acts = [caller.answer(_chosen(_ANSWERS, rng) or Kind.SENTENCE)]
        over = _chosen(_OVER_AGENT, rng)
        if over is not None:
            acts.append(caller.over_agent(over))
        if rng.random() < _SECOND_ANSWER_SHARE:
            acts.append(caller.answer(_chosen(_ANSWERS, rng) or Kind.SENTENCE))
        noise, snr_db, background = self._background(rng, level(acts[0].sound))
        echo = EchoPath(_ECHO_DB, rng.randint(*_ECHO_DELAY_MS)) if rng.random() < _ECHO_SHARE else None
        replies, again = _replies(acts, rng), Reply(text=_AGAIN)
        return Timeline(number, voice, tuple(acts), replies, again, noise, background, snr_db, echo)

    def _background(self, rng: random.Random, speech_level: float) -> tuple[str, float | None, Samples]:
        """Its name, how far it lies below the caller's speech in dB (None: a quiet line), and its sound."""
        roll = rng.random()
        if roll < _QUIET_SHARE:
            return "hiss", None, self._noise("white") * np.float32(decibels(_HISS_DBFS))
        if roll < _QUIET_SHARE + _VOICE_SHARE:
            name, snr_db = "another voice", rng.uniform(*_VOICE_SNR_DB)
        else:
            name, snr_db = rng.choice(_NOISES), rng.uniform(0, 20)
        noise = self._noise(name)
        turned = np.roll(noise, rng.randrange(len(noise)))
        return name, snr_db, turned * np.float32(speech_level * decibels(-snr_db))

    def _noise(self, name: str) -> Samples:
        if name not in self._noises:
            numbers, length = np.random.default_rng(self._seed), _NOISE_S * 1000 * PER_MS
            match name:
                case "white":
                    self._noises[name] = white(length, numbers)
                case "pink":
                    self._noises[name] = pink(length, numbers)
                case "babble":
                    texts = zip(self._sentences, VOICES, strict=False)
                    voices = [self._callers.say(text, voice) for text, voice in texts]
                    self._noises[name] = babble(length, voices, numbers)
                case _:
                    self._noises[name] = self._talk(length)
        return self._noises[name]

    def _talk(self, length: int) -> Samples:
        """Another voice, sentence after sentence, at unit level."""
        gap = np.zeros(600 * PER_MS, np.float32)
        said = [self._callers.say(text, VOICES[1]) for text in self._sentences[8:20]]
        talk = np.resize(np.concatenate([piece for sound in said for piece in (sound, gap)]), length)
        return np.asarray(talk / np.float32(level(talk)), np.float32)


def _chosen(weights: Mapping[Kind | None, int], rng: random.Random) -> Kind | None:
    return rng.choices(list(weights), list(weights.values()))[0]


def _replies(acts: Sequence[Act], rng: random.Random) -> tuple[Reply, ...]:
    """The opening, then a reply to every turn; each asks for what the caller will do next."""
    turns = [act for act in acts if act.is_turn]
    opening = _asking(_DISCLOSURE, turns[0], rng).model_copy(update={"barge_in": False})
    later = [
        _asking(statement, next(iter(turns[index + 1 :]), None), rng)
        for index, statement in enumerate(rng.choices(_STATEMENTS, k=len(turns)))
    ]
    return (opening, *later)


def _asking(statement: str, answer: Act | None, rng: random.Random) -> Reply:
    expect: Expect = "free"
    digits = None
    if answer is not None and answer.kind is Kind.YES_NO:
        expect = "yes_no"
    elif answer is not None and answer.kind is Kind.DIGITS:
        expect, digits = "digits", digits_in(answer)
    question = rng.choice(_QUESTIONS[expect]) if answer is None or answer.kind in ANSWERS else ""
    return Reply(text=f"{statement} {question}".strip(), expect=expect, digits=digits)
