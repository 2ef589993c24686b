# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs caller processes: as many as the lines need, started together, their reports collected."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.load.caller_process import CallReport, Job, Reply
from bench.load.script import SCRIPTS, Line
from telephony.settings import WHEEL_CALL_CEILING
from tellerline.configuration import ROOT
from tellerline.scenario.caller_voice import speech

# Below Linux's ephemeral ports, and beyond what the default configuration gives 16 workers.
_RTP_BASE, _RTP_EACH = 26000, 200


@dataclass(slots=True)
class Load:
    """What all callers of a load report, and the CPU time that they took themselves (seconds)."""

    calls: list[CallReport] = field(default_factory=list)
    callers_cpu_s: float = 0.0

    @property
    def refused(self) -> int:
        """Calls that were answered with a refusal."""
        return sum(call.status >= 300 for call in self.calls)

    @property
    def failed(self) -> int:
        """Calls of which nothing came, or which broke off before all was said."""
        return sum(call.status == 0 for call in self.calls)


def synthesise(folder: Path, voice: str) -> dict[str, str]:
    """Every sentence of the scripts as a file of PCM in `folder`. Raises NoCallerVoice."""
    sounds = {}
    for number, text in enumerate(dict.fromkeys(text for script in SCRIPTS for text in script)):
        path = folder / f"{number}.pcm"
        path.write_bytes(speech(text, voice))
        sounds[text] = str(path)
    return sounds


def starting_times(count: int, within_s: float, seed: int) -> list[float]:
    """Each caller's own random moment, the first one's at once. Seconds."""
    source = random.Random(seed)
    return [0.0, *(source.uniform(0, within_s) for _ in range(count - 1))]


def place_load(
    lines: Sequence[Line], sounds: dict[str, str], floor_ms: int, on_call: Callable[[], None]
) -> Load:
    """Have all lines call; returns when the last call is over. `on_call` is told of each one that ends.

    Raises RuntimeError when a process of callers breaks.
    """
    jobs = [
        Job(list(lines[at :: _processes(lines)]), sounds, floor_ms, _RTP_BASE + at * _RTP_EACH)
        for at in range(_processes(lines))
    ]
    processes = [_start(job) for job in jobs]
    try:
        for process in processes:
            _await_ready(process)
        load = Load()
        for process in processes:
            _write(process, "go")
        readers = [threading.Thread(target=_collect, args=(each, load, on_call)) for each in processes]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        for process in processes:
            if process.wait(10) != 0:
                raise RuntimeError(f"a process of callers ended with {process.returncode}")
        return load
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()


def _processes(lines: Sequence[Line]) -> int:
    return max(1, math.ceil(len(lines) / WHEEL_CALL_CEILING))


def _start(job: Job) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.load.caller_process"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    _write(process, job.to_json())
    return process


def _write(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _await_ready(process: subprocess.Popen[str]) -> None:
    for event in _events(process):
        if event["event"] == "ready":
            return
    raise RuntimeError(f"a process of callers did not start (exit code {process.wait(5)})")


def _collect(process: subprocess.Popen[str], load: Load, on_call: Callable[[], None]) -> None:
    for event in _events(process):
        match event.pop("event"):
            case "over":
                on_call()
            case "cpu":
                load.callers_cpu_s += event["cpu_s"]
            case "call":
                replies = [Reply(**reply) for reply in event.pop("replies")]
                load.calls.append(CallReport(**event, replies=replies))


def _events(process: subprocess.Popen[str]) -> Iterable[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            yield json.loads(line)
