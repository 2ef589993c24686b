# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline bench turns`: how well turns are taken, on generated calls with sound in virtual time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from agent.settings import AgentSettings
from bench.turns.player import Bench, Judged, Player, judge_all, usual_processes
from bench.turns.policies import policies
from bench.turns.report import print_comparison, print_score, summary
from bench.turns.score import Score
from bench.turns.show import show as print_timeline
from tellerline.configuration import load_configuration
from tellerline.scenario.caller_voice import NoCallerVoice


def turns_command(
    timelines: Annotated[int, typer.Option(min=1, help="Generated conversations.")] = 500,
    seed: Annotated[int, typer.Option(help="What they are generated from.")] = 1,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Also with silence alone at fixed delays, and without the model."),
    ] = False,
    show: Annotated[int | None, typer.Option(min=0, help="Print what happens in this timeline.")] = None,
    model: Annotated[
        Path | None, typer.Option(help="Another turn-end model than the configured one.", show_default=False)
    ] = None,
    no_echo_gate: Annotated[
        bool, typer.Option("--no-echo-gate", help="Hear the echo of the agent's voice as it comes.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The installation's configuration.")
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="That share the timelines; the results are the same. [default: as many as cores, up to 4]",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """How well turns are taken: cut off, ended late, interrupted, missed. Nothing needs to be running.

    Example: `tellerline bench turns --compare --json`
    """
    console = Console(highlight=False)
    settings = AgentSettings.model_validate(load_configuration(config).agent)
    folder = model or settings.end_of_turn.model
    has_model = folder is not None and folder.is_dir()
    if not has_model:
        console.print("[yellow]No turn-end model: turns end by the caller's pauses alone.[/]")
    bench = Bench(settings, folder, settings.vad.echo_gate and not no_echo_gate, seed)
    chosen = policies(settings.turns, compare=compare and show is None, model=has_model)
    try:
        if show is not None:
            print_timeline(Player(bench).play(show, chosen[-1]), console)
        else:
            judged = judge_all(bench, chosen, timelines, processes or usual_processes())
            _measure(judged, timelines, [policy.name for policy in chosen], console, as_json=as_json)
    except (FileNotFoundError, NoCallerVoice, BrokenExecutor) as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(2) from None


def _measure(
    judged: Iterator[Judged], timelines: int, names: Sequence[str], console: Console, *, as_json: bool
) -> None:
    """Print the sums of the timelines' scores, by policy and, for the last one, by the kind of line."""
    results = {name: Score() for name in names}
    lines: dict[str, Score] = {}
    with Progress(console=console, transient=True) as progress:
        for timeline in progress.track(judged, total=timelines, description="timelines"):
            for whole, found in zip(results.values(), timeline.scores, strict=True):
                whole.add(found)
            for line in timeline.lines:
                lines.setdefault(line, Score()).add(timeline.scores[-1])
    if len(results) > 1:
        print_comparison(results, console)
        console.print()
    measured = results[names[-1]]
    print_score(measured, lines, console)
    if as_json:
        compared = {"compared": {name: summary(found) for name, found in results.items()}}
        print(json.dumps(summary(measured) | (compared if len(results) > 1 else {})))
