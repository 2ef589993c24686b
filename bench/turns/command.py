# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline bench turns`: how well turns are taken, on generated calls with sound in virtual time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from agent.settings import AgentSettings
from bench.turns.engines import BenchEngines, find_end_of_turn
from bench.turns.generate import Generator
from bench.turns.played import Played
from bench.turns.policies import Policy, policies
from bench.turns.report import print_comparison, print_score, summary
from bench.turns.score import Score, score
from bench.turns.show import show as print_timeline
from bench.turns.timeline import Timeline
from bench.turns.virtual_call import VirtualCall
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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """How well turns are taken: cut off, ended late, interrupted, missed. Nothing needs to be running.

    Example: `tellerline bench turns --compare --json`
    """
    console = Console(highlight=False)
    settings = AgentSettings.model_validate(load_configuration(config).agent)
    try:
        end_of_turn = find_end_of_turn(model or settings.end_of_turn.model)
        if end_of_turn is None:
            console.print("[yellow]No turn-end model: turns end by the caller's pauses alone.[/]")
        engines = BenchEngines(settings, end_of_turn, echo_gate=settings.vad.echo_gate and not no_echo_gate)
        if show is not None:
            _show_timeline(show, seed, engines, settings, console)
        else:
            _measure(timelines, seed, engines, settings, console, compare=compare, as_json=as_json)
    except (FileNotFoundError, NoCallerVoice) as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(2) from None


def _measure(
    timelines: int,
    seed: int,
    engines: BenchEngines,
    settings: AgentSettings,
    console: Console,
    *,
    compare: bool,
    as_json: bool,
) -> None:
    chosen = policies(settings.turns, compare=compare, model=engines.end_of_turn is not None)
    generator = Generator(seed)
    results: dict[str, Score] = {}
    lines: dict[str, Score] = {}
    for policy in chosen:
        results[policy.name], lines = _run(policy, timelines, generator, engines, console)
    if compare:
        print_comparison(results, console)
        console.print()
    measured = results[chosen[-1].name]
    print_score(measured, lines, console)
    if as_json:
        compared = {"compared": {name: summary(found) for name, found in results.items()}}
        print(json.dumps(summary(measured) | (compared if compare else {})))


def _run(
    policy: Policy, timelines: int, generator: Generator, engines: BenchEngines, console: Console
) -> tuple[Score, dict[str, Score]]:
    """The score of all timelines, and that of each kind of line."""
    whole = Score()
    by_line: dict[str, Score] = {}
    with Progress(console=console, transient=True) as progress:
        for number in progress.track(range(timelines), description=policy.name):
            timeline = generator.timeline(number)
            found = score(_play(timeline, engines, policy))
            whole.add(found)
            for line in timeline.lines:
                by_line.setdefault(line, Score()).add(found)
    return whole, by_line


def _show_timeline(
    number: int, seed: int, engines: BenchEngines, settings: AgentSettings, console: Console
) -> None:
    policy = policies(settings.turns, compare=False, model=engines.end_of_turn is not None)[-1]
    print_timeline(_play(Generator(seed).timeline(number), engines, policy), console)


def _play(timeline: Timeline, engines: BenchEngines, policy: Policy) -> Played:
    return VirtualCall(timeline, engines, policy.settings, judged=policy.judges).play()
