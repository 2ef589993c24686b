# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true before anything is started; each finding names its remedy. `run` refuses on them,
`doctor` lists them.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tellerline.configuration import LOCAL, ROOT, Configuration, resolve
from tellerline.layout import Layout
from tellerline.processes import Port, ProcessSpec, agent_settings
from tellerline.setup.debian import find_program
from tellerline.supervision import INSTANCE_VARIABLE
from tellerline.trained_dialogue import TrainedDialogue, find_model


@dataclass(frozen=True, slots=True)
class Problem:
    """What stands in the way, and the command or change that mends it."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a port; pid 0 when the system does not tell us."""

    pid: int
    name: str
    instance: str

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})" if self.pid else "a process of another user"


def missing_parts(configuration: Configuration, layout: Layout) -> list[Problem]:
    """Files and programs without which the processes could not start."""
    found = []
    if not configuration.redis.url and find_program("redis-server") is None:
        found.append(Problem("redis-server is not installed", "sudo apt-get install -y redis-server"))
    if not (ROOT / ".venv-rasa" / "bin" / "rasa").exists():
        found.append(Problem("the Rasa environment .venv-rasa is missing", "make setup"))
    found += missing_models(configuration, layout)
    if trained_dialogue(configuration) is None:
        found.append(
            Problem(f"no trained Rasa model in {configuration.rasa_models}", "make setup  (it trains one)")
        )
    if (database := sqlite_file(configuration)) is not None and not database.exists():
        found.append(
            Problem(f"the bank {database} does not exist", "make setup  (it fills a generated bank)")
        )
    return found


def missing_models(configuration: Configuration, layout: Layout) -> list[Problem]:
    """The speech models that the agent is set to and that are not there."""
    settings = agent_settings(configuration, layout).model_dump()
    found = []
    for section in ("recognizer", "voice"):
        path = resolve(Path(settings[section]["model"]))
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            found.append(
                Problem(
                    f"the model {path} of agent.{section} is missing",
                    "restore it (`git checkout -- models`), pull one "
                    f"(`.venv/bin/tellerline models pull NAME`), or set agent.{section}.model in {LOCAL}",
                )
            )
    return found


def trained_dialogue(configuration: Configuration) -> TrainedDialogue | None:
    """The trained Rasa model that would run."""
    try:
        return find_model(ROOT, configuration.rasa_models)
    except FileNotFoundError:
        return None


def sqlite_file(configuration: Configuration) -> Path | None:
    """The bank's SQLite file, or None when its data are in another database."""
    from sqlalchemy.engine import make_url  # half a second that most commands need not spend

    url = make_url(configuration.database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return resolve(Path(url.database))


def taken_ports(specs: Sequence[ProcessSpec]) -> list[Problem]:
    """The ports that somebody else has, with who it is."""
    found = []
    for spec in specs:
        for port in spec.ports:
            if not can_bind(port):
                found.append(_taken(spec.name, port))
    return found


def can_bind(port: Port) -> bool:
    """Whether the port is free to bind right now."""
    kind = socket.SOCK_DGRAM if port.kind == "udp" else socket.SOCK_STREAM
    family = socket.AF_INET6 if ":" in port.host else socket.AF_INET
    with socket.socket(family, kind) as sock:
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((port.host, port.number))
        except OSError:
            return False
    return True


def holder(port: Port) -> Holder:
    """Who holds a port, as far as the system tells."""
    try:
        connections: Iterable[object] = psutil.net_connections(port.kind)
    except psutil.Error:
        return Holder(0, "", "")
    for connection in connections:
        local = getattr(connection, "laddr", None)
        pid = getattr(connection, "pid", None)
        listening = port.kind == "udp" or getattr(connection, "status", "") == psutil.CONN_LISTEN
        if local and local.port == port.number and pid and listening:
            return _describe(pid)
    return Holder(0, "", "")


def _describe(pid: int) -> Holder:
    try:
        process = psutil.Process(pid)
        instance = process.environ().get(INSTANCE_VARIABLE, "")
        return Holder(pid, process.name(), instance)
    except (psutil.Error, OSError):
        return Holder(pid, "process", "")


def _taken(name: str, port: Port) -> Problem:
    by = holder(port)
    what = f"{port.kind.upper()} port {port.number} for {name} is in use by {by}"
    change = f"set another {port.key} in {LOCAL}"
    if by.instance:
        return Problem(
            what, f"that is another Tellerline: stop it (`.venv/bin/tellerline stop`), or {change}"
        )
    return Problem(what, f"end it (`kill {by.pid}`), or {change}" if by.pid else change)
