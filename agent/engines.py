# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines of one agent process, shared by its calls."""

from __future__ import annotations

import logging
import time

import numpy as np
import onnxruntime
from redis.asyncio import Redis

from agent.ballast import BallastRecognizer
from agent.dialogue import Dialogue
from agent.ear import Ear
from agent.ears import Ears
from agent.echo import EchoGate
from agent.end_of_turn import EndOfTurn
from agent.load import Load
from agent.piper_voice import PiperSynthesizer
from agent.prompts import fixed_clauses
from agent.rasa import RasaDialogue
from agent.recognizer import Heard, Recognizer
from agent.settings import AgentSettings, WhisperSettings
from agent.synthesizer import Synthesizer
from agent.turn_end_model import load_end_of_turn
from agent.turns.expectation import Expectation
from agent.vad import SpeechGate, SpeechProbability, load_network
from agent.voices import Voices
from agent.whisper import WhisperRecognizer
from agent.work import Work
from contracts.sealed import Seal

log = logging.getLogger(__name__)

# A Redis that says nothing for so long counts as away; the journal waits and tries again. Seconds.
_REDIS_S = 2.0


class Engines:
    """Ears, voice, dialogue and journal store."""

    def __init__(
        self,
        settings: AgentSettings,
        recognizer: Recognizer,
        end_of_turn: EndOfTurn | None,
        synthesizer: Synthesizer,
        dialogue: Dialogue,
        redis: Redis,
        seal: Seal,
        vad: onnxruntime.InferenceSession,
    ) -> None:
        self.settings = settings
        self.ears = Ears(recognizer, end_of_turn, settings.recognizer.largest_batch)
        self.voices = Voices(synthesizer)
        self.dialogue = dialogue
        self.redis = redis
        self.seal = seal
        self.work = Work()
        self.measured = Load()
        self._vad = vad

    @classmethod
    def load(cls, settings: AgentSettings) -> Engines:
        """Load the real engines.

        Raises FileNotFoundError for a missing model, RuntimeError without a seal key.
        """
        judge = settings.end_of_turn.model
        return cls(
            settings,
            _recognizer(settings.recognizer),
            None if judge is None else load_end_of_turn(judge),
            PiperSynthesizer(settings.voice),
            RasaDialogue(settings.dialogue),
            Redis.from_url(
                settings.redis_url,
                decode_responses=True,
                socket_timeout=_REDIS_S,
                socket_connect_timeout=_REDIS_S,
            ),
            Seal.from_environment(),
            load_network(),
        )

    async def warm_up(self) -> None:
        """Synthesise what is known ahead, and run each engine once:

        The first run of a network is its slowest.
        """
        began = time.perf_counter()
        clauses = fixed_clauses(self.settings.prompts, self.settings.domain)
        for clause in clauses:
            await self.voices.sound_of(clause)
        noise = np.random.default_rng(0).normal(0, 1e-3, 16_000).astype(np.float32)
        await self.ears.listen(Heard(noise, Expectation()))
        log.info("%d sentences synthesised ahead in %.1f s", len(clauses), time.perf_counter() - began)

    def new_ear(self) -> Ear:
        """The ear of a new call."""
        echo = EchoGate() if self.settings.vad.echo_gate else None
        return Ear(SpeechProbability(self._vad), SpeechGate(self.settings.vad), echo)

    async def close(self) -> None:
        """Let go of connections and threads."""
        await self.redis.aclose()
        if isinstance(self.dialogue, RasaDialogue):
            await self.dialogue.close()
        self.ears.close()
        self.voices.close()


def _recognizer(settings: WhisperSettings) -> Recognizer:
    recognizer = WhisperRecognizer(settings)
    if settings.ballast is None:
        return recognizer
    return BallastRecognizer(recognizer, settings.ballast, settings.threads)
