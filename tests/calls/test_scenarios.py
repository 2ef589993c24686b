# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole conversations over real SIP and RTP with every real component, as a user runs them.

The scenarios A… are cases of a well-mannered conversation where sound is the point; tests/agent/turns has all
of them in virtual time.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bench.own_worker import own_worker
from tellerline.configuration import load_configuration
from tellerline.scenario.listening import speech_spans
from tests.conftest import Stack
from tests.telephony.signals import match

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").glob("*.yml"))
# These need the person's telephone to be there, or not to be there: one at a time.
AT_THE_DESK = re.compile(r"person|A07|A15_(summary|nobody)")
# Real patience would take most of a minute.
IMPATIENT = {"A12_silence": {"turns": {"check_in_ms": 2000}}}
CALL_S = 110


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario that was played: what the command printed, and the recording that it made."""

    done: subprocess.CompletedProcess[str]
    recording: Path

    @property
    def outcome(self) -> dict[str, Any]:
        """The command's JSON; the test fails with the conversation when an expectation did."""
        assert self.done.returncode == 0, f"{self.done.stdout}\n{self.done.stderr}"
        return dict(json.loads(self.done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def played(
    stack: Stack, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Played]]]:
    """All scenarios that are to be tested, three calls at a time: most of a call is waiting."""
    folder = tmp_path_factory.mktemp("recordings")
    desk = threading.Lock()

    def play(path: Path) -> Played:
        recording = folder / f"{path.stem}.wav"
        arguments = ("--scenario", str(path), "--record", str(recording), "--json")
        if path.stem in IMPATIENT:
            with own_worker(load_configuration(stack.config), IMPATIENT[path.stem]) as uri:
                done = stack.tellerline("call", "--uri", uri, *arguments, timeout_s=CALL_S)
        elif AT_THE_DESK.search(path.stem):
            with desk:
                done = stack.tellerline("call", *arguments, timeout_s=CALL_S)
        else:
            done = stack.tellerline("call", *arguments, timeout_s=CALL_S)
        return Played(done, recording)

    wanted = [item.callspec for item in request.session.items if hasattr(item, "callspec")]
    paths = {spec.params.get("path") for spec in wanted}
    with ThreadPoolExecutor(3) as pool:
        yield {path.stem: pool.submit(play, path) for path in SCENARIOS if path in paths}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(stack: Stack, played: Mapping[str, Future[Played]], path: Path) -> None:
    outcome = played[path.stem].result().outcome
    for call in outcome["calls"]:
        verified = stack.tellerline("journal", "verify", call["call_id"])
        assert verified.returncode == 0, verified.stdout
    if not path.stem.startswith("A"):
        assert outcome["e2e_latency_p50"] < 1.0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", [path for path in SCENARIOS if path.stem == "A01_cough"], ids=["A01"])
def test_a_paused_speech_goes_on_with_the_word_that_was_cut(
    played: Mapping[str, Future[Played]], path: Path
) -> None:
    """What is heard after the pause begins with what was heard last before it, sample by sample."""
    sound, rate = soundfile.read(played[path.stem].result().recording, dtype="int16")
    agent = np.ascontiguousarray(sound[:, 1])
    spans = speech_spans(agent.astype("<i2").tobytes())
    gaps = [(before[1], after[0]) for before, after in pairwise(spans)]
    per_ms = rate // 1000
    repeated = []
    for stopped_ms, resumed_ms in gaps:
        # Past the ramp that fades the sound in, within what is rewound.
        again = agent[(resumed_ms + 20) * per_ms : (resumed_ms + 100) * per_ms]
        before = agent[max(0, stopped_ms - 400) * per_ms : stopped_ms * per_ms]
        repeated.append(match(before.tobytes(), again.tobytes())[0] if len(before) > len(again) else 0.0)
    assert max(repeated) > 0.9, list(zip(gaps, repeated, strict=True))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", [path for path in SCENARIOS if path.stem == "A01_cough"], ids=["A01"])
def test_a_call_can_be_drawn_from_its_recording(
    stack: Stack, played: Mapping[str, Future[Played]], path: Path, tmp_path: Path
) -> None:
    done = played[path.stem].result()
    call_id, picture = done.outcome["calls"][0]["call_id"], tmp_path / "call.svg"
    arguments = ("journal", "draw", call_id, "--sound", str(done.recording), "-o", str(picture))
    drawn = stack.tellerline(*arguments)
    assert drawn.returncode == 0, drawn.stdout
    assert "what are your opening hours" in picture.read_text(encoding="utf-8")


def call(stack: Stack, *arguments: str) -> dict[str, Any]:
    """Make a call and return its JSON; the test fails with the conversation when an expectation did."""
    return Played(stack.tellerline("call", *arguments, "--json", timeout_s=CALL_S), Path()).outcome


@pytest.mark.timeout(180)
def test_an_expectation_that_fails_fails_the_call(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text('name: wrong\nturns:\n  - expect: {says: "good night", within_ms: 5000}\n')
    done = stack.tellerline("call", "--scenario", str(path))
    assert done.returncode == 1
    assert "good night" in done.stdout


def test_a_line_that_nobody_answers_is_told_apart(stack: Stack) -> None:
    done = stack.tellerline("call", "--uri", "sip:hotline@127.0.0.1:9")
    assert done.returncode == 2
    assert "tellerline status" in done.stdout


@pytest.mark.timeout(240)
def test_a_pin_is_in_no_file_and_no_key(stack: Stack) -> None:
    """Keyed and spoken, the PIN is then looked for in every byte that was written."""
    pin = "7395"
    outcome = call(stack, "--say", "what is my balance", "--keys", pin)
    spoken = call(stack, "--say", "what is my balance", "--say", "seven three nine five")
    assert outcome["calls"][0]["turns"][2]["deed"] == "keys ••••"
    files = [path for path in stack.var.rglob("*") if path.is_file()]
    assert any(path.name == "agent.log" for path in files)
    for path in files:
        content = path.read_bytes()
        assert b"seven three nine five" not in content, path
        if path.suffix in {".log", ".aof", ".json", ".conf"} or "appendonly" in str(path):
            assert pin.encode() not in _without_numbers(content), path
    entries = stack.tellerline("journal", "show", spoken["calls"][0]["call_id"], "--json").stdout
    assert "seven" not in entries


def _without_numbers(content: bytes) -> bytes:
    """Hashes, times, ids and ports may hold any four digits; a PIN written down stands alone."""

    return re.sub(rb"[0-9a-fA-F_.:-]*[a-fA-F_.:-][0-9a-fA-F_.:-]*|[0-9]{5,}", b"", content)
