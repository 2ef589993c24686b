# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of every process as one sees it: what supervisord says, joined with what the health probes find.

Probes run in threads of their own, all at once, so that a slow one delays nobody's row.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType

from tellerline.health import Health
from tellerline.layout import Layout
from tellerline.processes import ProcessSpec
from tellerline.supervision import ProcessState, Supervisor, SupervisorGone, last_lines

_PROBE_EVERY_S = 0.5
_SETTLED_S = 4.0


class State(Enum):
    """How a process is, in a word for the table."""

    HEALTHY = "healthy"
    STARTING = "starting"
    RESTARTING = "restarting"
    FAILED = "failed"
    DOWN = "not running"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    state: State
    pid: int
    where: str
    version: str = ""
    detail: str = ""

    def as_json(self) -> dict[str, object]:
        """For `status --json`."""
        return {
            "name": self.name,
            "state": self.state.value,
            "pid": self.pid or None,
            "where": self.where,
            "version": self.version,
            "detail": self.detail,
        }


class Watch:
    """Looks at the processes of an instance again and again. Use as a context manager."""

    def __init__(self, layout: Layout, specs: Sequence[ProcessSpec]) -> None:
        self._supervisor = Supervisor(layout)
        self._specs = specs
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(specs)), thread_name_prefix="probe")
        self._log = layout.log / "supervisord.log"
        # Findings count for the pid that they were asked of: a restarted process starts without any.
        self._pending: dict[str, tuple[int, Future[Health]]] = {}
        self._found: dict[str, tuple[int, Health]] = {}
        self._asked: dict[str, float] = {}

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def rows(self) -> list[Row]:
        """The present state, without waiting for probes that are still under way."""
        try:
            states = {state.name: state for state in self._supervisor.processes()}
        except SupervisorGone:
            states = {}
        return [self._row(spec, states.get(spec.name)) for spec in self._specs]

    def settled_rows(self) -> list[Row]:
        """The state once every probe has answered (four seconds at most)."""
        deadline = time.monotonic() + _SETTLED_S
        rows = self.rows()
        while self._pending and time.monotonic() < deadline:
            time.sleep(0.05)
            rows = self.rows()
        return rows

    def _row(self, spec: ProcessSpec, state: ProcessState | None) -> Row:
        if state is None:
            return Row(spec.name, State.DOWN, 0, spec.where)
        health = self._probe(spec, state)
        return Row(
            name=spec.name,
            state=_judge(spec, state, health),
            pid=state.pid,
            where=spec.where,
            version=health.version if health is not None else "",
            detail=_detail(state, health),
        )

    def _probe(self, spec: ProcessSpec, state: ProcessState) -> Health | None:
        """The newest finding; asks anew when the last answer is old. None while there is none, or nothing to
        ask.
        """
        pending = self._pending.get(spec.name)
        if pending is not None and pending[1].done():
            self._found[spec.name] = (pending[0], pending[1].result())
            del self._pending[spec.name]
        if state.state not in ("RUNNING", "STARTING"):
            return None
        if spec.name not in self._pending and self._due(spec.name):
            self._asked[spec.name] = time.monotonic()
            self._pending[spec.name] = (state.pid, self._pool.submit(spec.probe))
        pid, health = self._found.get(spec.name, (0, None))
        return health if pid == state.pid else None

    def _due(self, name: str) -> bool:
        return time.monotonic() - self._asked.get(name, -_PROBE_EVERY_S) >= _PROBE_EVERY_S

    def last_exit(self, name: str) -> str:
        """Why the process ended last, in supervisord's words, such as "terminated by SIGKILL"."""
        for line in reversed(last_lines(self._log, 200)):
            _, found, reason = line.partition(f" exited: {name} (")
            if found:
                return reason.partition(";")[0].rstrip(")")
        return ""


def _judge(spec: ProcessSpec, state: ProcessState, health: Health | None) -> State:
    if state.state == "FATAL":
        return State.FAILED
    if state.state in ("BACKOFF", "EXITED"):
        return State.RESTARTING
    if state.state in ("STOPPED", "STOPPING", "UNKNOWN"):
        return State.DOWN
    if spec.proves_by_staying and state.state != "RUNNING":
        return State.STARTING
    return State.HEALTHY if health is not None and health.ok else State.STARTING


def _detail(state: ProcessState, health: Health | None) -> str:
    if state.state in ("BACKOFF", "FATAL", "EXITED"):
        return state.error
    return health.detail if health is not None and not health.ok else ""


@dataclass(frozen=True, slots=True)
class Death:
    """A process died (its old `pid`), or is healthy again after it did (`recovered`, with its new one)."""

    name: str
    pid: int
    recovered: bool = False


@dataclass(slots=True)
class Deaths:
    """Finds deaths by what changes between two looks: a pid that is another one, or none."""

    _pids: dict[str, int] = field(default_factory=dict)
    _down: set[str] = field(default_factory=set)

    def observe(self, rows: Sequence[Row]) -> list[Death]:
        """What happened since the last look."""
        events = []
        for row in rows:
            before = self._pids.get(row.name, 0)
            if before and row.pid != before:
                self._down.add(row.name)
                events.append(Death(row.name, before))
            self._pids[row.name] = row.pid
            if row.name in self._down and row.state is State.HEALTHY:
                self._down.discard(row.name)
                events.append(Death(row.name, row.pid, recovered=True))
        return events
