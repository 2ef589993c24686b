# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline bench vad`: the ear on recordings of real people, quiet and with noise."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import soundfile
import soxr
import typer
from rich.console import Console
from rich.table import Table

from agent.ear import Ear
from agent.settings import AgentSettings
from agent.vad import SpeechGate, SpeechProbability, load_network
from bench.turns.sounds import Samples, babble, decibels, pink, white
from bench.vad import (
    Detection,
    Span,
    compare,
    cuts,
    hear,
    mixed,
    pauses_ms,
    reference_spans,
    telephone_band,
    with_margins,
)
from bench.waterfall import percentile
from contracts.media_stream import SAMPLE_RATE_HZ
from tellerline.configuration import load_configuration

_SNRS_DB = (20, 10, 5, 0)
_NOISES = ("white", "pink", "babble")
_DELAYS_MS = (200, 350, 550)
# A quiet line hisses; digital silence does not exist on a telephone. dBFS.
_HISS_DBFS = -66.0
_REPEATS = 3
_SOUNDS = (".wav", ".flac", ".aiff", ".ogg")


def vad_command(
    data: Annotated[Path, typer.Option(help="Folder with `human_speech` and `spoken_digits`.")],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The installation's configuration.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """How well speech is told from silence in recordings of real people. Nothing needs to be running.

    Example: `tellerline bench vad --data ../shared/data --json`
    """
    console = Console(highlight=False)
    settings = AgentSettings.model_validate(load_configuration(config).agent)
    network = load_network()

    def new_ear() -> Ear:
        return Ear(SpeechProbability(network), SpeechGate(settings.vad))

    try:
        speech = _recordings(data / "human_speech")
        digits = _recordings(data / "spoken_digits")
    except FileNotFoundError as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(2) from None
    found = _under_noise(speech, new_ear)
    _print_detection(found, console)
    pauses = _pauses(speech, new_ear)
    _print_pauses(pauses, console)
    isolated = _isolated(digits, new_ear)
    _print_isolated(isolated, console)
    if as_json:
        detection = {name: _figures(detection) for name, detection in found.items()}
        print(json.dumps({"human_speech": detection, "pauses": pauses, "spoken_digits": isolated}))


def _recordings(folder: Path) -> dict[str, Samples]:
    """Every sound file of the folder, in the telephone's band at 8 kHz.

    Raises FileNotFoundError where there is none.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix in _SOUNDS)
    if not paths:
        raise FileNotFoundError(f"no recordings in {folder}: --data is the folder that holds {folder.name}")
    return {path.name: telephone_band(_read(path)) for path in paths}


def _read(path: Path) -> Samples:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(samples.mean(axis=1), rate, SAMPLE_RATE_HZ, quality="HQ"), np.float32)


def _under_noise(speech: Mapping[str, Samples], new_ear: Callable[[], Ear]) -> dict[str, Detection]:
    """The detection in each kind and level of noise, all recordings together."""
    conditions = [("quiet", None), *((noise, snr_db) for noise in _NOISES for snr_db in _SNRS_DB)]
    found: dict[str, Detection] = {}
    for noise, snr_db in conditions:
        whole = Detection()
        for seed in range(1 if snr_db is None else _REPEATS):
            numbers = np.random.default_rng(seed)
            for name, samples in speech.items():
                padded = with_margins(samples)
                others = [other for key, other in speech.items() if key != name]
                heard = _on_the_line(padded, noise, snr_db, others, numbers)
                spans = hear(new_ear(), heard)
                whole.add(compare(reference_spans(padded), spans, len(padded) * 1000 // SAMPLE_RATE_HZ))
        found[noise if snr_db is None else f"{noise} {snr_db} dB"] = whole
    return found


def _on_the_line(
    samples: Samples,
    noise: str,
    snr_db: float | None,
    others: Sequence[Samples],
    numbers: np.random.Generator,
) -> Samples:
    length = len(samples)
    if snr_db is None:
        return samples + white(length, numbers) * np.float32(decibels(_HISS_DBFS))
    made = {
        "white": lambda: white(length, numbers),
        "pink": lambda: pink(length, numbers),
        "babble": lambda: babble(length, others, numbers),
    }[noise]()
    return mixed(samples, made, snr_db)


def _pauses(speech: Mapping[str, Samples], new_ear: Callable[[], Ear]) -> dict[str, Any]:
    """The pauses inside the recordings, and how often a delay would take one for the end of the turn."""
    numbers = np.random.default_rng(0)
    reference: list[int] = []
    heard: list[list[Span]] = []
    spoken_ms = 0
    for samples in speech.values():
        padded = with_margins(samples)
        spans = reference_spans(padded)
        reference += pauses_ms(spans)
        spoken_ms += sum(span.until_ms - span.from_ms for span in spans)
        heard.append(hear(new_ear(), _on_the_line(padded, "quiet", None, (), numbers)))
    return {
        "speech_s": round(spoken_ms / 1000, 1),
        "pauses": len(reference),
        "longest_ms": max(reference, default=0),
        "cuts": {str(delay): sum(cuts(spans, delay) for spans in heard) for delay in _DELAYS_MS},
        "pauses_longer": {str(delay): sum(pause > delay for pause in reference) for delay in _DELAYS_MS},
    }


def _isolated(digits: Mapping[str, Samples], new_ear: Callable[[], Ear]) -> dict[str, Any]:
    """How many isolated words are found exactly once, quiet and in white noise."""
    results: dict[str, Any] = {"words": len(digits)}
    for snr_db in (None, 20, 10):
        numbers = np.random.default_rng(0)
        counts = [
            len(hear(new_ear(), _on_the_line(with_margins(samples), "white", snr_db, (), numbers)))
            for samples in digits.values()
        ]
        results["quiet" if snr_db is None else f"white {snr_db} dB"] = {
            "once": sum(count == 1 for count in counts),
            "never": sum(count == 0 for count in counts),
            "more": sum(count > 1 for count in counts),
        }
    return results


def _figures(found: Detection) -> dict[str, Any]:
    return {
        "miss_rate": round(found.miss_rate, 4),
        "false_alarm_rate": round(found.false_alarm_rate, 4),
        "onsets": found.onsets,
        "onsets_found": len(found.onset_delays_ms),
        "onset_delay_p50": _at(found.onset_delays_ms, 0.5),
        "onset_delay_p95": _at(found.onset_delays_ms, 0.95),
        "offsets": found.offsets,
        "offsets_found": len(found.offset_delays_ms),
        "offset_delay_p50": _at(found.offset_delays_ms, 0.5),
        "offset_delay_p95": _at(found.offset_delays_ms, 0.95),
    }


def _at(values: Sequence[int], share: float) -> int | None:
    return round(percentile(values, share)) if values else None


def _print_detection(found: Mapping[str, Detection], console: Console) -> None:
    table = Table(
        "noise", "missed", "false alarm", "onsets", "p50", "p95 ms", "ends", "p50", "p95 ms", box=None
    )
    for name, detection in found.items():
        figures = _figures(detection)
        table.add_row(
            name,
            f"{detection.miss_rate:.1%}",
            f"{detection.false_alarm_rate:.1%}",
            f"{figures['onsets_found']}/{figures['onsets']}",
            str(figures["onset_delay_p50"]),
            str(figures["onset_delay_p95"]),
            f"{figures['offsets_found']}/{figures['offsets']}",
            str(figures["offset_delay_p50"]),
            str(figures["offset_delay_p95"]),
        )
    console.print(table)


def _print_pauses(pauses: Mapping[str, Any], console: Console) -> None:
    cut = ", ".join(f"{count} at {delay} ms" for delay, count in pauses["cuts"].items())
    console.print(
        f"\n{pauses['pauses']} pauses in {pauses['speech_s']} s of speech, "
        f"the longest {pauses['longest_ms']} ms; cut by a fixed delay: {cut}"
    )


def _print_isolated(isolated: Mapping[str, Any], console: Console) -> None:
    console.print(f"\n{isolated['words']} isolated words found")
    table = Table("noise", "once", "never", "more often", box=None)
    for name, counts in isolated.items():
        if name != "words":
            table.add_row(name, *(str(counts[key]) for key in ("once", "never", "more")))
    console.print(table)
