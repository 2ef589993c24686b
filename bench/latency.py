# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline bench latency`:

How long a caller waits, over real SIP and RTP, measured on the sound that the caller receives.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.waterfall import STAGES, Waterfall, percentile, waterfall
from tellerline.configuration import load_configuration
from tellerline.scenario.script import CallerProfile, Expected, Scenario, Turn

# Replies that are cached whole, replies with values in them, short and long questions.
_TURNS = (
    "what can you do",
    "what are your opening hours",
    "are you a robot",
    "i'd like to borrow twenty thousand dollars for a car",
    "three years",
)


def latency_command(
    calls: Annotated[int, typer.Option(min=1, help="Calls, one after another, five turns each.")] = 8,
    voice: Annotated[str, typer.Option(help="The caller's voice.")] = "auto",
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The installation's configuration.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """How long callers wait for the reply, and where the time goes. Tellerline must be running.

    Example: `tellerline bench latency --calls 40 --json`
    """
    console = Console(highlight=False)
    from agent.journal.store import JournalReader
    from telephony.phone_call import CallFailed
    from telephony.softphone import Softphone
    from tellerline.call import hotline
    from tellerline.scenario.runner import ScenarioRun

    configuration = load_configuration(config)
    scenario = Scenario(
        name="latency",
        caller=CallerProfile(voice=voice),
        turns=(Turn(expect=(Expected(),)), *(Turn(say=text) for text in _TURNS)),
    )
    found: list[Waterfall] = []
    unanswered = premature = 0
    reader = JournalReader(configuration.redis_url)
    with Softphone() as phone, Progress(console=console, transient=True) as progress:
        for _ in progress.track(range(calls), description="calls"):
            run = ScenarioRun(scenario, phone, reader, hotline(configuration))
            try:
                outcome, _call = run.play(lambda turn: None)
            except (CallFailed, TimeoutError) as error:
                console.print(f"[red]No call: {error}.[/] Is Tellerline running? `tellerline status` says.")
                raise typer.Exit(2) from None
            for turn in outcome.turns[1:]:
                stages = (
                    waterfall(turn.entries, turn.e2e_latency_ms) if turn.e2e_latency_ms is not None else None
                )
                unanswered += stages is None
                premature += stages is not None and stages.e2e_latency < 0
                found += [stages] if stages is not None else []
    if not found:
        console.print("[red]No turn was answered.[/] `tellerline journal show last --all` says why.")
        raise typer.Exit(1)
    summary = _summary(found, calls, unanswered, premature)
    _print(found, summary, console)
    if as_json:
        print(json.dumps(summary))


def _summary(found: list[Waterfall], calls: int, unanswered: int, premature: int) -> dict[str, Any]:
    latencies = [stages.e2e_latency / 1000 for stages in found]
    medians = {name: percentile([getattr(stages, name) / 1000 for stages in found], 0.5) for name in STAGES}
    return {
        "calls": calls,
        "turns": len(found),
        "unanswered": unanswered,
        "premature": premature,
        "e2e_latency_p50": round(percentile(latencies, 0.5), 3),
        "e2e_latency_p95": round(percentile(latencies, 0.95), 3),
        **{f"{name}_p50": round(value, 3) for name, value in medians.items()},
    }


def _print(found: list[Waterfall], summary: dict[str, Any], console: Console) -> None:
    table = Table("stage", "p50 ms", "p95 ms", "", box=None)
    whole = percentile([stages.e2e_latency for stages in found], 0.5)
    for name in ("e2e_latency", *STAGES):
        values = [getattr(stages, name) for stages in found]
        p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
        bar = "█" * max(0, round(40 * p50 / max(1, whole)))
        table.add_row(name, f"{p50:.0f}", f"{p95:.0f}", f"[green]{bar}[/]")
    console.print(table)
    counts = f"{summary['turns']} turns of {summary['calls']} calls"
    console.print(f"{counts}; unanswered {summary['unanswered']}, premature {summary['premature']}")
