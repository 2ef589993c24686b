# SPDX-License-Identifier: GPL-3.0-or-later
"""Short ramps where speech is cut or begun in the middle of a sound: a step in the wave is heard as a click.

Linear over 8 ms, on one frame (16-bit PCM, 8 kHz, 20 ms): long enough for no click, short enough for no
syllable.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from contracts.media_stream import FRAME_BYTES, SAMPLE_RATE_HZ

_RAMP_SAMPLES = SAMPLE_RATE_HZ * 8 // 1000
# A step below this (-42 dBFS) drowns in the noise of G.711 and of the line.
_AUDIBLE_STEP = 256

_Samples = npt.NDArray[np.float64]
_RISE: _Samples = np.arange(_RAMP_SAMPLES) / _RAMP_SAMPLES
_FALL: _Samples = 1 - _RISE


def fade_in(frame: bytes) -> bytes:
    """The frame, its beginning raised from nothing. One that begins quietly is left as it is."""
    if _quiet(frame[:2]):
        return frame
    return _with_head(_head(frame) * _RISE, frame)


def fade_out(frame: bytes) -> bytes:
    """The beginning of the frame falling to nothing, then silence."""
    return _with_head(_head(frame) * _FALL, bytes(FRAME_BYTES))


def cross_fade(old: bytes, new: bytes) -> bytes:
    """`new`, with the beginning of `old` falling while it rises."""
    return _with_head(_head(old) * _FALL + _head(new) * _RISE, new)


def settle(last: bytes) -> bytes | None:
    """What follows a frame after which there is nothing: a fall from its last sample; None if it ended
    quietly.
    """
    if _quiet(last[-2:]):
        return None
    return _with_head(_value(last[-2:]) * _FALL, bytes(FRAME_BYTES))


def _value(sample: bytes) -> int:
    return int.from_bytes(sample, "little", signed=True)


def _quiet(sample: bytes) -> bool:
    return abs(_value(sample)) < _AUDIBLE_STEP


def _head(frame: bytes) -> _Samples:
    return np.frombuffer(frame, dtype="<i2", count=_RAMP_SAMPLES).astype(np.float64)


def _with_head(head: _Samples, frame: bytes) -> bytes:
    return head.astype("<i2").tobytes() + frame[_RAMP_SAMPLES * 2 :]
