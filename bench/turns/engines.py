# SPDX-License-Identifier: GPL-3.0-or-later
"""The real engines of the agent, for virtual calls: every result is kept, since a comparison of settings asks
for the same sounds again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from agent.ear import Ear
from agent.echo import EchoGate
from agent.end_of_turn import EndOfTurn
from agent.piper_voice import PiperSynthesizer
from agent.recognizer import Heard, Transcript
from agent.settings import AgentSettings
from agent.turn_end_model import load_end_of_turn
from agent.turns.expectation import Expectation
from agent.vad import SpeechGate, SpeechProbability, load_network
from agent.whisper import WhisperRecognizer
from bench.turns.sounds import Samples
from spoken.verbalise import verbalise


class BenchEngines:
    """Ears, recogniser, voice and, if there is one, the turn-end model of an installation.

    Raises FileNotFoundError for a missing model.
    """

    def __init__(self, settings: AgentSettings, end_of_turn: EndOfTurn | None, *, echo_gate: bool) -> None:
        self.end_of_turn = end_of_turn
        self._echo_gate = echo_gate
        self._settings = settings
        self._network = load_network()
        self._recognizer = WhisperRecognizer(settings.recognizer)
        self._synthesizer = PiperSynthesizer(settings.voice)
        self._heard: dict[tuple[bytes, Expectation], Transcript] = {}
        self._finished: dict[tuple[bytes, str], float] = {}
        self._voice: dict[str, Samples] = {}

    def ear(self) -> Ear:
        """The ear of a new call."""
        echo = EchoGate() if self._echo_gate else None
        return Ear(SpeechProbability(self._network), SpeechGate(self._settings.vad), echo)

    def transcript(self, sound: Samples, expectation: Expectation) -> Transcript:
        """The words of a sound, float32 at 16 kHz."""
        key = _digest(sound), expectation
        if key not in self._heard:
            self._heard[key] = self._recognizer.recognize([Heard(sound, expectation)])[0]
        return self._heard[key]

    def finished(self, sound: Samples, text: str) -> float | None:
        """How probable it is that nothing follows; None without a model."""
        if self.end_of_turn is None:
            return None
        key = _digest(sound), text
        if key not in self._finished:
            self._finished[key] = self.end_of_turn.probability(sound, text)
        return self._finished[key]

    def voice(self, text: str) -> Samples:
        """A clause in the agent's voice, whole frames of float32 at 8 kHz."""
        if text not in self._voice:
            pcm = self._synthesizer.synthesize(verbalise(text))
            self._voice[text] = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
        return self._voice[text]


def find_end_of_turn(folder: Path | None) -> EndOfTurn | None:
    """The turn-end model in `folder`; None where there is none."""
    return load_end_of_turn(folder) if folder is not None and folder.is_dir() else None


def _digest(sound: Samples) -> bytes:
    return hashlib.blake2b(sound.tobytes(), digest_size=16).digest()
