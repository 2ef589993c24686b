# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline journal`: read what was said and done in a call, and prove that nobody changed it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from agent.journal.chain import Entry, MalformedEntry
from agent.journal.store import JournalReader, UnknownCall
from tellerline.configuration import ConfigurationError, load_configuration

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Read and verify the journals of calls.",
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="The installation's configuration.")
]
CallId = Annotated[str, typer.Argument(help="A call id; `last` for the latest call.")]


@app.command("list")
def list_calls(
    count: Annotated[int, typer.Option("--count", "-n", min=1)] = 20, config: ConfigOption = None
) -> None:
    """The latest calls."""
    console = Console(highlight=False)
    table = Table("call", "started", "from", "turns", "seconds", "outcome", box=None)
    for call in _read(config, console, lambda reader: reader.recent(count)):
        seconds = f"{int(call.get('duration_ms', 0)) / 1000:.1f}"
        outcome = call.get("outcome", call.get("state", ""))
        started = call.get("started", "")[:19].replace("T", " ")
        table.add_row(call["call_id"], started, call.get("from", ""), call.get("turns", ""), seconds, outcome)
    console.print(table)


@app.command()
def show(
    call_id: CallId,
    config: ConfigOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every event, not the conversation alone.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The entries as JSON Lines.")] = False,
) -> None:
    """The conversation of a call, with times from its start.

    Example: `tellerline journal show last`
    """
    console = Console(highlight=False)

    def entries(reader: JournalReader) -> list[Entry]:
        return [stored.entry for stored in reader.entries(_resolve(reader, call_id))]

    found = _read(config, console, entries)
    if not found:
        console.print(
            f"[red]No journal of call {call_id}.[/] `tellerline journal list` shows the latest calls."
        )
        raise typer.Exit(1)
    for entry in found:
        if as_json:
            print(json.dumps({**entry.to_fields(), "data": dict(entry.data)}, ensure_ascii=False))
            continue
        line = _spoken(entry) or (f"[dim]{entry.kind} {_plain(entry.data)}[/]" if everything else "")
        if line:
            console.print(f"[dim]{entry.at_ms / 1000:7.2f}[/]  {line}")


@app.command()
def verify(call_id: CallId, config: ConfigOption = None) -> None:
    """Check the hash chain of a call's journal. Exit code 1 when an entry was changed, dropped or added."""
    console = Console(highlight=False)

    def check(reader: JournalReader) -> tuple[str, list[str]]:
        found = _resolve(reader, call_id)
        return found, reader.verify(found)

    call_id, faults = _read(config, console, check)
    for fault in faults:
        console.print(f"[red]✗ {fault}[/]")
    if faults:
        raise typer.Exit(1)
    console.print(f"[green]✓[/] the journal of {call_id} is whole and unaltered")


@app.command()
def draw(
    call_id: CallId,
    sound: Annotated[Path, typer.Option(help="The call's recording: stereo, caller left, agent right.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture: .svg or .png.")] = Path(
        "call.svg"
    ),
    config: ConfigOption = None,
) -> None:
    """Draw a call: both waves, what was heard and said in it, turns and reply times, on one axis.

    Example: `tellerline call --scenario F --record call.wav`, then
    `tellerline journal draw last --sound call.wav -o call.svg`
    """
    from tellerline.picture.draw import UnreadableRecording, read_recording
    from tellerline.picture.draw import draw as draw_call
    from tellerline.picture.timeline import timeline_of

    console = Console(highlight=False)

    def entries(reader: JournalReader) -> tuple[str, list[Entry]]:
        found = _resolve(reader, call_id)
        return found, [stored.entry for stored in reader.entries(found)]

    found, journal = _read(config, console, entries)
    try:
        if not journal:
            raise UnreadableRecording(f"call {found} has no journal; `tellerline journal list` shows some")
        draw_call(read_recording(sound), timeline_of(journal), found, output)
    except (OSError, ValueError) as error:
        console.print(f"[red]No picture: {error}.[/]")
        raise typer.Exit(1) from None
    console.print(f"[green]✓[/] {output}")


def _resolve(reader: JournalReader, call_id: str) -> str:
    if call_id != "last":
        return call_id
    latest = reader.recent(1)
    if not latest:
        raise UnknownCall("last")
    return latest[0]["call_id"]


def _read(config: Path | None, console: Console, read: Callable[[JournalReader], Any]) -> Any:
    try:
        reader = JournalReader(load_configuration(config).redis_url)
        return read(reader)
    except ConfigurationError as error:
        console.print(f"[red]{error}[/]")
    except UnknownCall as error:
        console.print(
            f"[red]No journal of call {error.args[0]}.[/] `tellerline journal list` shows the latest calls."
        )
    except MalformedEntry as error:
        console.print(f"[red]The journal can't be read: {error}.[/]")
    except RedisError as error:
        console.print(
            f"[red]Redis does not answer: {error}.[/] Is Tellerline running? `tellerline status` says."
        )
    raise typer.Exit(1)


def _spoken(entry: Entry) -> str:
    """The line of the conversation that an entry is, if it is one."""
    data = entry.data
    match entry.kind:
        case "call_started":
            return f"call from {data['from']} to {data['to']}"
        case "turn_committed":
            return f"[cyan]caller[/]  {'keys ' + data['keys'] if 'keys' in data else data['text']}"
        case "dialogue_answered":
            actions = f" · {', '.join(data['actions'])}" if data["actions"] else ""
            return f"        [dim]{data['intent']} {data['confidence']:.2f}{actions}[/]"
        case "agent_spoke":
            end = "" if data["complete"] else " [yellow]— interrupted[/]"
            return f"[magenta]agent[/]   {data['heard']}{end}"
        case "barge_in" | "transfer_started" | "transfer_ended" | "agent_hangs_up" | "dialogue_failed":
            return f"[yellow]{entry.kind.replace('_', ' ')}[/] [dim]{_plain(data)}[/]"
        case "call_ended":
            return f"call ended: {data['outcome']}{_thrown_away(data.get('work', {}))}"
    return ""


def _thrown_away(work: Mapping[str, int]) -> str:
    """What was computed for nothing, since it was begun before anybody knew that it was needed."""
    if not work:
        return ""
    unused = work["foresights"] - work["foresights_used"]
    return (
        f" [dim]({work['recognitions_stale']} of {work['recognitions']} recognitions and {unused} of "
        f"{work['foresights']} foresights were for nothing; {work['partials']} partial recognitions)[/]"
    )


def _plain(data: Any) -> str:
    return " ".join(f"{key}={value}" for key, value in data.items())
