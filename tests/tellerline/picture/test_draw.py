# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture holds what was said and heard, in a file that can be put into a page."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from tellerline.picture.draw import Recording, UnreadableRecording, draw, read_recording
from tellerline.picture.timeline import timeline_of
from tests.tellerline.picture.conversation import AGENT_SPEAKS, CALLER_SPEAKS, JOURNAL, sound

CALL = Recording(sound(CALLER_SPEAKS, 60), sound(AGENT_SPEAKS, 60))


def test_words_and_times_are_in_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "call.svg"
    draw(CALL, timeline_of(JOURNAL), "a call", path)
    words = " ".join("".join(element.itertext()) for element in ElementTree.parse(path).iter())
    assert "what are your hours" in words
    assert "[0.93]" in words
    assert "keys •" in words
    assert "0.30 s" in words, "from the end of the question to the first sound"
    assert "unheard" in words
    assert path.stat().st_size < 300_000


def test_the_same_call_gives_the_same_picture(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        draw(CALL, timeline_of(JOURNAL), "a call", tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_png_too_and_nothing_else(tmp_path: Path) -> None:
    draw(CALL, timeline_of(JOURNAL), "a call", tmp_path / "call.png")
    assert (tmp_path / "call.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"\.svg or \.png"):
        draw(CALL, timeline_of(JOURNAL), "a call", tmp_path / "call.gif")


def test_a_recording_of_another_rate_is_read_and_a_mono_one_is_refused(tmp_path: Path) -> None:
    stereo = np.zeros((16_000, 2), np.int16)
    soundfile.write(tmp_path / "stereo.wav", stereo, 16_000)
    assert read_recording(tmp_path / "stereo.wav").length_ms == 1000
    soundfile.write(tmp_path / "mono.wav", stereo[:, 0], 16_000)
    with pytest.raises(UnreadableRecording, match="1 channels"):
        read_recording(tmp_path / "mono.wav")
    with pytest.raises(UnreadableRecording, match="nowhere"):
        read_recording(tmp_path / "nowhere.wav")
