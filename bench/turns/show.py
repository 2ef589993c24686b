# SPDX-License-Identifier: GPL-3.0-or-later
"""One timeline as text: what the caller did beside what the agent heard and did."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bench.turns.played import Played
from bench.turns.score import score


def show(played: Played, console: Console) -> None:
    """Print the timeline's events in order of time, and what is wrong with it."""
    timeline = played.timeline
    noise = timeline.noise if timeline.snr_db is None else f"{timeline.noise} at {timeline.snr_db:.0f} dB SNR"
    echo = "no echo" if timeline.echo is None else f"echo after {timeline.echo.delay_ms} ms"
    console.print(f"timeline {timeline.number}: {timeline.voice}, {noise}, {echo}")
    table = Table("ms", "caller", "agent", box=None)
    for at_ms, caller, agent in _events(played):
        table.add_row(str(at_ms), f"[cyan]{caller}[/]", agent)
    console.print(table)
    found = score(played)
    delays = ", ".join(f"{delay} ms" for delay in found.delays_ms) or "none"
    faults = ", ".join(f"{fault} ({kind})" for fault, kind in found.faults) or "none"
    console.print(f"endpointing delays: {delays}; faults: {faults}")


def _events(played: Played) -> list[tuple[int, str, str]]:
    events = [(at_ms, "", what) for at_ms, what in played.log]
    for placed in played.acts:
        act = placed.act
        events.append((placed.start_ms, f"{act.kind}: {act.text}", ""))
        events.append((placed.end_ms, "(ends)", ""))
        for span, pause_ms in zip(act.spans, act.pauses_ms, strict=False):
            events.append((placed.start_ms + span.until_ms, f"(pauses for {pause_ms} ms)", ""))
    return sorted(events)
