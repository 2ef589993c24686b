# SPDX-License-Identifier: GPL-3.0-or-later
"""supervisord as our init: its configuration rendered from the process specifications, and its socket spoken
to.

Two groups make the stop quick and safe: all services are stopped at the same time, Redis after them, so that
the last journal entries are on disk. Every child dies with supervisord (the kernel's parent-death signal, set
by setpriv).
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psutil
from supervisor.xmlrpc import SupervisorTransport

from tellerline.configuration import ROOT
from tellerline.layout import Layout
from tellerline.processes import ProcessSpec

# Every process of an instance carries this in its environment, so that what a crash left behind can be found
# again.
INSTANCE_VARIABLE = "TELLERLINE_INSTANCE"
SERVICES_STOP_S = 2
REDIS_STOP_S = 2
STOP_BUDGET_S = 4.5
# Pauses between retries grow by a second each time: a process whose database was away gets minutes.
_RETRIES = 20
# Written into each log at a start, so that nobody takes an earlier run's last words for this one's.
_START_MARK = "--- tellerline run "
_LOG_BYTES = "10MB"
_LOG_BACKUPS = 3


class SupervisorGone(Exception):
    """supervisord does not answer (any more)."""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What supervisord says of one process; `since` is seconds since the epoch; `pid` is 0 when it does not
    run.
    """

    name: str
    state: str
    pid: int
    since: float
    exit_status: int
    error: str


def write_files(layout: Layout, specs: Sequence[ProcessSpec], instance: str) -> None:
    """Write supervisord's configuration and the files that the processes read, readable by this user only."""
    layout.create()
    write_private(layout.supervisor_config, render(layout, specs, instance))
    for spec in specs:
        for path, text in spec.files.items():
            write_private(path, text)
        with log_file(layout, spec.name).open("a", encoding="utf-8") as log:
            log.write(f"{_START_MARK}{time.strftime('%Y-%m-%d %H:%M:%S')} ---\n")


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; nobody else can read it at any moment."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def render(layout: Layout, specs: Sequence[ProcessSpec], instance: str) -> str:
    """supervisord's configuration. Raises ValueError when a value can't be written in its syntax."""
    sections = [_supervisord_section(layout, instance)]
    groups = {
        "services": [spec.name for spec in specs if not spec.stops_last],
        "storage": [spec.name for spec in specs if spec.stops_last],
    }
    # The group of the lower priority is started first and stopped last.
    for name, priority in (("storage", 10), ("services", 20)):
        if groups[name]:
            sections.append(f"[group:{name}]\nprograms={','.join(groups[name])}\npriority={priority}\n")
    sections += [_program_section(layout, spec) for spec in specs]
    return "\n".join(sections)


def _supervisord_section(layout: Layout, instance: str) -> str:
    lines = [
        "[unix_http_server]",
        f"file={_value(str(layout.supervisor_socket))}",
        "chmod=0700",
        "",
        "[supervisord]",
        "nodaemon=true",
        "silent=true",
        f"identifier=tellerline-{instance}",
        f"directory={_value(str(ROOT))}",
        f"logfile={_value(str(layout.log / 'supervisord.log'))}",
        f"logfile_maxbytes={_LOG_BYTES}",
        f"logfile_backups={_LOG_BACKUPS}",
        f"pidfile={_value(str(layout.supervisor_pid))}",
        f"childlogdir={_value(str(layout.log))}",
    ]
    if os.geteuid() == 0:
        lines.append(f"user={getpass.getuser()}")  # said on purpose, or supervisord warns of running as root
    lines += [
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        "",
    ]
    return "\n".join(lines)


def _program_section(layout: Layout, spec: ProcessSpec) -> str:
    environment = {"PYTHONUNBUFFERED": "1", **spec.environment}
    pairs = ",".join(f"{key}={_quoted(value)}" for key, value in environment.items())
    lines = [
        f"[program:{spec.name}]",
        f"command={_value(shlex.join(dying_with_parent(spec.command)))}",
        f"environment={pairs}",
        f"directory={_value(str(ROOT))}",
        "autostart=true",
        "autorestart=true",
        f"startsecs={spec.settle_s}",
        f"startretries={_RETRIES}",
        "stopsignal=TERM",
        f"stopwaitsecs={REDIS_STOP_S if spec.stops_last else SERVICES_STOP_S}",
        "stopasgroup=true",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_value(str(log_file(layout, spec.name)))}",
        f"stdout_logfile_maxbytes={_LOG_BYTES}",
        f"stdout_logfile_backups={_LOG_BACKUPS}",
        "",
    ]
    return "\n".join(lines)


def dying_with_parent(command: Sequence[str], signal_name: str = "TERM") -> list[str]:
    """The command, told by the kernel when its parent dies, however that happens (PR_SET_PDEATHSIG, by
    util-linux's setpriv).
    """
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin:/usr/local/bin")
    return [setpriv, "--pdeathsig", signal_name, "--", *command] if setpriv else list(command)


def log_file(layout: Layout, name: str) -> Path:
    """Where a process's output goes."""
    return layout.log / f"{name}.log"


def _value(text: str) -> str:
    """A value of supervisord's INI dialect, where % interpolates and " ;" starts a comment."""
    if "\n" in text or " ;" in text or " #" in text:
        raise ValueError(
            f"supervisord can't be given {text!r}: it holds a line break, ' ;' or ' #'; use another path"
        )
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    """A value of supervisord's `environment=`, whose quotes know no escapes and are stripped at the ends."""
    quote = '"' if '"' not in text else "'"
    if quote in text or text.strip("\"'") != text:
        raise ValueError(
            "supervisord can't be given a value that ends in quotes or holds both kinds: change it"
        )
    return quote + _value(text) + quote


class Supervisor:
    """The running supervisord of an installation, over its Unix socket."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def processes(self) -> list[ProcessState]:
        """All processes. Raises SupervisorGone."""
        answer = cast("list[dict[str, Any]]", self._call("getAllProcessInfo"))
        return [
            ProcessState(
                name=str(entry["name"]),
                state=str(entry["statename"]),
                pid=int(entry["pid"]),
                since=float(entry["start"]),
                exit_status=int(entry["exitstatus"]),
                error=str(entry["spawnerr"]),
            )
            for entry in answer
        ]

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            self._call("getState")
        except SupervisorGone:
            return False
        return True

    def pid(self) -> int:
        """Its process id. Raises SupervisorGone."""
        return int(cast(int, self._call("getPID")))

    def shut_down(self) -> None:
        """Begin the orderly stop; returns at once. Raises SupervisorGone."""
        self._call("shutdown")

    def _call(self, method: str) -> object:
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self._layout.supervisor_socket}")
        try:
            proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, method)()
        except (OSError, xmlrpc.client.Error, EOFError) as error:
            raise SupervisorGone(str(error)) from None
        except Exception as error:  # http.client's errors have no common base below Exception
            raise SupervisorGone(f"{type(error).__name__}: {error}") from None
        finally:
            transport.close()


def start(layout: Layout, instance: str, *, detached: bool) -> subprocess.Popen[bytes]:
    """Start supervisord in a session of its own, so that Ctrl-C reaches only us. Attached, it dies with us
    too.
    """
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(layout.supervisor_config)]
    if not detached:
        command = dying_with_parent(command)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TELLERLINE_")}
    environment[INSTANCE_VARIABLE] = instance
    with (layout.log / "supervisord.out").open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a stop went: what ran before, what had to be killed, and how long it took (seconds)."""

    ran: bool
    killed: tuple[str, ...]
    seconds: float


def stop(layout: Layout, instance: str, budget_s: float = STOP_BUDGET_S) -> Stopped:
    """Stop everything of the instance within `budget_s`, and remove what it leaves in `var/run`. Does nothing
    twice.
    """
    began = time.monotonic()
    ran = bool(members(instance))
    if ran:
        with contextlib.suppress(SupervisorGone):
            Supervisor(layout).shut_down()
        _wait_gone(layout, instance, began + budget_s - 0.5)
    killed = kill_members(instance)
    forget(layout)
    return Stopped(ran=ran, killed=tuple(killed), seconds=time.monotonic() - began)


def members(instance: str) -> list[psutil.Process]:
    """The living processes of an instance, supervisord included, whoever their parent is now."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.environ().get(INSTANCE_VARIABLE) == instance
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def kill_members(instance: str) -> list[str]:
    """Kill what is left of an instance; returns what it was."""
    killed: list[str] = []
    for _ in range(5):
        left = members(instance)
        if not left:
            break
        for process in left:
            with contextlib.suppress(psutil.Error):
                killed.append(f"{process.name()} (pid {process.pid})")
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(left, timeout=0.5)
    return killed


def forget(layout: Layout) -> None:
    """Remove the run-time files: they hold this start's key."""
    if layout.run.is_dir():
        for path in layout.run.iterdir():
            if path.is_file() or path.is_socket():
                path.unlink(missing_ok=True)
    if layout.sockets != layout.run and layout.sockets.is_dir():
        shutil.rmtree(layout.sockets, ignore_errors=True)


def _wait_gone(layout: Layout, instance: str, deadline: float) -> None:
    # Left alone, supervisord looks for ended children once a second; each question makes it look at once.
    supervisor = Supervisor(layout)
    while members(instance) and time.monotonic() < deadline:
        supervisor.answers()
        time.sleep(0.1)


def last_lines(path: Path, count: int = 10) -> list[str]:
    """The end of a log file, back to the start of the present run at most."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64 * 1024))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    starts = [number for number, line in enumerate(lines) if line.startswith(_START_MARK)]
    recent = lines[starts[-1] + 1 :] if starts else lines
    return [line for line in recent if line.strip()][-count:]
