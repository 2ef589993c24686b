# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines of one agent process, shared by its calls, and the threads they run on."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import onnxruntime
from redis.asyncio import Redis

from agent.dialogue import Dialogue
from agent.ear import Ear
from agent.piper_voice import PiperSynthesizer
from agent.prompts import fixed_clauses
from agent.rasa import RasaDialogue
from agent.recognizer import Recognizer, Transcript
from agent.settings import AgentSettings
from agent.synthesizer import SpeechCache, Synthesizer
from agent.turns.expectation import Expectation
from agent.vad import SpeechGate, SpeechProbability, load_network
from agent.whisper import WhisperRecognizer
from contracts.sealed import Seal
from spoken.verbalise import verbalise

log = logging.getLogger(__name__)

# CTranslate2 and onnxruntime release the GIL; two threads each keep a second call from waiting for the first.
_THREADS = 2
# A Redis that says nothing for so long counts as away; the journal waits and tries again. Seconds.
_REDIS_S = 2.0


class Engines:
    """Ears, voice, dialogue and journal store."""

    def __init__(
        self,
        settings: AgentSettings,
        recognizer: Recognizer,
        synthesizer: Synthesizer,
        dialogue: Dialogue,
        redis: Redis,
        seal: Seal,
        vad: onnxruntime.InferenceSession,
    ) -> None:
        self.settings = settings
        self.recognizer = recognizer
        self.synthesizer = synthesizer
        self.dialogue = dialogue
        self.redis = redis
        self.seal = seal
        self.cache = SpeechCache()
        self._vad = vad
        self._ears = ThreadPoolExecutor(_THREADS, "recognition")
        self._voices = ThreadPoolExecutor(_THREADS, "synthesis")

    @classmethod
    def load(cls, settings: AgentSettings) -> Engines:
        """Load the real engines.

        Raises FileNotFoundError for a missing model, RuntimeError without a seal key.
        """
        return cls(
            settings,
            WhisperRecognizer(settings.recognizer),
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
            await self.sound_of(clause)
        noise = np.random.default_rng(0).normal(0, 1e-3, 16_000).astype(np.float32)
        await self.transcript_of(noise, Expectation())
        log.info("%d sentences synthesised ahead in %.1f s", len(clauses), time.perf_counter() - began)

    def new_ear(self) -> Ear:
        """The ear of a new call."""
        return Ear(SpeechProbability(self._vad), SpeechGate(self.settings.vad))

    async def transcript_of(self, sound: npt.NDArray[np.float32], expectation: Expectation) -> Transcript:
        """The words of a sound, float32 at 16 kHz."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._ears, self.recognizer.recognize, sound, expectation)

    async def sound_of(self, text: str) -> bytes:
        """The sound of a clause, 16-bit PCM at 8 kHz in whole frames;

        From the cache where it was spoken before.
        """
        known = self.cache.get(text)
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        sound = await loop.run_in_executor(self._voices, self._speak, text)
        self.cache.put(text, sound)
        return sound

    def _speak(self, text: str) -> bytes:
        return self.synthesizer.synthesize(verbalise(text))

    async def close(self) -> None:
        """Let go of connections and threads."""
        await self.redis.aclose()
        if isinstance(self.dialogue, RasaDialogue):
            await self.dialogue.close()
        self._ears.shutdown(wait=False, cancel_futures=True)
        self._voices.shutdown(wait=False, cancel_futures=True)
