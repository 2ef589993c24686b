# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's own account of what is being played, and what the caller had heard when they took the floor."""

from __future__ import annotations

from agent.last_words import LastWords
from agent.playback import Playback
from agent.turns.commands import Speak
from contracts.media_stream import FRAME_BYTES, FRAME_MS


def sound(frames: int, value: int = 1) -> bytes:
    return bytes([value]) * (FRAME_BYTES * frames)


def ticks(playback: Playback, count: int) -> list[bytes | None]:
    return [playback.tick() for _ in range(count)]


def test_clauses_are_played_in_order_and_then_there_is_silence() -> None:
    playback = Playback()
    playback.queue((1, 0), sound(2, 1))
    playback.queue((1, 1), sound(1, 2))
    assert ticks(playback, 4) == [sound(1, 1), sound(1, 1), sound(1, 2), None]
    assert playback.share((1, 0)) == playback.share((1, 1)) == 1.0


def test_a_pause_keeps_the_place_and_a_resume_goes_back_a_little_in_the_same_clause() -> None:
    playback = Playback()
    playback.queue((1, 0), sound(3, 1))
    playback.queue((1, 1), sound(4, 2))
    ticks(playback, 4)
    playback.pause()
    assert ticks(playback, 5) == [None] * 5
    playback.resume(rewind_ms=10 * FRAME_MS)
    assert ticks(playback, 5) == [sound(1, 2)] * 4 + [None]


def test_what_was_cut_stays_known_and_what_was_rewound_counts_once() -> None:
    playback = Playback()
    playback.queue((1, 0), sound(10))
    ticks(playback, 5)
    playback.pause()
    playback.resume(rewind_ms=4 * FRAME_MS)
    ticks(playback, 2)
    playback.clear()
    assert playback.share((1, 0)) == 0.5
    assert playback.tick() is None


def test_held_nothing_is_played() -> None:
    playback = Playback()
    playback.queue((1, 0), sound(2))
    playback.hold(True)
    assert ticks(playback, 3) == [None] * 3
    playback.hold(False)
    assert playback.tick() == sound(1)


def test_the_dialogue_learns_which_words_were_heard() -> None:
    shares = {(1, 0): 1.0, (2, 0): 0.5}
    words = LastWords(lambda part: shares.get(part, 0.0))
    words.add(Speak(1, ("Your rate is five percent.",), 1))
    words.add(Speak(2, ("Would you like that loan", "or another one?"), 1))
    assert words.take() == {"heard": "Your rate is five percent. Would you", "interrupted": "true"}
    assert words.take() == {"heard": "", "interrupted": "false"}
    words.add(Speak(1, ("Your rate is five percent.",), 1))
    assert words.take()["interrupted"] == "false"
