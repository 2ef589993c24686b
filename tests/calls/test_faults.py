# SPDX-License-Identifier: GPL-3.0-or-later
"""What callers hear when a part of the house is slow, lies or dies, over real SIP and RTP: something sensible
within two seconds, never a call that hangs, and the next call is as usual.

A recogniser that breaks is tested where it can be broken: tests/agent/test_server.py and
tests/agent/turns/test_acceptance.py (A.7).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent.journal.chain import Entry
from agent.journal.store import JournalReader
from bench.own_worker import own_worker
from telephony.settings import ONE_MOMENT
from telephony.stored_prompt import load_prompt
from tellerline.configuration import load_configuration
from tellerline.scenario.listening import speech_spans
from tests.calls.faulty_dialogue import Fault, FaultyDialogue
from tests.conftest import ROOT, Stack
from tests.telephony.signals import RATE, match

SENSIBLE_MS = 2000
CALL_S = 80
# How far into the prompt its first sound can be taken for the end of what came before. Milliseconds.
PROMPT_LEAD_MS = 40
FAULTS: dict[str, Fault] = {
    "+8613800001001": "slow",
    "+8613800001002": "garbage",
    "+8613800001003": "half",
    "+8613800001004": "broken",
    "+8613800001005": "mute",
}
# Nobody needs to hear the opening hours to their end.
BYE = "- interrupt: {after_ms: 300, hangup: true}"
GREETING = '- expect: {says: "this call is recorded"}'
ASKS = f'- say: "what are your opening hours"\n    expect: {{within_ms: {SENSIBLE_MS}, says: SAYS}}'


def asks(says: str) -> str:
    """A question whose answer begins within two seconds, with these words."""
    return ASKS.replace("SAYS", json.dumps(says))


def number_of(fault: Fault) -> str:
    """The caller who meets that fault."""
    return next(number for number, found in FAULTS.items() if found == fault)


# The caller's number, by which the fault is known, and the turns of each call; the healthy one comes last.
CALLS: dict[str, tuple[str, ...]] = {
    "slow": (number_of("slow"), GREETING, asks("one moment"), '- expect: {says: "open Monday to Friday"}'),
    # A.8: the answer to the first question comes when the caller has gone on to the second.
    "overtaken": (
        number_of("slow"),
        GREETING,
        '- say: ["are you a robot", 1.0, "what are your opening hours"]\n    expect: {turns: 2}',
        '- expect: {says: "open Monday to Friday"}',
    ),
    **{
        name: (number_of(name), GREETING, asks("something went wrong"))
        for name in ("garbage", "half", "broken", "mute")
    },
    "dead": (
        "+8613800000001",
        f'- expect: {{says: "something went wrong", within_ms: {SENSIBLE_MS}}}',
        f'- say: "what are your opening hours"\n    expect: {{says: "person", within_ms: {SENSIBLE_MS}}}',
    ),
    "healthy": ("+8613800000001", GREETING, asks("open Monday to Friday")),
}


def scenario(path: Path, number: str, *turns: str) -> Path:
    path.write_text(
        f'name: {path.stem}\ncaller: {{number: "{number}"}}\nturns:\n  ' + "\n  ".join(turns) + "\n"
    )
    return path


def succeeded(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def faulty_calls(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[subprocess.CompletedProcess[str]]]]:
    """Calls to workers whose dialogue is faulty, by the fault's name; four at a time."""
    configuration = load_configuration(stack.config)
    folder = tmp_path_factory.mktemp("faults")
    real = f"http://127.0.0.1:{configuration.rasa.port}"
    dead = {"dialogue": {"url": "http://127.0.0.1:9"}}
    with (
        FaultyDialogue(real, FAULTS) as dialogue,
        own_worker(configuration, {"dialogue": {"url": dialogue.url}}) as faulty_line,
        own_worker(configuration, dead) as deaf_line,
        ThreadPoolExecutor(3) as pool,
        ThreadPoolExecutor(1) as other_pool,
    ):

        def call(uri: str, name: str) -> subprocess.CompletedProcess[str]:
            number, *turns = CALLS[name]
            path = scenario(folder / f"{name}.yml", number, *turns, BYE)
            return stack.tellerline("call", "--uri", uri, "--scenario", str(path), "--json", timeout_s=CALL_S)

        futures = {"dead": other_pool.submit(call, deaf_line, "dead")}
        for name in CALLS:
            if name != "dead":
                futures[name] = pool.submit(call, faulty_line, name)
        yield futures


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CALLS)
def test_a_faulty_dialogue(
    faulty_calls: Mapping[str, Future[subprocess.CompletedProcess[str]]], name: str
) -> None:
    succeeded(faulty_calls[name].result())


class LiveCall:
    """A call whose agent speaks for nine seconds, so that something can happen to it meanwhile."""

    def __init__(self, stack: Stack, folder: Path, number: str, *turns: str) -> None:
        self._reader = JournalReader(stack.redis_url)
        self._number = number
        self.recording = folder / "call.wav"
        path = scenario(folder / "live.yml", number, GREETING, asks("open Monday to Friday"), *turns)
        command = [*stack.cli, "call", "--scenario", str(path), "--record", str(self.recording), "--json"]
        self.process = subprocess.Popen(
            [*command, "--config", str(stack.config)],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def wait_for(self, found: Callable[[Entry], bool], timeout_s: float = 40.0) -> str:
        """Wait until the call's journal holds such an entry; the call's id."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for summary in self._reader.recent(3):
                if summary.get("from") != self._number or summary.get("state") != "live":
                    continue
                if any(found(stored.entry) for stored in self._reader.entries(summary["call_id"])):
                    return summary["call_id"]
            time.sleep(0.05)
        raise AssertionError("it did not happen")

    def finish(self) -> None:
        """Wait for the call's end; every expectation must have held."""
        output, _ = self.process.communicate(timeout=CALL_S)
        assert self.process.returncode == 0, output


def silence_before_the_prompt_ms(recording: Path) -> int:
    """How long the agent had been silent when the gateway said "One moment, please."."""
    sound, _ = soundfile.read(recording, dtype="int16")
    heard = np.ascontiguousarray(sound[:, 1]).astype("<i2").tobytes()
    likeness, at = match(heard, load_prompt(ONE_MOMENT))
    assert likeness > 0.8, "nobody said anything"
    prompt_ms = at * 1000 // RATE
    before = [end for _, end in speech_spans(heard) if end <= prompt_ms + PROMPT_LEAD_MS]
    return prompt_ms - before[-1]


def next_call(stack: Stack, folder: Path) -> subprocess.CompletedProcess[str]:
    """A call after the fault: as usual."""
    path = scenario(folder / "next.yml", "+8613800000001", GREETING, asks("open Monday to Friday"), BYE)
    return stack.tellerline("call", "--scenario", str(path), "--json", timeout_s=CALL_S)


def speaks_of_hours(entry: Entry) -> bool:
    return entry.kind == "agent_speaks" and "Monday" in str(entry.data["text"])


@pytest.mark.timeout(240)
def test_an_agent_that_is_killed_in_a_call(stack: Stack, tmp_path: Path) -> None:
    """The next call, as usual until something else happens to it, is the next test's."""
    live = LiveCall(stack, tmp_path, "+8613800002001", '- expect: {says: "lost you for a moment"}')
    call_id = live.wait_for(speaks_of_hours)
    time.sleep(1.5)
    os.kill(stack.processes()["agent"]["pid"], signal.SIGKILL)
    live.finish()
    verified = stack.tellerline("journal", "verify", call_id)
    assert verified.returncode == 0, verified.stdout
    assert silence_before_the_prompt_ms(live.recording) <= SENSIBLE_MS


@pytest.mark.timeout(240)
def test_an_agent_that_hangs_in_a_call(stack: Stack, tmp_path: Path) -> None:
    live = LiveCall(stack, tmp_path, "+8613800002002", '- expect: {says: "lost you for a moment"}')
    live.wait_for(speaks_of_hours)
    time.sleep(1.5)
    pid = stack.processes()["agent"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(5)
    finally:
        os.kill(pid, signal.SIGCONT)
    live.finish()
    assert silence_before_the_prompt_ms(live.recording) <= SENSIBLE_MS
    succeeded(next_call(stack, tmp_path))
