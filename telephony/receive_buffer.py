# SPDX-License-Identifier: GPL-3.0-or-later
"""The jitter buffer of an RTP stream, for which PJSUA2 has no interface: how full it is, and a frame out of
turn.

Only for the media clock's thread, and only in a tick that brought audio of this stream: the bridge holds a
reference to it then, so it can't be freed under the hands of whoever looks into it.
"""

from __future__ import annotations

import ctypes
import logging
from typing import Any

from contracts.media_stream import FRAME_BYTES
from telephony.jitter_trim import JitterTrim, is_quiet
from telephony.native import MissingSymbol, library

log = logging.getLogger(__name__)

# G.711 frames in PJSIP's jitter buffer.
_BUFFERED_MS, _BUFFERED_BYTES = 10, 80
_AUDIO = 1


class _State(ctypes.Structure):
    """pjmedia_jb_state of jbuf.h, PJSIP 2.15."""

    _fields_ = [
        (name, ctypes.c_uint)
        for name in (
            "frame_size",
            "min_prefetch",
            "max_prefetch",
            "max_count",
            "burst",
            "prefetch",
            "size",
            "avg_delay",
            "min_delay",
            "max_delay",
            "dev_delay",
            "avg_burst",
            "lost",
            "discard",
            "empty",
            # Room for what a later version may add.
            *(f"spare{i}" for i in range(16)),
        )
    ]


class _Frame(ctypes.Structure):
    """pjmedia_frame of frame.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("buf", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("timestamp", ctypes.c_uint64),
        ("bit_info", ctypes.c_uint32),
        ("spare", ctypes.c_uint64 * 4),
    ]


def _functions() -> tuple[Any, Any] | None:
    names = ("pjmedia_stream_get_stat_jbuf", "pjmedia_port_get_frame")
    try:
        native = library(names)
    except MissingSymbol as error:
        log.warning("jitter buffers are not shortened: %s", error)
        return None
    for name in names:
        function = getattr(native, name)
        function.restype, function.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p]
    return native.pjmedia_stream_get_stat_jbuf, native.pjmedia_port_get_frame


_NATIVE = _functions()


class ReceiveBuffer:
    """The jitter buffer of the stream that PJSUA2's onStreamCreated told of."""

    def __init__(self, stream: Any, port: Any) -> None:
        self._stream, self._port = int(stream), int(port)
        self._trim = JitterTrim()
        self._state = _State()
        self._sound = ctypes.create_string_buffer(FRAME_BYTES)
        self._usable = _NATIVE is not None

    def shorten(self, pcm: bytes) -> bytes:
        """The frame of this tick: `pcm`, or the one after it, where nothing is said in `pcm` and more waits
        than the line's jitter needs.
        """
        if not self._usable or _NATIVE is None:
            return pcm
        left_ms = self._left_ms()
        self._trim.watch(left_ms, self._state.empty)
        if self._trim.surplus_frames <= 0 or left_ms < 2 * _BUFFERED_MS or not is_quiet(pcm):
            return pcm
        self._trim.taken()
        return self._next_frame() or pcm

    def _left_ms(self) -> int:
        assert _NATIVE is not None
        status = _NATIVE[0](self._stream, ctypes.addressof(self._state))
        state = self._state
        # Without `max_count` (older versions) the burst level is found in its place: a few frames.
        known = state.frame_size == _BUFFERED_BYTES and state.max_count >= state.max_prefetch > 0
        if status != 0 or not known:
            self._usable = False
            log.warning("jitter buffers are not shortened: this build of PJSIP describes them otherwise")
            return 0
        return int(state.size) * _BUFFERED_MS

    def _next_frame(self) -> bytes | None:
        assert _NATIVE is not None
        frame = _Frame(type=_AUDIO, buf=ctypes.addressof(self._sound), size=FRAME_BYTES)
        status = _NATIVE[1](self._port, ctypes.addressof(frame))
        whole = status == 0 and frame.type == _AUDIO and frame.size == FRAME_BYTES
        return self._sound.raw if whole else None
