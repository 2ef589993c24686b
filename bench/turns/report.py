# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores as tables for people and as one JSON object for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.turns.score import Score
from bench.turns.timeline import Kind
from bench.waterfall import percentile

FAULTS = ("cut_offs", "late_ends", "missed_barge_ins", "false_interruptions", "pauses_for_nothing")


def summary(found: Score) -> dict[str, Any]:
    """The score's figures by name; delays in milliseconds."""
    return {
        "timelines": found.timelines,
        "turns": found.turns,
        "cut_offs": found.cut_offs,
        "late_ends": found.late_ends,
        "never_ended": found.never_ended,
        "endpointing_delay_p50": _at(found.delays_ms, 0.5),
        "endpointing_delay_p95": _at(found.delays_ms, 0.95),
        "endpointing_delay_mean": _mean(found.delays_ms),
        "false_interruptions": found.false_interruptions,
        "pauses_for_nothing": len(found.pauses_for_nothing_ms),
        "pauses_for_nothing_p50": _at(found.pauses_for_nothing_ms, 0.5),
        "stopped_for_good_by_a_cough": found.stopped_for_good_by_a_cough,
        "interruptions": found.interruptions,
        "missed_barge_ins": found.missed_barge_ins,
        "barge_in_within_300ms": round(found.barge_in_within_300ms, 4),
        "barge_in_p50": _at(found.barge_ins_ms, 0.5),
        "barge_in_p95": _at(found.barge_ins_ms, 0.95),
        "recognitions": found.recognitions,
        "partial_recognitions": found.partial_recognitions,
        "stale_recognitions": found.stale_recognitions,
        "virtual_s": found.lasted_ms // 1000,
    }


def print_comparison(found: Mapping[str, Score], console: Console) -> None:
    """Ways of ending a turn beside each other: how often they cut off, and how long they wait."""
    table = Table(
        "turns end by", "turns", "cut-offs", "late", "never", "delay p50", "p95", "mean ms", box=None
    )
    for name, score in found.items():
        delays = score.delays_ms
        table.add_row(
            name,
            str(score.turns),
            str(score.cut_offs),
            str(score.late_ends),
            str(score.never_ended),
            *(f"{value}" for value in (_at(delays, 0.5), _at(delays, 0.95), _mean(delays))),
        )
    console.print(table)


def print_score(found: Score, by_line: Mapping[str, Score], console: Console) -> None:
    """Every figure, the faults by what the caller was doing, and by the line."""
    figures = Table(show_header=False, box=None)
    for name, value in summary(found).items():
        figures.add_row(name, str(value))
    console.print(figures)
    console.print()
    console.print(_by_kind(found))
    console.print()
    console.print(_by_line(by_line))


def _by_kind(found: Score) -> Table:
    counts = Counter(found.faults)
    table = Table("what the caller does", "times", *(fault.replace("_", " ") for fault in FAULTS), box=None)
    for kind in (*Kind, "nobody"):
        row = [counts[fault, kind] for fault in FAULTS]
        times = found.kinds.get(kind, 0)
        if times or any(row):
            table.add_row(str(kind), str(times), *map(_shown, row))
    return table


def _by_line(by_line: Mapping[str, Score]) -> Table:
    table = Table("line", "timelines", *(fault.replace("_", " ") for fault in FAULTS), "delay p50", box=None)
    for line, score in sorted(by_line.items()):
        row = (
            score.cut_offs,
            score.late_ends,
            score.missed_barge_ins,
            score.false_interruptions,
            len(score.pauses_for_nothing_ms),
        )
        table.add_row(line, str(score.timelines), *map(_shown, row), str(_at(score.delays_ms, 0.5)))
    return table


def _shown(count: int) -> str:
    return str(count) if count else "·"


def _at(values: Sequence[int], share: float) -> int | None:
    return round(percentile(values, share)) if values else None


def _mean(values: Sequence[int]) -> int | None:
    return round(sum(values) / len(values)) if values else None
