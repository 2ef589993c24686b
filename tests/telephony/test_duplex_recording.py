# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's ear: speech bounds to the millisecond, and a recording whose two sides share one clock."""

from __future__ import annotations

import threading
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.media_stream import FRAME_BYTES, SILENT_FRAME
from telephony.duplex_recording import DuplexRecording
from telephony.speech_gate import SpeechGate
from tests.telephony.signals import tone

GATE = SpeechGate()


def silence(ms: int) -> bytes:
    return bytes(ms * 16)


def noise(ms: int, dbfs: float) -> bytes:
    rng = np.random.default_rng(3)
    return (rng.standard_normal(ms * 8) * 32768 * 10 ** (dbfs / 20)).astype("<i2").tobytes()


@settings(max_examples=40)
@given(st.integers(0, 400), st.integers(40, 400), st.integers(0, 400))
def test_bounds_of_speech_are_exact_to_2_ms(before: int, length: int, after: int) -> None:
    pcm = silence(before) + tone(length / 1000, hz=500) + silence(after)
    first, last = GATE.first_speech_ms(pcm), GATE.last_speech_ms(pcm)
    assert first == pytest.approx(before, abs=2)
    assert last == pytest.approx(before + length, abs=2)


def test_idle_a_law_and_comfort_noise_are_silence() -> None:
    idle = np.full(8000, 8, "<i2").tobytes()
    assert GATE.first_speech_ms(idle) is None
    assert GATE.first_speech_ms(noise(1000, -55)) is None
    assert GATE.first_speech_ms(noise(1000, -30)) == pytest.approx(0, abs=3)


def test_a_click_is_no_speech() -> None:
    pcm = silence(100) + tone(0.004, hz=1000, amplitude=20000) + silence(100)
    assert GATE.first_speech_ms(pcm) is None
    assert GATE.last_speech_ms(pcm) is None


def tick(recording: DuplexRecording, heard: bytes = SILENT_FRAME) -> bytes:
    """One tick of the media clock."""
    sent = recording.next_frame() or SILENT_FRAME
    recording.on_frame(heard)
    return sent


def test_what_is_said_starts_at_the_time_foretold() -> None:
    recording = DuplexRecording()
    for _ in range(5):
        tick(recording)
    first = recording.say(tone(0.05))
    second = recording.say(silence(30) + tone(0.1) + silence(500))
    assert (first.start_ms, first.length_ms) == (100, 60)
    assert second.start_ms == 160
    for _ in range(20):
        tick(recording)
    assert (first.start_ms, second.start_ms) == (100, 160)
    assert recording.sent[100 * 16 : 150 * 16] == tone(0.05)
    assert second.speech_start_ms == pytest.approx(190, abs=2)
    assert second.speech_end_ms == pytest.approx(290, abs=2)


def test_said_between_the_two_halves_of_a_tick() -> None:
    recording = DuplexRecording()
    recording.next_frame()
    said = recording.say(tone(0.02))
    recording.on_frame(SILENT_FRAME)
    assert said.start_ms == 20
    tick(recording)
    assert recording.sent == SILENT_FRAME + tone(0.02)


def test_reply_delay_is_from_sound_to_sound() -> None:
    recording = DuplexRecording()
    said = recording.say(tone(0.2) + silence(200))
    reply = silence(7) + tone(0.2)
    ticks = [SILENT_FRAME] * 25 + [
        reply[i : i + FRAME_BYTES].ljust(FRAME_BYTES, b"\0") for i in range(0, 3200, 320)
    ]
    assert recording.reply_delay_ms(said) is None
    for heard in ticks:
        tick(recording, heard)
    assert recording.reply_delay_ms(said) == pytest.approx(500 + 7 - 200, abs=2)
    assert recording.wait_for_speech(0, 0.1) == pytest.approx(507, abs=2)
    for _ in range(30):
        tick(recording)
    assert recording.wait_for_silence(300, 0.1) == pytest.approx(700, abs=10)


def test_waiting_ends_when_the_call_does() -> None:
    recording = DuplexRecording()
    threading.Timer(0.05, recording.close).start()
    with pytest.raises(TimeoutError, match="the call ended"):
        recording.wait_for_speech(0, 5)


def test_stereo_file_has_both_sides_in_step(tmp_path: Path) -> None:
    recording = DuplexRecording()
    recording.say(tone(0.1))
    for i in range(10):
        tick(recording, tone(0.02, hz=1000) if i == 4 else SILENT_FRAME)
    recording.save(tmp_path / "call.wav")
    with wave.open(str(tmp_path / "call.wav")) as wav:
        assert (wav.getnchannels(), wav.getframerate(), wav.getnframes()) == (2, 8000, 1600)
        both = np.frombuffer(wav.readframes(1600), "<i2").reshape(-1, 2)
    assert both[:, 0].tobytes() == recording.sent
    assert both[:, 1].tobytes() == recording.received
