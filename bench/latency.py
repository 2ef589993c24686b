# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline bench latency`:

How long a caller waits, over real SIP and RTP, measured on the sound that the caller receives; and how many
callers at once a machine holds.
"""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.waterfall import INSIDE, STAGES, percentile
from tellerline.configuration import Configuration, load_configuration

if TYPE_CHECKING:
    from bench.load.figures import Figures

HELD_P95_S = 0.9
# Callers begin at their own moments within about the time of one turn. Seconds.
_START_WITHIN_S = 6.0


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is measured: levels of callers at once (`by_level`: until one is not held), and how they call."""

    levels: Sequence[int]
    by_level: bool
    calls: int
    floor_ms: int
    voice: str
    seed: int


def latency_command(
    calls: Annotated[int, typer.Option(min=1, help="Calls, four replies each; at each level at least.")] = 8,
    concurrency: Annotated[
        str | None,
        typer.Option(help="Callers at once, level by level: 1,2,4,8. Ends when p95 passes 0.9 s."),
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option(help="Recognition as slow as tiny.en, base.en or small.en (random weights)."),
    ] = None,
    floor_ms: Annotated[
        int, typer.Option(min=200, help="Silence of the agent after which a caller speaks.")
    ] = 450,
    voice: Annotated[str, typer.Option(help="The callers' voice.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the callers' starting times.")] = 1,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The installation's configuration.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """How long callers wait for the reply, and where the time goes. Tellerline must be running.

    Exit code 1 when the stages do not account for the whole, 2 when no call came about.

    Examples:

    - `tellerline bench latency --calls 40 --json`
    - `tellerline bench latency --concurrency 1,2,4,8,12,16,20` with `tellerline run --workers 7`
    - `tellerline bench latency --shape base.en` starts an agent and a gateway of its own beside yours
    """
    console = Console(highlight=False)
    configuration = load_configuration(config)
    plan = _Plan(_levels(concurrency), concurrency is not None, calls, floor_ms, voice, seed)
    try:
        with _hotlines(configuration, shape, console) as uris:
            summary, sound = _measure(configuration, uris, plan, console)
    except (RuntimeError, OSError, ValueError) as error:
        console.print(f"[red]No measurement: {error}[/]", soft_wrap=True)
        raise typer.Exit(2) from None
    if as_json:
        print(json.dumps({"shape": shape or "shipped", **summary}))
    if not summary["answered"]:
        raise typer.Exit(2)
    raise typer.Exit(0 if sound else 1)


def _levels(text: str | None) -> list[int]:
    try:
        levels = [int(part) for part in ("1" if text is None else text).split(",")]
    except ValueError:
        levels = []
    if not levels or min(levels) < 1 or levels != sorted(set(levels)):
        raise typer.BadParameter(f"--concurrency {text!r}: write growing numbers, such as 1,2,4,8")
    return levels


@contextlib.contextmanager
def _hotlines(configuration: Configuration, shape: str | None, console: Console) -> Iterator[list[str]]:
    """Whom to call: the running installation, or a worker of our own with a recogniser of that shape."""
    from bench.own_worker import own_worker
    from bench.shape import written
    from tellerline.run_command import hotlines

    if shape is None:
        yield hotlines(configuration)
        return
    with contextlib.ExitStack() as stack:
        with console.status(f"starting an agent of its own, whose recogniser is as slow as {shape}"):
            folder = written(shape, configuration.var_path / "shapes")
            uri = stack.enter_context(own_worker(configuration, {"recognizer": {"ballast": str(folder)}}))
        yield [uri]


def _measure(
    configuration: Configuration, uris: list[str], plan: _Plan, console: Console
) -> tuple[dict[str, Any], bool]:
    """All levels, printed one by one; what JSON shows, and whether the stages account for the whole."""
    from agent.journal.store import JournalReader
    from bench.load.callers import place_load, starting_times, synthesise
    from bench.load.figures import figures_of
    from bench.load.script import lines_of

    reader = JournalReader(configuration.redis_url)
    found: dict[int, Figures] = {}
    with tempfile.TemporaryDirectory() as folder, Progress(console=console, transient=True) as progress:
        sounds = synthesise(Path(folder), plan.voice)
        for level in plan.levels:
            each = plan.calls if level == 1 else max(2, math.ceil(plan.calls / level))
            lines = lines_of(uris, level, each, starting_times(level, _START_WITHIN_S, plan.seed))
            bar = progress.add_task(f"{level} at once", total=level * each)
            load = place_load(lines, sounds, plan.floor_ms, partial(progress.advance, bar))
            found[level] = figures_of(load, reader, level)
            progress.remove_task(bar)
            if level == 1:
                _print_stages(found[level], console)
            if plan.by_level and not found[level].held(HELD_P95_S):
                break
    if plan.by_level:
        _print_levels(found, console)
    return _summary(found, plan.by_level), all(figures.sound for figures in found.values())


def _summary(found: dict[int, Figures], by_level: bool) -> dict[str, Any]:
    first = next(iter(found.values()))
    answered = any(figures.latencies_s for figures in found.values())
    if not by_level:
        return {"answered": answered, **first.summary()}
    levels = [{"callers": level, **figures.summary()} for level, figures in found.items()]
    held = max((level for level, figures in found.items() if figures.held(HELD_P95_S)), default=0)
    return {"answered": answered, "calls_held": held, "levels": levels}


def _print_stages(figures: Figures, console: Console) -> None:
    if not figures.latencies_s:
        console.print("[red]No reply was heard.[/] Is Tellerline running? `tellerline status` says.")
    table = Table("stage", "p50 ms", "p95 ms", "", box=None)
    rows = {"e2e_latency": [1000 * latency for latency in figures.latencies_s]}
    rows |= {name: [getattr(each, name) for each in figures.stages] for name in (*STAGES, *INSIDE)}
    rows["residual"] = [each.residual for each in figures.stages]
    whole = max(1.0, percentile(rows["e2e_latency"], 0.5)) if rows["e2e_latency"] else 1.0
    for name, values in rows.items():
        if values:
            p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
            bar = "" if name == "residual" else "█" * max(0, round(40 * p50 / whole))
            table.add_row(f"({name})" if name in INSIDE else name, f"{p50:.0f}", f"{p95:.0f}", bar)
    console.print(table)
    for text, latencies in figures.by_text.items():
        console.print(f"  {percentile(latencies, 0.5):.2f} s  [dim]{text}[/]")
    console.print(_counts(figures))
    if not figures.sound:
        console.print("[red]The stages do not account for the whole: see residual.[/]")


def _print_levels(found: dict[int, Figures], console: Console) -> None:
    titles = ("callers", "replies", "p50 s", "p95 s", "refused", "failed", "lost", "early", "callers' CPU s")
    table = Table(*titles, box=None)
    for level, figures in found.items():
        p50, p95 = (
            f"{percentile(figures.latencies_s, share):.2f}" if figures.latencies_s else "-"
            for share in (0.5, 0.95)
        )
        counts = (figures.refused, figures.failed, figures.unanswered, figures.premature)
        cells = (level, len(figures.latencies_s), p50, p95, *counts, f"{figures.callers_cpu_s:.1f}")
        colour = "green" if figures.held(HELD_P95_S) else "red"
        table.add_row(*(str(cell) for cell in cells), style=colour)
    console.print(table)
    held = max((level for level, figures in found.items() if figures.held(HELD_P95_S)), default=0)
    console.print(f"held: {held} callers at once (every call taken and kept up, p95 ≤ {HELD_P95_S} s)")


def _counts(figures: Figures) -> str:
    return (
        f"{len(figures.latencies_s)} replies of {figures.calls} calls; unanswered {figures.unanswered}, "
        f"premature {figures.premature}, refused {figures.refused}, failed {figures.failed}"
    )
