# SPDX-License-Identifier: GPL-3.0-or-later
"""Voice activity detection measured on real voices: reference labels from the energy of the clean recording,
the ear's onsets and offsets against them after noise, the telephone's band and G.711. Pure but for `hear`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from agent.ear import Ear
from agent.vad import Onset
from bench.turns.sounds import PER_MS, Samples, decibels, g711, level
from contracts.media_stream import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ

# The band of a telephone, in Hz.
_BAND_HZ = (300.0, 3400.0)
_TALKER_DBFS = -26.0
# A frame is speech within this of the loud frames, if it is clear of the recording's own noise as well. dB.
_BELOW_LOUD_DB, _ABOVE_NOISE_DB = 28.0, 8.0
# Stop closures are no pauses, and clicks are no speech.
_FILLED_MS, _DROPPED_MS = 100, 60
# Around a recording there is so much silence; an offset decided later than its end has not been found.
MARGIN_MS = 1000
_LOST_MS = 1000
# Shorter silences are no beginnings or ends to be found.
_CLEAR_MS = 300


@dataclass(frozen=True, slots=True)
class Span:
    """Speech from `from_ms` until `until_ms`, and when the ear had decided on each."""

    from_ms: int
    until_ms: int
    onset_known_ms: int = 0
    offset_known_ms: int = 0


@dataclass(slots=True)
class Detection:
    """How well speech was found; milliseconds."""

    speech_ms: int = 0
    missed_ms: int = 0
    silence_ms: int = 0
    imagined_ms: int = 0
    onset_delays_ms: list[int] = field(default_factory=list)
    offset_delays_ms: list[int] = field(default_factory=list)
    onsets: int = 0
    offsets: int = 0

    def add(self, other: Detection) -> None:
        """Count another one in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def miss_rate(self) -> float:
        """Share of the speech that was taken for silence."""
        return self.missed_ms / self.speech_ms if self.speech_ms else 0.0

    @property
    def false_alarm_rate(self) -> float:
        """Share of the silence that was taken for speech."""
        return self.imagined_ms / self.silence_ms if self.silence_ms else 0.0


def telephone_band(samples: Samples) -> Samples:
    """Only what passes a telephone, at a talker's level; float32 at 8 kHz."""
    frequencies = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
    passed = (frequencies >= _BAND_HZ[0]) & (frequencies <= _BAND_HZ[1])
    narrow = np.fft.irfft(np.fft.rfft(samples) * passed, len(samples)).astype(np.float32)
    return narrow * np.float32(decibels(_TALKER_DBFS) / max(level(narrow), 1e-9))


def with_margins(samples: Samples) -> Samples:
    """With a second of silence before and after, in whole frames."""
    margin = np.zeros(MARGIN_MS * PER_MS, np.float32)
    padding = np.zeros(-len(samples) % FRAME_SAMPLES, np.float32)
    return np.concatenate([margin, samples, padding, margin])


def reference_spans(samples: Samples) -> list[Span]:
    """Where a clean recording holds speech, by the power of its frames of 20 ms."""
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    powers_db = 10 * np.log10(np.mean(frames.astype(np.float64) ** 2, axis=1) + 1e-12)
    recorded = powers_db[powers_db > -110]
    if not len(recorded):
        return []
    loud_db, noise_db = np.percentile(recorded, 95), np.percentile(recorded, 5)
    # A recording without a pause has no noise to be seen: its quietest frames are speech.
    threshold_db = max(loud_db - _BELOW_LOUD_DB, min(noise_db + _ABOVE_NOISE_DB, loud_db - 15))
    return _spans(powers_db > threshold_db)


def mixed(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Speech and noise as they come out of G.711; the SNR is that of the sounding part."""
    scale = np.float32(level(samples) * decibels(-snr_db))
    return g711(samples + np.resize(noise, len(samples)) * scale)


def hear(ear: Ear, samples: Samples) -> list[Span]:
    """What the ear makes of a sound, float32 at 8 kHz in whole frames."""
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2")
    found: list[Span] = []
    onset: tuple[int, int] | None = None
    for number in range(len(pcm) // FRAME_SAMPLES):
        now_ms = (number + 1) * FRAME_MS
        for change in ear.hear(pcm[number * FRAME_SAMPLES : (number + 1) * FRAME_SAMPLES].tobytes()):
            if isinstance(change, Onset):
                onset = change.at_ms, now_ms
            elif onset is not None:
                found.append(Span(onset[0], change.at_ms, onset[1], now_ms))
                onset = None
    if onset is not None:
        end_ms = len(pcm) // PER_MS
        found.append(Span(onset[0], end_ms, onset[1], end_ms + _LOST_MS))
    return found


def compare(reference: Sequence[Span], found: Sequence[Span], lasts_ms: int) -> Detection:
    """How far what was found is from the reference, in steps of 10 ms."""
    truth, heard = _mask(reference, lasts_ms), _mask(found, lasts_ms)
    result = Detection(
        speech_ms=int(truth.sum()) * 10,
        missed_ms=int((truth & ~heard).sum()) * 10,
        silence_ms=int((~truth).sum()) * 10,
        imagined_ms=int((~truth & heard).sum()) * 10,
    )
    for before, span, after in _neighbours(reference, lasts_ms):
        if span.from_ms - before >= _CLEAR_MS:
            result.onsets += 1
            result.onset_delays_ms += _first(
                [f.onset_known_ms - span.from_ms for f in found if before <= f.from_ms < span.until_ms]
            )
        if after - span.until_ms >= _CLEAR_MS:
            result.offsets += 1
            result.offset_delays_ms += _first(
                [
                    f.offset_known_ms - span.until_ms
                    for f in found
                    if span.from_ms < f.until_ms and span.until_ms <= f.offset_known_ms <= after + _LOST_MS
                ]
            )
    return result


def pauses_ms(spans: Sequence[Span]) -> list[int]:
    """The silences between spans."""
    return [after.from_ms - before.until_ms for before, after in pairwise(spans)]


def cuts(spans: Sequence[Span], delay_ms: int) -> int:
    """How often silence of `delay_ms` would have ended the turn in the middle.

    Where the ear knows of an offset only after the delay, the next onset must be known by then.
    """
    return sum(
        after.onset_known_ms > max(before.until_ms + delay_ms, before.offset_known_ms)
        for before, after in pairwise(spans)
    )


def _spans(speech: np.typing.NDArray[np.bool_]) -> list[Span]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], speech, [False]]).astype(np.int8)))
    spans: list[Span] = []
    for start, end in zip(edges[::2] * FRAME_MS, edges[1::2] * FRAME_MS, strict=True):
        if spans and start - spans[-1].until_ms < _FILLED_MS:
            spans[-1] = Span(spans[-1].from_ms, int(end))
        else:
            spans.append(Span(int(start), int(end)))
    return [span for span in spans if span.until_ms - span.from_ms >= _DROPPED_MS]


def _mask(spans: Sequence[Span], lasts_ms: int) -> np.typing.NDArray[np.bool_]:
    mask = np.zeros(lasts_ms // 10, bool)
    for span in spans:
        mask[span.from_ms // 10 : span.until_ms // 10] = True
    return mask


def _neighbours(spans: Sequence[Span], lasts_ms: int) -> list[tuple[int, Span, int]]:
    """Each span with the end of the one before and the start of the one after."""
    ends = [0, *(span.until_ms for span in spans)]
    starts = [*(span.from_ms for span in spans[1:]), lasts_ms]
    return list(zip(ends[:-1], spans, starts, strict=True))


def _first(delays_ms: list[int]) -> list[int]:
    return delays_ms[:1]
