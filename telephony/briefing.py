# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transfer's target hears before the caller: a spoken summary, played on the consultation leg."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from contracts.media_stream import FRAME_BYTES, FRAME_MS, SILENT_FRAME
from telephony.playout import Playout

# Between the answer and the first word: the receiver has to reach the ear.
_TO_THE_EAR_MS = 300


def decode_briefing(text: str) -> bytes:
    """The PCM (16-bit, 8 kHz) of a base64 text, whole frames. Raises ValueError for anything else."""
    try:
        pcm = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the briefing is not base64: {error}") from None
    return pcm + bytes(-len(pcm) % FRAME_BYTES)


class Briefing:
    """A media sink that speaks once and hears nothing. `told` is called in the media clock's thread."""

    def __init__(self, pcm: bytes, told: Callable[[], None]) -> None:
        self._playout = Playout()
        self._playout.push(SILENT_FRAME * (_TO_THE_EAR_MS // FRAME_MS) + pcm)
        self._playout.then(told)
        self.length_s = self._playout.queued_ms / 1000

    def next_frame(self) -> bytes | None:
        """The next 20 ms of it, then silence."""
        tick = self._playout.pull()
        for action in tick.actions:
            action()
        return tick.frame

    def on_frame(self, pcm: bytes) -> None:
        """What the target says meanwhile is for nobody."""
