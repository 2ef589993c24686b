# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent and a gateway of a benchmark's own, beside a running installation whose Redis and dialogue they
use.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contracts.sealed import new_key
from tellerline import supervision
from tellerline.configuration import ROOT, Configuration, RedisSection, overlaid
from tellerline.layout import layout_of
from tellerline.preflight import can_bind
from tellerline.processes import Port, ProcessSpec, specify

_READY_S, _END_S = 60.0, 5.0
# Between the telephones of benchmarks and Linux's ephemeral ports.
_SIP_PORTS = range(31500, 31900, 10)
_RTP_BASE, _RTP_COUNT = 31000, 400


@contextmanager
def own_worker(configuration: Configuration, agent: Mapping[str, Any]) -> Iterator[str]:
    """The SIP URI of a worker whose agent has the settings `agent` over the configured ones.

    Raises RuntimeError when it can't be started or does not get ready.
    """
    with tempfile.TemporaryDirectory(prefix="tellerline-") as folder:
        own, port = _moved(configuration, Path(folder), agent)
        specs = _specs(own)
        layout = layout_of(own)
        layout.create()
        for spec in specs:
            for path, text in spec.files.items():
                supervision.write_private(path, text)
        processes: list[subprocess.Popen[bytes]] = []
        try:
            for spec in specs:
                processes.append(_start(spec, layout.log / f"{spec.name}.log"))
            _await_ready(specs, processes, layout.log)
            yield f"sip:hotline@127.0.0.1:{port}"
        finally:
            _end(processes)


def _moved(configuration: Configuration, var: Path, agent: Mapping[str, Any]) -> tuple[Configuration, int]:
    """The configuration with its own `var` and ports."""
    port = _free_port()
    moved = {
        "bind_host": "127.0.0.1",
        "sip_port": port,
        "rtp_port_base": _RTP_BASE,
        "rtp_port_count": _RTP_COUNT,
    }
    kept = {key: value for key, value in configuration.agent.items() if key != "listen"}
    changes = {
        "var": var,
        "redis": RedisSection(url=configuration.redis_url),
        "agent": overlaid(kept, agent),
        "gateway": {**configuration.gateway, **moved},
    }
    return configuration.model_copy(update=changes), port


def _specs(configuration: Configuration) -> list[ProcessSpec]:
    try:
        found = specify(configuration, Path("none"), new_key())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RuntimeError(f"the agent does not take the setting {where}: {first['msg']}") from None
    return [spec for spec in found if spec.name in ("agent", "gateway")]


def _free_port() -> int:
    for number in random.sample(_SIP_PORTS, len(_SIP_PORTS)):
        if all(can_bind(Port("127.0.0.1", number, kind, "")) for kind in ("udp", "tcp")):
            return number
    raise RuntimeError(f"no free port among {_SIP_PORTS.start}–{_SIP_PORTS.stop}")


def _start(spec: ProcessSpec, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            supervision.dying_with_parent(spec.command),
            cwd=ROOT,
            env={**os.environ, **spec.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _await_ready(
    specs: Sequence[ProcessSpec], processes: Sequence[subprocess.Popen[bytes]], logs: Path
) -> None:
    deadline = time.monotonic() + _READY_S
    for spec, process in zip(specs, processes, strict=True):
        while not spec.probe().ok:
            if process.poll() is not None or time.monotonic() > deadline:
                last = "\n    ".join(supervision.last_lines(logs / f"{spec.name}.log"))
                raise RuntimeError(f"the benchmark's own {spec.name} did not start:\n    {last}")
            time.sleep(0.2)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
