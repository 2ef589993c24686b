# SPDX-License-Identifier: GPL-3.0-or-later
"""The 20 ms media port: where a call's audio enters and leaves Python, and the call's media clock.

Ports are made once and lent to calls: destroying one while the bridge runs crashes the process.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any, Protocol

import pjsua2 as pj

from contracts.media_stream import FRAME_BYTES, FRAME_MS, SAMPLE_RATE_HZ, SILENT_FRAME
from telephony.native import keep_thread_state
from telephony.pcm import FAST, OutgoingFrame, read_frame
from telephony.receive_buffer import ReceiveBuffer

log = logging.getLogger(__name__)


class MediaSink(Protocol):
    """What a call does with its audio.

    Both are called on the media clock's thread, within one tick of each other.
    """

    def next_frame(self) -> bytes | None:
        """The 320 bytes to send to the other party in this tick; None is silence."""

    def on_frame(self, pcm: bytes) -> None:
        """320 bytes from the other party; zeros when there is nothing."""


def frame_format() -> Any:
    """The format of every port: 16-bit PCM, 8 kHz, mono, 20 ms."""
    audio = pj.MediaFormatAudio()
    audio.init(pj.PJMEDIA_FORMAT_PCM, SAMPLE_RATE_HZ, 1, FRAME_MS * 1000, 16)
    return audio


class MediaPort(pj.AudioMediaPort):  # type: ignore[misc]
    """A port of the conference bridge. Bound to a sink it moves audio;

    else it is silent and ignores what it gets.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._outgoing = OutgoingFrame(FAST)
        self._sink: MediaSink | None = None
        self._failed = False
        self._source: ReceiveBuffer | None = None
        self._thread = 0
        self.createPort(name, frame_format())

    def bind(self, sink: MediaSink | None) -> None:
        """Lend the port to a call, or take it back with None."""
        self._failed = False
        self._source = None
        self._sink = sink

    def listen_to(self, source: ReceiveBuffer | None) -> None:
        """Tell where the frames come from that the bridge delivers here."""
        self._source = source

    def onFrameRequested(self, frame: Any) -> None:
        sink, pcm = self._sink, None
        try:
            if sink is not None:
                pcm = sink.next_frame()
            self._outgoing.write(frame, SILENT_FRAME if pcm is None else pcm)
        except Exception:
            self._report_once()

    def onFrameReceived(self, frame: Any) -> None:
        sink = self._sink
        if threading.get_ident() != self._thread:
            self._thread = threading.get_ident()
            keep_thread_state()
        if sink is None:
            return
        try:
            pcm, source = SILENT_FRAME, self._source
            if frame.type == pj.PJMEDIA_FRAME_TYPE_AUDIO:
                pcm = read_frame(frame)
                if source is not None:
                    pcm = source.shorten(pcm)
            sink.on_frame(pcm if len(pcm) == FRAME_BYTES else SILENT_FRAME)
        except Exception:
            self._report_once()

    def _report_once(self) -> None:
        # Fifty tracebacks a second would starve the media clock that they complain about.
        if not self._failed:
            self._failed = True
            log.exception("media port: a frame was lost; further losses of this call are not logged")


class PortPool:
    """As many ports as there are call slots, lent and returned."""

    def __init__(self, size: int, silent_listener: Any) -> None:
        self.all = [MediaPort(f"call{i}") for i in range(size)]
        self._silent_listener = silent_listener
        self._free = deque(self.all)

    def lend(self, sink: MediaSink) -> MediaPort:
        """A port bound to `sink`.

        Raises IndexError when all are lent, which more calls than slots would mean.
        """
        port = self._free.popleft()
        port.bind(sink)
        # A port is asked for frames only while somebody listens. While a caller is held nobody else does.
        port.startTransmit(self._silent_listener)
        return port

    def take_back(self, port: MediaPort) -> None:
        """Unbind a port and make it free.

        It goes to the end of the queue, so that late ticks meet no new call.
        """
        port.bind(None)
        port.stopTransmit(self._silent_listener)
        self._free.append(port)

    def destroy(self) -> None:
        """Destroy all ports; only when the media clock has stopped for good."""
        self._free.clear()
        self.all.clear()
        self._silent_listener = None
