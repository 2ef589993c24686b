# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: one Typer application. Commands import what they need only when they run."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tellerline import __version__

_HELP = {"help_option_names": ["-h", "--help"]}
# What follows the name belongs to the command that another module defines, `--help` included.
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

application = typer.Typer(
    name="tellerline",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)
models_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
application.add_typer(
    models_app, name="models", help="The speech models: shipped ones, and larger ones to fetch."
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="A file whose keys override tellerline.yml.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"tellerline {__version__}")
        raise typer.Exit


@application.callback()
def tellerline(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A voice agent for telephone banking that runs inside the bank.

    First steps:

    - `make run` sets everything up, starts it and says how to call it
    - `tellerline call --say "what is my balance"` is a caller
    - `tellerline status` and `tellerline stop` do what they say; `tellerline doctor` says what is missing
    """


@application.command()
def setup(config: ConfigOption = None) -> None:
    """Fill the generated bank, train the dialogue, check the models: what is not there yet.

    `make setup` does this too, after Python environments and Debian packages.
    """
    from tellerline.setup.project import prepare_project

    raise typer.Exit(prepare_project(config))


@application.command()
def run(
    config: ConfigOption = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when everything is healthy.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, max=16, help="Gateway workers, each with an agent: 3 calls each.")
    ] = 1,
) -> None:
    """Start everything, wait until it is healthy, print what runs where. Ctrl-C stops all of it.

    Examples:

    - `tellerline run` stays in the foreground and reports what dies
    - `tellerline run --detach && tellerline call --say "what is my balance"; tellerline stop` serves a script
    - `tellerline run --config second.yml` is a second installation beside the first, with its own `var` and
    ports
    """
    from tellerline import run_command

    raise typer.Exit(run_command.run(config, detach=detach, workers=workers, console=_console()))


@application.command()
def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """What runs, where, and whether it is healthy. Exit code 0 only when all of it is."""
    from tellerline import run_command

    raise typer.Exit(run_command.status(config, as_json=json, console=_console()))


@application.command()
def stop(config: ConfigOption = None) -> None:
    """Stop everything within 5 seconds, Redis last. Fine when nothing runs."""
    from tellerline import run_command

    raise typer.Exit(run_command.stop(config, console=_console()))


@application.command()
def logs(
    name: Annotated[str, typer.Argument(help="A process of `tellerline status`, such as agent or gateway.")],
    config: ConfigOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 40,
) -> None:
    """The end of a process's log.

    Example: `tellerline logs agent -f`
    """
    from tellerline import run_command

    raise typer.Exit(run_command.logs(config, name, follow=follow, lines=lines, console=_console()))


@application.command()
def doctor(config: ConfigOption = None, json: JsonOption = False) -> None:
    """What is missing on this machine, and the exact command that mends it. Exit code 1 when something
    mandatory is.
    """
    from tellerline import doctor as examination

    raise typer.Exit(examination.examine(config, as_json=json, console=_console()))


@application.command(context_settings=_PASS_ON, add_help_option=False)
def call(context: typer.Context) -> None:
    """Ring Tellerline up with a simulated caller, over real SIP and RTP.

    Example: `tellerline call --say "what is my balance"`, and `tellerline call --help` for the rest
    """
    _hand_over("call", "tellerline.call", "call_command", context.args)


@application.command(context_settings=_PASS_ON, add_help_option=False)
def journal(context: typer.Context) -> None:
    """Read and verify what was said and done in calls; `tellerline journal --help` lists how."""
    _hand_over("journal", "tellerline.journal_command", "app", context.args)


@application.command(context_settings=_PASS_ON, add_help_option=False)
def bench(context: typer.Context) -> None:
    """Measure: `tellerline bench latency` is how long callers wait, and where the time goes."""
    _hand_over("bench", "bench.command", "app", context.args)


@models_app.command("list")
def models_list() -> None:
    """The models of the registry, shipped and to be fetched."""
    from tellerline import models_command

    raise typer.Exit(models_command.list_models(_console()))


@models_app.command("verify")
def models_verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models; all that are here when none is named.")
    ] = None,
) -> None:
    """Compare the files of the models with their checksums."""
    from tellerline import models_command

    raise typer.Exit(models_command.verify_models(names or [], _console()))


@models_app.command("pull")
def models_pull(
    names: Annotated[list[str], typer.Argument(help="Models of `tellerline models list`.")],
) -> None:
    """Fetch models, with progress and checksums; an interrupted fetch goes on where it stopped.

    Example: `tellerline models pull whisper-small`, then `agent: {recognizer: {model: …}}` in
    tellerline.local.yml
    """
    from tellerline import models_command

    raise typer.Exit(models_command.pull_models(names, _console()))


def _hand_over(name: str, module: str, attribute: str, arguments: list[str]) -> None:
    """Run a command that another module defines, with all that follows its name."""
    found: Any = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        wrapped = typer.Typer(
            add_completion=False,
            rich_markup_mode="markdown",
            pretty_exceptions_enable=False,
            context_settings=_HELP,
        )
        wrapped.command(name)(found)
        found = wrapped
    found(args=arguments, prog_name=f"tellerline {name}")


def _console() -> Console:
    """A terminal's own width, or one that keeps a table's rows whole in a log."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 140)
