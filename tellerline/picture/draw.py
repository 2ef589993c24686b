# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws a conversation: the caller's wave above, the agent's below, and between them what was made of it.

SVG or PNG, told by the file's name. Words stay text in an SVG, so that they can be searched and read aloud.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from contracts.media_stream import SAMPLE_RATE_HZ
from tellerline.picture.alignment import offset_ms
from tellerline.picture.timeline import Timeline
from tellerline.scenario.listening import speech_spans

FORMATS = (".svg", ".png")

_CALLER, _AGENT, _CUT, _QUIET = "#1f6fb2", "#7b3fa0", "#c0392b", "#777777"
_ENVELOPE_MS = 40
_INCHES_A_SECOND, _NARROWEST, _WIDEST = 0.42, 10.0, 60.0
# Characters of 6 pt type that fit into an inch.
_CHARACTERS_AN_INCH = 19
_DPI = 110


class UnreadableRecording(ValueError):
    """The sound file is no stereo recording of a call; the message says why."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A stereo recording: 16-bit PCM at 8 kHz of each party."""

    caller: bytes
    agent: bytes

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return len(self.caller) // (2 * SAMPLE_RATE_HZ // 1000)


def read_recording(path: Path) -> Recording:
    """A stereo sound file, caller left, agent right, at any rate. Raises UnreadableRecording."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise UnreadableRecording(f"{path}: {error}") from None
    if samples.shape[1] != 2:
        raise UnreadableRecording(
            f"{path}: {samples.shape[1]} channels; caller left and agent right are needed"
        )
    if rate != SAMPLE_RATE_HZ:
        samples = soxr.resample(samples, rate, SAMPLE_RATE_HZ)
    pcm = np.clip(samples * 32768, -32768, 32767).astype("<i2")
    return Recording(pcm[:, 0].tobytes(), pcm[:, 1].tobytes())


def draw(recording: Recording, timeline: Timeline, title: str, path: Path) -> None:
    """Draw the conversation into `path` (.svg or .png). Raises ValueError for another format, or a recording
    that has nothing in common with the journal.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"{path}: pictures are drawn as {' or '.join(FORMATS)}")
    shift = offset_ms(recording.caller, recording.agent, timeline)
    seconds = recording.length_ms / 1000
    width = min(_WIDEST, max(_NARROWEST, seconds * _INCHES_A_SECOND))
    # Loaded here: a command that draws nothing must not wait for it.
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    page = _Page(timeline, recording, shift, width / seconds)
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(1.0, 2.2, 1.0))
    page.waves(upper, recording.caller, _CALLER, "caller")
    page.conversation(middle)
    page.waves(lower, recording.agent, _AGENT, "agent")
    lower.set_xlim(0, seconds)
    lower.set_xlabel("seconds of the call, at the caller's ear")
    figure.suptitle(title, fontsize=9, ha="left", x=0.01)
    with mpl.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "tellerline", "path.simplify_threshold": 0.5}
    ):
        figure.savefig(path, dpi=_DPI, metadata={"Date": None} if path.suffix == ".svg" else None)


class _Page:
    """One picture: times of the journal shifted onto the recording, in seconds."""

    def __init__(self, timeline: Timeline, recording: Recording, shift: int, inches_a_second: float) -> None:
        self._timeline = timeline
        self._recording = recording
        self._shift = shift
        self._inches = inches_a_second

    def _at(self, ms: int) -> float:
        return (ms + self._shift) / 1000

    def waves(self, axes: Any, pcm: bytes, colour: str, name: str) -> None:
        low, high = _envelope(pcm)
        time = np.arange(len(low)) * _ENVELOPE_MS / 1000
        axes.fill_between(time, low, high, color=colour, linewidth=0, step="mid")
        axes.set_ylim(-1, 1)
        axes.set_yticks([])
        axes.set_ylabel(name, color=colour)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)

    def conversation(self, axes: Any) -> None:
        """Rows from the top: VAD, words so far, commits, latency, the agent's speeches."""
        axes.set_ylim(0, 10)
        axes.set_yticks(
            [9.6, 7.7, 5.3, 3.9, 1.9], ["VAD", "words", "turn", "reply after", "speech"], fontsize=6
        )
        axes.tick_params(axis="y", length=0)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        for span in self._timeline.vad:
            start = self._at(span.from_ms)
            axes.barh(9.6, self._at(span.until_ms) - start, left=start, height=0.45, color=_CALLER, alpha=0.7)
        self._words(axes)
        self._turns(axes)
        self._replies(axes)
        self._speeches(axes)

    def _words(self, axes: Any) -> None:
        """Words so far in grey, at last in the caller's colour, in lanes where they are dense."""
        lanes = _Lanes(4, self._inches)
        for moment in self._timeline.words:
            at = self._at(moment.at_ms)
            y = 8.7 - 0.65 * lanes.place(at, moment.text)
            colour = _CALLER if moment.kind == "transcript" else _QUIET
            axes.text(at, y, moment.text, fontsize=6, color=colour, clip_on=True)
            axes.plot([at, at], [9.2, y + 0.3], color=_QUIET, linewidth=0.3)

    def _turns(self, axes: Any) -> None:
        lanes = _Lanes(2, self._inches)
        marks = [*self._timeline.turns, *self._timeline.ignored]
        for moment in sorted(marks, key=lambda moment: moment.at_ms):
            committed = moment.kind == "turn_committed"
            text = f" ▸ {moment.text}" if committed else f" ✕ {moment.text}"
            at = self._at(moment.at_ms)
            colour = _CALLER if committed else _QUIET
            axes.plot([at, at], [4.7, 6.0], color=colour, linewidth=0.9)
            y = 5.5 - 0.65 * lanes.place(at, text)
            axes.text(at, y, text, fontsize=6, color=colour, weight="bold", clip_on=True)
        keys = [self._at(moment.at_ms) for moment in self._timeline.keys]
        axes.plot(keys, [6.25] * len(keys), "s", color=_CALLER, markersize=3)

    def _replies(self, axes: Any) -> None:
        """From the end of the caller's last sound before a commit to the agent's first sound after it."""
        asked = speech_spans(self._recording.caller)
        heard = speech_spans(self._recording.agent)
        keys = [self._at(key.at_ms) * 1000 for key in self._timeline.keys]
        for turn in self._timeline.turns:
            at_ms = turn.at_ms + self._shift
            ends = [end for _, end in asked if end <= at_ms + 100] + [
                key for key in keys if key <= at_ms + 100
            ]
            starts = [start for start, _ in heard if start >= at_ms - 60]
            if not ends or not starts:
                continue
            end, start = max(ends) / 1000, starts[0] / 1000
            axes.annotate("", (start, 3.9), (end, 3.9), arrowprops={"arrowstyle": "<->", "lw": 0.8})
            axes.text((end + start) / 2, 4.12, f"{start - end:.2f} s", fontsize=6, ha="center")

    def _speeches(self, axes: Any) -> None:
        for speech in self._timeline.speeches:
            if not speech.heard:
                continue
            start, end = self._at(speech.from_ms), self._at(speech.until_ms)
            colour = _AGENT if speech.complete else _CUT
            hatch = "///" if speech.protected else None
            axes.barh(3.0, end - start, left=start, height=0.5, color=colour, alpha=0.35, hatch=hatch, lw=0)
            columns = max(9, int((end - start) * self._inches * _CHARACTERS_AN_INCH))
            axes.text(
                start,
                2.55,
                "\n".join(
                    textwrap.wrap(_what_was_heard(speech.text, speech.heard, speech.complete), columns)
                ),
                fontsize=6,
                color=colour,
                va="top",
                clip_on=True,
            )
        for pause in self._timeline.pauses:
            self._silence(axes, pause.from_ms, pause.until_ms, "‖")
        for hold in self._timeline.holds:
            self._silence(axes, hold.from_ms, hold.until_ms, "hold")

    def _silence(self, axes: Any, from_ms: int, until_ms: int, text: str) -> None:
        start, end = self._at(from_ms), self._at(until_ms)
        axes.barh(3.0, end - start, left=start, height=0.5, color="white", edgecolor=_QUIET, linewidth=0.6)
        axes.text((start + end) / 2, 3.0, text, fontsize=6, ha="center", va="center", color=_QUIET)


class _Lanes:
    """Rows of words that would overlap in one."""

    def __init__(self, count: int, inches_a_second: float) -> None:
        self._free = [0.0] * count
        self._inches = inches_a_second

    def place(self, at_s: float, text: str) -> int:
        """The first row that is free at that time, or the one that is free soonest."""
        rows = range(len(self._free))
        row = next((row for row in rows if self._free[row] <= at_s), int(np.argmin(self._free)))
        self._free[row] = at_s + (len(text) + 2) / _CHARACTERS_AN_INCH / self._inches
        return row


def _what_was_heard(text: str, heard: str, complete: bool) -> str:
    return text if complete else f"{heard} — ({len(text) - len(heard)} characters unheard)"


def _envelope(pcm: bytes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The lowest and highest sample of each 40 ms, in [-1, 1]."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64) / 32768
    size = _ENVELOPE_MS * SAMPLE_RATE_HZ // 1000
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    peak = max(float(np.abs(samples).max(initial=0.0)), 1e-6)
    return np.round(blocks.min(axis=1) / peak, 3), np.round(blocks.max(axis=1) / peak, 3)
