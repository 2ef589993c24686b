# SPDX-License-Identifier: GPL-3.0-or-later
"""The teacher: festival with the SLT HTS voice reads every sentence and says when each phone ends.

Its leading and trailing silence is cut here, because a voice learns its teacher's pauses and a caller hears
196 ms of learnt silence as a slow answer.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.signal import resample_poly

SAMPLE_RATE = 16_000
"""Hz of all audio after this module; telephone speech needs no more."""
LEAD_S = 0.015
"""Silence kept before the first phone, s."""
TAIL_S = 0.030
"""Silence kept after the last phone, s."""
LEXICON = Path("/usr/share/festival/dicts/cmu/cmudict-0.4.out")
"""Where Debian's festlex-cmu puts its dictionary."""
_VOICE = "voice_cmu_us_slt_arctic_hts"
_BATCH = 40
_FADE_S = 0.005

Audio = npt.NDArray[np.float32]


class TeacherUnavailable(RuntimeError):
    """festival, its voice or its lexicon is not installed, or festival failed; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone (`name` in festival's radio set, `pau` for silence) from `start` to `end`, s."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence as read: mono audio at `SAMPLE_RATE` in −1 … 1, and its phones without a gap."""

    text: str
    audio: Audio
    phones: tuple[Phone, ...]


def read_aloud(
    sentences: Sequence[str], folder: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Have festival read `sentences` into `folder` (`00042.wav`, `00042.seg`); what is there already is kept.

    Raises:
        TeacherUnavailable: festival or its voice is missing, or it failed on a sentence.
    """
    if shutil.which("festival") is None:
        raise TeacherUnavailable(
            "festival is not installed; "
            "run: apt-get install festival festvox-us-slt-hts festlex-cmu festlex-poslex"
        )
    folder.mkdir(parents=True, exist_ok=True)
    missing = [index for index in range(len(sentences)) if not (folder / f"{index:05d}.seg").exists()]
    done = len(sentences) - len(missing)
    for first in range(0, len(missing), _BATCH):
        batch = missing[first : first + _BATCH]
        _run_festival([(index, sentences[index]) for index in batch], folder)
        done += len(batch)
        progress(done, len(sentences))


def _run_festival(batch: Sequence[tuple[int, str]], folder: Path) -> None:
    lines = [f"({_VOICE})"]
    for index, text in batch:
        stem = folder / f"{index:05d}"
        spoken = text.replace("\\", "").replace('"', "")
        # The phone list comes last: its presence marks a finished item when a run is resumed.
        lines.append(
            f'(let ((u (Utterance Text "{spoken}"))) (utt.synth u) (utt.save.wave u "{stem}.wav")'
            f' (utt.save.segs u "{stem}.part"))'
        )
    script = folder / "batch.scm"
    script.write_text("\n".join(lines) + "\n", encoding="ascii")
    ran = subprocess.run(["festival", "-b", str(script)], capture_output=True, text=True, check=False)
    for index, text in batch:
        part = folder / f"{index:05d}.part"
        if not part.exists():
            raise TeacherUnavailable(
                f"festival did not read {text!r} (is festvox-us-slt-hts installed?): {ran.stderr[-300:]}"
            )
        part.rename(part.with_suffix(".seg"))
    script.unlink()


def load(folder: Path, index: int, text: str) -> Utterance:
    """What `read_aloud` wrote, at `SAMPLE_RATE`, outer silence trimmed to `LEAD_S` and `TAIL_S`."""
    audio, rate = soundfile.read(folder / f"{index:05d}.wav", dtype="float64")
    divisor = gcd(rate, SAMPLE_RATE)
    audio = resample_poly(audio, SAMPLE_RATE // divisor, rate // divisor).astype(np.float32)
    phones = parse_segments((folder / f"{index:05d}.seg").read_text(encoding="ascii"))
    return trim(Utterance(text, audio, phones))


def parse_segments(text: str) -> tuple[Phone, ...]:
    """Phones of an Xwaves label file as festival writes it: after `#`, a line `end-time colour name` each.

    Raises:
        ValueError: the label file holds no phone.
    """
    rows = [line.split() for line in text.splitlines()]
    labels = [(row[2].lower(), float(row[0])) for row in rows if len(row) == 3]
    if not labels:
        raise ValueError("the teacher's label file holds no phone")
    starts = [0.0, *(end for _, end in labels[:-1])]
    return tuple(
        Phone("pau" if name in ("pau", "#") else name, start, end)
        for (name, end), start in zip(labels, starts, strict=True)
    )


def trim(utterance: Utterance) -> Utterance:
    """The utterance with at most `LEAD_S` of silence before its first phone and `TAIL_S` after its last.

    Raises:
        ValueError: the utterance is silence only.
    """
    voiced = [phone for phone in utterance.phones if phone.name != "pau"]
    if not voiced:
        raise ValueError(f"the teacher said nothing for {utterance.text!r}")
    begin = max(0.0, voiced[0].start - LEAD_S)
    finish = min(len(utterance.audio) / SAMPLE_RATE, voiced[-1].end + TAIL_S)
    audio = utterance.audio[round(begin * SAMPLE_RATE) : round(finish * SAMPLE_RATE)].copy()
    fade = np.linspace(0.0, 1.0, round(_FADE_S * SAMPLE_RATE), dtype=np.float32)
    audio[: len(fade)] *= fade
    audio[-len(fade) :] *= fade[::-1]
    phones = tuple(
        Phone(phone.name, max(phone.start, begin) - begin, min(phone.end, finish) - begin)
        for phone in utterance.phones
        if phone.end > begin and phone.start < finish
    )
    return Utterance(utterance.text, audio, phones)
