# SPDX-License-Identifier: GPL-3.0-or-later
"""Slower and louder, step by step, within what stays understandable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.loudness import amplified
from agent.manner import Manner
from contracts.reply import VoiceChange

CHANGES = st.sampled_from(["slower", "faster", "louder", "softer", "normal"])


@given(st.lists(CHANGES, max_size=20))
def test_speech_stays_understandable_whatever_is_asked_for(changes: list[VoiceChange]) -> None:
    manner = Manner()
    for change in changes:
        manner = manner.changed(change)
    assert 0.7 <= manner.pace <= 1.5
    assert -12 <= manner.gain_db <= 12


def test_slower_is_slower_louder_is_louder_and_normal_is_as_before() -> None:
    assert Manner().changed("slower").pace > 1.0 > Manner().changed("faster").pace
    assert Manner().changed("louder").gain_db > 0.0 > Manner().changed("softer").gain_db
    assert Manner(1.4, 12.0).changed("normal") == Manner()


@pytest.mark.parametrize("gain_db", [6.0, 12.0, -6.0])
def test_amplified_speech_neither_wraps_nor_changes_sign(gain_db: float) -> None:
    pcm = (np.sin(np.arange(800) / 5) * 30_000).astype("<i2")
    louder = np.frombuffer(amplified(pcm.tobytes(), gain_db), "<i2")
    big = np.abs(pcm) > 300
    assert (np.sign(louder[big]) == np.sign(pcm[big])).all()
    quiet = (np.sin(np.arange(800) / 5) * 300).astype("<i2")
    changed = np.frombuffer(amplified(quiet.tobytes(), gain_db), "<i2")
    ratio_db = 20 * np.log10(changed.std() / quiet.std())
    assert ratio_db == pytest.approx(gain_db, abs=0.5)


def test_no_gain_changes_no_bit() -> None:
    assert amplified(b"\x01\x02", 0.0) == b"\x01\x02"
