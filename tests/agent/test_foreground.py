# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller is told from softer voices by level alone."""

from __future__ import annotations

import numpy as np

from agent.foreground import Foreground

WINDOW = 512


def window(level_dbfs: float) -> np.typing.NDArray[np.float32]:
    return np.full(WINDOW, 10 ** (level_dbfs / 20), np.float32)


def heard(foreground: Foreground, level_dbfs: float, seconds: float) -> list[bool]:
    return [foreground(window(level_dbfs), 0.9) > 0 for _ in range(round(seconds / 0.032))]


def test_the_first_voice_is_the_caller_however_soft() -> None:
    assert all(heard(Foreground(), -55, 2))


def test_a_voice_far_behind_the_caller_is_not_heard() -> None:
    foreground = Foreground()
    heard(foreground, -20, 2)
    after = heard(foreground, -36, 3)
    assert not any(after[5:]), "but for the 160 ms in which a stop closure might be over"


def test_a_soft_end_of_a_sentence_is_still_the_caller() -> None:
    foreground = Foreground()
    heard(foreground, -20, 2)
    assert all(heard(foreground, -30, 1))


def test_a_caller_who_moves_away_is_heard_again() -> None:
    foreground = Foreground()
    heard(foreground, -20, 2)
    assert heard(foreground, -36, 10)[-1]


def test_silence_stays_silence_and_changes_nothing() -> None:
    foreground = Foreground()
    heard(foreground, -20, 2)
    level_db = foreground.level_db
    assert [foreground(window(-90), 0.1) for _ in range(100)] == [0.1] * 100
    assert foreground.level_db == level_db
