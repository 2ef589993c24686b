# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a recording of a call lies on the audio clock of its journal, found from the sound alone.

The recording may be anybody's: it begins when the telephone's audio did, the journal's clock when the
agent's stream did, and neither knows of the other. But both know when somebody spoke. The place at which the
recording's speech covers the journal's best is the offset.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from tellerline.picture.timeline import Timeline, playing
from tellerline.scenario.listening import speech_spans

# The grid of the search, and how far apart the two clocks may begin. Milliseconds.
_GRID_MS = 10
_FARTHEST_MS = 5_000
# The journal knows nothing of the gaps between words.
_BETWEEN_WORDS_MS = 300
# Of the time in which the agent speaks in the sound or in the journal, it does so in both for this share at
# least. Measured: 0.97 for a call and its own journal, 0.35 to 0.9 for other calls of the same kind.
_LEAST_SHARED = 0.8

Activity = npt.NDArray[np.float64]
Bounds = tuple[int, int]


def offset_ms(caller: bytes, agent: bytes, timeline: Timeline) -> int:
    """What to add to the journal's times to get the recording's (16-bit PCM at 8 kHz, one channel a party).

    Right to about 30 ms, which is what a VAD and two jitter buffers leave. Raises ValueError where the two
    have too little in common to be of one call.
    """
    pairs = (
        (
            speech_spans(caller, joined_ms=_BETWEEN_WORDS_MS),
            [(span.from_ms, span.until_ms) for span in timeline.vad],
        ),
        (
            speech_spans(agent, joined_ms=_BETWEEN_WORDS_MS),
            [(span.from_ms, span.until_ms) for span in playing(timeline)],
        ),
    )
    length = max(len(caller) // 16, timeline.ends_ms) // _GRID_MS + 2 * _FARTHEST_MS // _GRID_MS
    score = np.zeros(2 * _FARTHEST_MS // _GRID_MS + 1)
    for recorded, journalled in pairs:
        if recorded and journalled:
            score += _agreement(_activity(recorded, length), _activity(journalled, length))
    found = int(np.argmax(score)) * _GRID_MS - _FARTHEST_MS
    if not score.any() or _shared(*pairs[1], found) < _LEAST_SHARED:
        raise ValueError("the recording and the journal do not fit: is it of this call?")
    return found


def _shared(recorded: Sequence[Bounds], journalled: Sequence[Bounds], offset: int) -> float:
    """The time in which both speak, over the time in which one of them does."""
    late = [(start + _FARTHEST_MS, end + _FARTHEST_MS) for start, end in recorded]
    moved = [(start + offset + _FARTHEST_MS, end + offset + _FARTHEST_MS) for start, end in journalled]
    length = max((end for _, end in [*late, *moved]), default=0) // _GRID_MS + 1
    both = [_activity(spans, length) > 0 for spans in (late, moved)]
    union = int(np.count_nonzero(both[0] | both[1]))
    return float(np.count_nonzero(both[0] & both[1])) / union if union else 1.0


def _agreement(recorded: Activity, journalled: Activity) -> Activity:
    """How well they cover each other at each offset from −5 s to 5 s: correlation of ±1 signals."""
    reach = _FARTHEST_MS // _GRID_MS
    size = 1 << (2 * len(recorded)).bit_length()
    spectrum = np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(journalled, size))
    correlation = np.fft.irfft(spectrum, size)
    return np.concatenate((correlation[-reach:], correlation[: reach + 1]))


def _activity(spans: Iterable[Bounds], length: int) -> Activity:
    """1 where somebody speaks, −0.5 where nobody does, so that speech in the wrong place costs something."""
    active = np.full(length, -0.5)
    for start, end in spans:
        active[max(0, start) // _GRID_MS : max(0, end) // _GRID_MS] = 1.0
    return active
