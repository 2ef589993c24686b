# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recogniser gets of a call's sound: the utterance, its inner pauses shortened."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from agent.ear import Ear
from agent.settings import VadSettings
from agent.vad import Onset, SpeechGate, SpeechProbability, load_network
from contracts.media_stream import FRAME_BYTES, SILENT_FRAME
from tellerline.scenario.caller_voice import speech

pytestmark = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng speaks the sentences")


def heard(*parts: bytes) -> tuple[Ear, list[int], int]:
    """An ear that has heard the parts; the onsets, and the length in milliseconds."""
    ear = Ear(SpeechProbability(load_network()), SpeechGate(VadSettings()))
    pcm = b"".join(parts)
    onsets: list[int] = []
    for at in range(0, len(pcm), FRAME_BYTES):
        onsets += [
            change.at_ms for change in ear.hear(pcm[at : at + FRAME_BYTES]) if isinstance(change, Onset)
        ]
    return ear, onsets, len(pcm) // FRAME_BYTES * 20


def test_a_long_pause_inside_an_utterance_is_shortened_and_nothing_else() -> None:
    first, second = speech("four eight"), speech("two one")
    ear, onsets, length_ms = heard(SILENT_FRAME * 25, first, SILENT_FRAME * 75, second, SILENT_FRAME * 25)
    assert len(onsets) == 2
    whole, said = ear.sound(300, length_ms), ear.words(300, length_ms)
    shortened_ms = (len(whole) - len(said)) / 16
    assert 1000 <= shortened_ms <= 1400
    energy = [float(np.square(sound).sum()) for sound in (whole, said)]
    assert energy[1] == pytest.approx(energy[0], rel=0.01)


def test_a_pause_outside_of_the_span_changes_nothing() -> None:
    ear, onsets, length_ms = heard(
        SILENT_FRAME * 25, speech("yes please"), SILENT_FRAME * 75, speech("goodbye"), SILENT_FRAME * 25
    )
    assert np.array_equal(ear.words(onsets[1], length_ms), ear.sound(onsets[1], length_ms))
