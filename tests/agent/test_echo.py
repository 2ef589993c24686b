# SPDX-License-Identifier: GPL-3.0-or-later
"""The echo gate on synthetic echo: the agent's own voice is kept from the VAD, a caller's is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.echo import EchoGate, Samples

FRAME = 160
LEARNT = 60


def speechlike(frames: int, level_dbfs: float, seed: int) -> Samples:
    """Noise with syllables, 3 to 5 a second, and a pause now and then; each seed has its own rhythm."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames * FRAME) / 8000
    rate_hz, period_s = rng.uniform(3, 5), rng.uniform(1.5, 3)
    syllables = np.maximum(0, np.sin(2 * np.pi * rate_hz * time)) * (time % period_s < 0.8 * period_s)
    sound = rng.standard_normal(len(time)) * syllables * np.repeat(rng.uniform(0.3, 1, frames), FRAME)
    return np.asarray(sound / np.sqrt(np.mean(sound**2)) * 10 ** (level_dbfs / 20), np.float32)


def hiss(samples: int, level_dbfs: float) -> Samples:
    noise = np.random.default_rng(9).standard_normal(samples) * 10 ** (level_dbfs / 20)
    return np.asarray(noise, np.float32)


def delayed(sound: Samples, delay_ms: int, gain_db: float) -> Samples:
    late = np.concatenate([np.zeros(delay_ms * 8, np.float32), sound])[: len(sound)]
    return np.asarray(late * 10 ** (gain_db / 20), np.float32)


def outputs(gate: EchoGate, heard: Samples, played: Samples) -> list[tuple[Samples, Samples]]:
    """Each frame as it went in and as it came out."""
    pairs = []
    for at in range(0, len(heard), FRAME):
        frame, reference = heard[at : at + FRAME], played[at : at + FRAME]
        pairs.append((frame, gate.hear(frame, reference if reference.any() else None)))
    return pairs


def unchanged(pairs: list[tuple[Samples, Samples]]) -> list[bool]:
    return [np.array_equal(into, out) for into, out in pairs]


@pytest.mark.parametrize("delay_ms", [40, 95, 150, 260])
@pytest.mark.parametrize("gain_db", [-12, -20, -30])
def test_echo_is_learnt_and_never_passes(delay_ms: int, gain_db: float) -> None:
    played = speechlike(500, -20, 1)
    gate = EchoGate()
    pairs = outputs(gate, delayed(played, delay_ms, gain_db) + hiss(len(played), -66), played)
    assert gate.loss_db == pytest.approx(-gain_db, abs=2)
    assert gate.delay_ms == pytest.approx(delay_ms, abs=20)
    loud = [np.mean(out**2) for into, out in pairs[LEARNT:] if np.mean(into**2) > 10**-5.5]
    assert loud
    assert max(loud) < 10**-5.5


@pytest.mark.parametrize("softer_db", [0, 5, 10])
def test_a_caller_softer_than_the_agent_is_heard_over_it(softer_db: float) -> None:
    played = speechlike(600, -20, 1)
    caller = speechlike(600, -20 - softer_db, 2)
    caller[: 400 * FRAME] = 0
    heard = delayed(played, 130, -20) + caller + hiss(len(played), -66)
    gate = EchoGate()
    pairs = outputs(gate, np.asarray(heard, np.float32), played)
    result = unchanged(pairs)
    powers = np.mean(caller.reshape(-1, FRAME) ** 2, axis=1)
    spoken = [through for through, power in zip(result, powers, strict=True) if power > powers.max() / 30]
    assert np.mean(spoken) > 0.8
    assert max(float(np.mean(out**2)) for _, out in pairs[LEARNT:395]) < 10**-5.5, "echo alone"


def test_without_echo_even_the_softest_caller_is_heard() -> None:
    played = speechlike(500, -20, 1)
    heard = speechlike(500, -50, 2) + hiss(500 * FRAME, -66)
    gate = EchoGate()
    assert all(unchanged(outputs(gate, np.asarray(heard, np.float32), played))[LEARNT:])
    assert gate.loss_db is None


def test_nothing_is_touched_while_the_agent_is_silent() -> None:
    heard = speechlike(200, -30, 2)
    assert all(unchanged(outputs(EchoGate(), heard, np.zeros_like(heard))))


def test_before_the_echo_is_known_nothing_is_heard_over_the_agent() -> None:
    played = speechlike(30, -20, 1)
    pairs = outputs(EchoGate(), delayed(played, 60, -15) + hiss(len(played), -66), played)
    assert max(float(np.mean(out**2)) for _, out in pairs[5:]) < 10**-5.5


def test_the_tail_of_the_echo_is_kept_away_after_the_agent_has_finished() -> None:
    played = speechlike(400, -20, 1)
    played[380 * FRAME :] = 0
    heard = delayed(played, 240, -15) + hiss(len(played), -66)
    pairs = outputs(EchoGate(), np.asarray(heard, np.float32), played)
    assert max(float(np.mean(out**2)) for _, out in pairs[380:]) < 10**-5.5


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), max_size=80))
def test_any_level_goes_in_and_a_finite_frame_comes_out(levels: list[tuple[float, float]]) -> None:
    gate = EchoGate()
    for heard, played in levels:
        out = gate.hear(np.full(FRAME, heard, np.float32), np.full(FRAME, played, np.float32))
        assert out.shape == (FRAME,)
        assert np.isfinite(out).all()
