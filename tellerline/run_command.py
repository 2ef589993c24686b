# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline run`, `status`, `stop` and `logs`: what a person sees of the supervision."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from contracts.sealed import new_key
from tellerline import preflight, supervision, watching
from tellerline.configuration import Configuration, load_configuration
from tellerline.layout import Layout, layout_of
from tellerline.processes import ProcessSpec, asked_host, gateway_settings, specify
from tellerline.setup.debian import find_program
from tellerline.supervision import Supervisor, last_lines, log_file
from tellerline.watching import Row, State, Watch

READY_BUDGET_S = 300.0
# A process that ended this often before it was ever healthy will not get better by itself.
_FAILED_STARTS = 2


def run(overlay: Path | None, *, detach: bool, workers: int, console: Console) -> int:
    """Start everything, wait until it is healthy, and stay (or not). The exit code."""
    configuration = load_configuration(overlay)
    layout = layout_of(configuration)
    os.umask(0o077)  # journal, bank and logs are nobody else's to read
    if Supervisor(layout).answers():
        console.print(
            f"Tellerline is running already (supervisord pid {Supervisor(layout).pid()}).\n"
            "  See it: .venv/bin/tellerline status    End it: .venv/bin/tellerline stop"
        )
        return 1
    _clean_stale(configuration, layout, console)
    problems = preflight.missing_parts(configuration, layout)
    model = preflight.trained_dialogue(configuration)
    specs: list[ProcessSpec] = []
    if not problems and model is not None:
        if not model.current:
            console.print(
                "[yellow]The dialogue has changed since it was trained: running the last good model. "
                "`make setup` trains the new one.[/]"
            )
        specs = specify(configuration, model.path, new_key(), workers, _behind_edge(workers, console))
        problems = preflight.taken_ports(specs)
    if problems:
        _refuse(problems, console)
        return 1
    with ending_signals() as ended:
        return run_processes(configuration, specs, workers, detach, ended, console)


def run_processes(
    configuration: Configuration,
    specs: Sequence[ProcessSpec],
    workers: int,
    detach: bool,
    ended: threading.Event,
    console: Console,
) -> int:
    """Start the processes, wait, stay unless detached; whatever happens else, nothing is left behind."""
    layout = layout_of(configuration)
    supervision.write_files(layout, specs, configuration.instance)
    behind_edge = any(spec.name == "edge" for spec in specs)
    state = {"workers": workers, "edge": behind_edge, "started_at": time.time()}
    supervision.write_private(layout.state, json.dumps(state))
    child = supervision.start(layout, configuration.instance, detached=detach)
    code = 1
    keep = False
    # One memory for the whole run: what dies between the start's last look and the next one counts too.
    deaths = watching.Deaths()
    try:
        if not _await_healthy(layout, specs, child, deaths, ended, console):
            return 130 if ended.is_set() else 1
        console.print(_ready_text(configuration, specs))
        keep = detach
        code = 0 if detach else _stay(layout, specs, child, deaths, ended, console)
    finally:
        if not keep:
            _stop_and_say(layout, configuration.instance, console)
            if child.poll() is None:
                child.wait(timeout=2)
    return code


def _await_healthy(
    layout: Layout,
    specs: Sequence[ProcessSpec],
    child: subprocess.Popen[bytes],
    deaths: watching.Deaths,
    ended: threading.Event,
    console: Console,
) -> bool:
    """Wait until every process is healthy. False when one can't be started, time is up, or a signal came."""
    began = time.monotonic()
    ends = Counter[str]()
    with Watch(layout, specs) as watch, Live(console=console, refresh_per_second=8, transient=True) as live:
        while True:
            rows = watch.rows()
            ends.update(event.name for event in deaths.observe(rows) if not event.recovered)
            elapsed = time.monotonic() - began
            live.update(Group(Text(f"Starting ({elapsed:.0f} s)"), table(rows, details=False)))
            if all(row.state is State.HEALTHY for row in rows):
                live.update(Text(""))
                console.print(f"Everything is up after {elapsed:.0f} s.")
                console.print(table(rows))
                return True
            if ended.wait(0.2):
                return False
            failed = [row for row in rows if row.state is State.FAILED or ends[row.name] >= _FAILED_STARTS]
            late = elapsed > READY_BUDGET_S
            if failed or late or child.poll() is not None:
                live.update(Text(""))
                break
    if not failed and child.returncode is not None:
        _tell_log("supervisord ended", layout.log / "supervisord.out", "see var/log/supervisord.log", console)
    for row in failed or [row for row in rows if row.state is not State.HEALTHY]:
        spec = next(spec for spec in specs if spec.name == row.name)
        what = "can't be started" if failed else f"is not healthy after {READY_BUDGET_S:.0f} s ({row.detail})"
        _tell_log(f"{row.name} {what}", log_file(layout, row.name), spec.remedy, console)
    return False


def _stay(
    layout: Layout,
    specs: Sequence[ProcessSpec],
    child: subprocess.Popen[bytes],
    deaths: watching.Deaths,
    ended: threading.Event,
    console: Console,
) -> int:
    """Report deaths and recoveries until a signal, or until supervisord ends."""
    console.print("Ctrl-C stops all of it.")
    by_name = {spec.name: spec for spec in specs}
    with Watch(layout, specs) as watch:
        while not ended.wait(0.5):
            if child.poll() is not None:
                if child.returncode == 0:
                    console.print("Stopped by `tellerline stop`.")
                    return 0
                _tell_log(
                    f"supervisord died (exit status {child.returncode})",
                    layout.log / "supervisord.log",
                    "start again with `make run`; everything it ran is being ended now",
                    console,
                )
                return 1
            rows = watch.rows()
            for event in deaths.observe(rows):
                if event.recovered:
                    console.print(f"[green]{event.name} is healthy again[/] (pid {event.pid})")
                else:
                    reason = watch.last_exit(event.name) or "reason unknown"
                    what = f"{event.name} (pid {event.pid}) died: {reason}. It is being restarted"
                    _tell_log(what, log_file(layout, event.name), by_name[event.name].remedy, console)
    return 0


def status(overlay: Path | None, *, as_json: bool, console: Console) -> int:
    """The table of what runs. 0 only when all of it is healthy."""
    configuration = load_configuration(overlay)
    layout = layout_of(configuration)
    specs = _present_specs(configuration, layout)
    with Watch(layout, specs) as watch:
        rows = watch.settled_rows()
    healthy = all(row.state is State.HEALTHY for row in rows)
    if as_json:
        console.print_json(json.dumps({"healthy": healthy, "processes": [row.as_json() for row in rows]}))
    else:
        console.print(table(rows))
        if not Supervisor(layout).answers():
            console.print("Tellerline is not running here. Start it: make run")
    return 0 if healthy else 1


def stop(overlay: Path | None, console: Console) -> int:
    """Stop all of it; fine when nothing runs."""
    configuration = load_configuration(overlay)
    layout = layout_of(configuration)
    if not supervision.members(configuration.instance):
        supervision.forget(layout)
        console.print("Tellerline is not running here: nothing to stop.")
        return 0
    return _stop_and_say(layout, configuration.instance, console)


def logs(overlay: Path | None, name: str, *, follow: bool, lines: int, console: Console) -> int:
    """Show the end of a process's log, and what comes, until Ctrl-C."""
    configuration = load_configuration(overlay)
    layout = layout_of(configuration)
    path = log_file(layout, name)
    if not path.is_file():
        known = sorted(found.stem for found in layout.log.glob("*.log"))
        console.print(f"There is no log of {name!r}. There are: {', '.join(known) or 'none yet'}")
        return 1
    for line in last_lines(path, lines):
        print(line)
    if follow:
        # tail copes with rotation (-F); it is the field's tool for this.
        return subprocess.run(["tail", "-n", "0", "-F", str(path)], check=False).returncode
    return 0


def table(rows: Sequence[Row], *, details: bool = True) -> Table:
    """What runs where, in which version and state; `details` says why something is not healthy (yet)."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("process", "state", "pid", "where", "version"):
        drawn.add_column(column, no_wrap=column != "where")
    for row in rows:
        colour = {State.HEALTHY: "green", State.FAILED: "red", State.DOWN: "red"}.get(row.state, "yellow")
        state = f"[{colour}]{row.state.value}[/]" + (
            f" [dim]{escape(row.detail)}[/]" if row.detail and details else ""
        )
        drawn.add_row(row.name, state, str(row.pid or "-"), escape(row.where), row.version)
    return drawn


def hotlines(configuration: Configuration) -> list[str]:
    """The SIP URIs to call the running instance by: the edge's, or each worker's."""
    layout = layout_of(configuration)
    workers, behind_edge = _started(layout)
    asked = range(1 if behind_edge else workers)
    settings = [gateway_settings(configuration, layout, index).model_dump() for index in asked]
    return [f"sip:hotline@{asked_host(found['bind_host'])}:{found['sip_port']}" for found in settings]


def _present_specs(configuration: Configuration, layout: Layout) -> list[ProcessSpec]:
    """The specifications of the instance that was started, as status needs them (no key, any model)."""
    workers, behind_edge = _started(layout)
    model = preflight.trained_dialogue(configuration)
    return specify(configuration, model.path if model else Path("untrained"), "", workers, behind_edge)


def _started(layout: Layout) -> tuple[int, bool]:
    """How many workers were started, and whether the edge is in front of them."""
    if not layout.state.is_file():
        return 1, False
    state = json.loads(layout.state.read_text(encoding="utf-8"))
    return int(state.get("workers", 1)), bool(state.get("edge", False))


def _behind_edge(workers: int, console: Console) -> bool:
    """Whether kamailio stands before the workers; when it should and is missing, what to do about it."""
    if workers == 1:
        return False
    if find_program("kamailio") is not None:
        return True
    console.print(
        f"[yellow]kamailio is not installed, so {workers} workers have no common address: call each by its "
        "own port (see the table).[/]\n  To have one: "
        "sudo apt-get install -y --no-install-recommends kamailio",
        soft_wrap=True,
    )
    return False


def _ready_text(configuration: Configuration, specs: Sequence[ProcessSpec]) -> str:
    addresses = {spec.name: spec.where.split(" ")[0].removeprefix("sip:") for spec in specs}
    address = addresses.get("edge") or addresses.get("gateway")
    if address is None:
        return ""
    return (
        '\nCall it:  .venv/bin/tellerline call --say "what is my balance"'
        f"   or any SIP phone: sip:hotline@{address}\n"
        f"Logs:     {layout_of(configuration).log}   Journal: .venv/bin/tellerline journal"
    )


def _clean_stale(configuration: Configuration, layout: Layout, console: Console) -> None:
    left = supervision.members(configuration.instance)
    if left:
        names = ", ".join(f"{process.name()} (pid {process.pid})" for process in left)
        console.print(f"[yellow]An earlier run did not end cleanly; ending what it left: {names}[/]")
        supervision.kill_members(configuration.instance)
        supervision.forget(layout)
    elif layout.state.exists():
        console.print("[yellow]An earlier run did not end cleanly; nothing of it is left running.[/]")
        supervision.forget(layout)


def _refuse(problems: Sequence[preflight.Problem], console: Console) -> None:
    console.print("[red]Tellerline can't start:[/]")
    for problem in problems:
        console.print(f"  ✗ {escape(problem.what)}\n    To mend it: {escape(problem.remedy)}", soft_wrap=True)


def _stop_and_say(layout: Layout, instance: str, console: Console) -> int:
    result = supervision.stop(layout, instance)
    killed = f"; had to kill {', '.join(result.killed)}" if result.killed else ""
    console.print(f"Stopped in {result.seconds:.1f} s{killed}.")
    return 0


def _tell_log(what: str, path: Path, remedy: str, console: Console) -> None:
    console.print(f"[red]{escape(what)}[/]. The last lines of {escape(str(path))}:", soft_wrap=True)
    for line in last_lines(path):
        console.print(f"    {escape(line)}", soft_wrap=True, highlight=False)
    console.print(f"  To mend it: {escape(remedy)}", soft_wrap=True)


@contextmanager
def ending_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM or the end of the terminal sets."""
    ended = threading.Event()
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in wanted}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
