# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recording of the agent's speech tells about an interruption: when it fell silent, when it went on.

Pure: times are milliseconds of the recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from telephony.speech_gate import SAMPLES_PER_MS, SpeechGate

# Shorter gaps are stop consonants and the joints of clauses.
SILENCE_MS = 200


@dataclass(frozen=True, slots=True)
class Gap:
    """A silence of the far end; `until_ms` None where the recording ends in it."""

    from_ms: int
    until_ms: int | None


def first_gap(received: bytes, after_ms: int, shortest_ms: int = SILENCE_MS) -> Gap | None:
    """The first silence of at least `shortest_ms` that begins at or after `after_ms`.

    One that is under way at `after_ms` counts from there. None: no such silence up to the end of `received`,
    16-bit PCM at 8 kHz.
    """
    spans = speech_spans(received, after_ms)
    end_ms = len(received) // (2 * SAMPLES_PER_MS)
    edges = [after_ms, *(edge for span in spans for edge in span), end_ms]
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - start >= shortest_ms:
            return Gap(start, None if stop == end_ms else stop)
    return None


def speech_spans(pcm: bytes, after_ms: int = 0, joined_ms: int = 40) -> list[tuple[int, int]]:
    """The spans of speech in a clean recording, gaps up to `joined_ms` bridged."""
    active = SpeechGate().active(pcm[after_ms * SAMPLES_PER_MS * 2 :])
    loud = np.flatnonzero(active)
    if not loud.size:
        return []
    breaks = np.flatnonzero(np.diff(loud) > joined_ms)
    starts = loud[np.concatenate(([0], breaks + 1))]
    ends = loud[np.concatenate((breaks, [loud.size - 1]))] + 1
    return [
        (after_ms + int(start), after_ms + int(end))
        for start, end in zip(starts, ends, strict=True)
        if np.count_nonzero(active[start:end]) >= 10
    ]
