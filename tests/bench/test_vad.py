# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference labels and their comparison with what the ear found; no recordings needed."""

from __future__ import annotations

import numpy as np
import pytest

from agent.ear import Ear
from agent.settings import VadSettings
from agent.vad import SpeechGate, SpeechProbability, load_network
from bench.turns.sounds import PER_MS, level, white
from bench.vad import (
    MARGIN_MS,
    Detection,
    Span,
    compare,
    cuts,
    hear,
    mixed,
    pauses_ms,
    reference_spans,
    telephone_band,
    with_margins,
)


def tones(*parts: tuple[int, float]) -> np.typing.NDArray[np.float32]:
    """Parts of so many milliseconds and such an amplitude, of a 1 kHz tone."""
    amplitudes = np.concatenate([np.full(ms * PER_MS, amplitude) for ms, amplitude in parts])
    return np.asarray(np.sin(np.arange(len(amplitudes)) * 2 * np.pi / 8) * amplitudes, np.float32)


def test_speech_is_where_the_energy_is() -> None:
    found = reference_spans(tones((500, 0.001), (400, 0.5), (300, 0.001), (600, 0.3), (400, 0.001)))
    assert [(span.from_ms, span.until_ms) for span in found] == [(500, 900), (1200, 1800)]
    assert pauses_ms(found) == [300]


def test_a_stop_closure_is_no_pause_and_a_click_no_speech() -> None:
    found = reference_spans(
        tones((500, 0.0), (300, 0.5), (80, 0.001), (300, 0.5), (400, 0.001), (20, 0.5), (300, 0.0))
    )
    assert [(span.from_ms, span.until_ms) for span in found] == [(500, 1180)]


def test_silence_holds_no_speech() -> None:
    assert reference_spans(np.zeros(8000, np.float32)) == []


def test_a_perfect_ear_misses_nothing_and_is_as_late_as_it_is() -> None:
    truth = [Span(1000, 2000), Span(2500, 3000)]
    heard = [Span(1000, 2000, 1080, 2100), Span(2500, 3000, 2580, 3100)]
    found = compare(truth, heard, 5000)
    assert (found.miss_rate, found.false_alarm_rate) == (0.0, 0.0)
    assert (found.onset_delays_ms, found.offset_delays_ms) == ([80, 80], [100, 100])


def test_what_is_missed_and_imagined_is_counted_in_time() -> None:
    found = compare([Span(1000, 2000)], [Span(1500, 2000, 1580, 2100), Span(4000, 4400, 4080, 4500)], 5000)
    assert found.miss_rate == pytest.approx(0.5)
    assert found.false_alarm_rate == pytest.approx(0.1)
    deaf = compare([Span(1000, 2000)], [], 5000)
    assert (deaf.miss_rate, deaf.onsets, deaf.onset_delays_ms, deaf.offset_delays_ms) == (1.0, 1, [], [])


def test_detections_add_up() -> None:
    whole = Detection()
    for _ in range(2):
        whole.add(compare([Span(1000, 2000)], [Span(1000, 2000, 1064, 2096)], 5000))
    assert (whole.speech_ms, whole.onsets, whole.onset_delays_ms) == (2000, 2, [64, 64])


def test_a_delay_cuts_where_the_next_onset_is_known_too_late() -> None:
    spans = [Span(0, 1000, 64, 1096), Span(1300, 2000, 1364, 2096)]
    assert (cuts(spans, 350), cuts(spans, 370), cuts(spans, 200)) == (1, 0, 1)


def test_the_telephone_takes_what_lies_below_300_hz() -> None:
    time = np.arange(16_000) / 8000
    both = np.asarray(np.sin(2 * np.pi * 150 * time) + np.sin(2 * np.pi * 1000 * time), np.float32)
    narrow = telephone_band(both)
    spectrum = np.abs(np.fft.rfft(narrow))
    assert spectrum[300] < 1e-3 * spectrum[2000]
    assert 20 * np.log10(level(narrow)) == pytest.approx(-26, abs=0.1)


def test_noise_is_added_at_the_level_that_was_asked_for() -> None:
    speech = tones((2000, 0.2))
    noisy = mixed(speech, white(16_000, np.random.default_rng(1)), 10)
    noise = noisy - speech
    assert 10 * np.log10(np.mean(speech**2) / np.mean(noise**2)) == pytest.approx(10, abs=0.5)


def test_a_real_ear_finds_nothing_in_a_quiet_line() -> None:
    ear = Ear(SpeechProbability(load_network()), SpeechGate(VadSettings()))
    line = with_margins(white(8000, np.random.default_rng(1)) * np.float32(5e-4))
    assert len(line) == (2 * MARGIN_MS + 1000) * PER_MS
    assert hear(ear, line) == []
