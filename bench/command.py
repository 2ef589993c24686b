# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline bench`: the benchmarks as one sub-application."""

from __future__ import annotations

import typer

from bench.latency import latency_command
from bench.turns.command import turns_command
from bench.vad_command import vad_command

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Benchmarks. Each prints a table and, with `--json`, one JSON object as its last line.",
)
app.command("latency")(latency_command)
app.command("turns")(turns_command)
app.command("vad")(vad_command)


@app.callback()
def bench() -> None:
    """Keeps `latency` a sub-command while it is the only one."""
