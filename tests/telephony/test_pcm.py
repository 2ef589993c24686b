# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving frames in and out of PJSUA2's byte vectors: the fast way and the slow way do the same."""

from __future__ import annotations

import pjsua2 as pj
from hypothesis import given
from hypothesis import strategies as st

from contracts.media_stream import FRAME_BYTES
from telephony.pcm import OutgoingFrame, _read_fast, _read_slow, fast_path_works


def test_the_fast_way_works_with_this_build() -> None:
    assert fast_path_works()


@given(st.binary(min_size=FRAME_BYTES, max_size=FRAME_BYTES))
def test_both_ways_carry_the_same_bytes(pcm: bytes) -> None:
    for fast in (True, False):
        outgoing, frame = OutgoingFrame(fast), pj.MediaFrame()
        for content in (bytes(FRAME_BYTES), pcm):
            outgoing.write(frame, content)
            assert _read_fast(frame) == _read_slow(frame) == content
            assert frame.size == FRAME_BYTES


def test_an_empty_frame_is_no_bytes() -> None:
    assert _read_fast(pj.MediaFrame()) == _read_slow(pj.MediaFrame()) == b""
