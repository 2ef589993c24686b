# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole conversations over real SIP and RTP with every real component, as a user runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Stack

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").glob("*.yml"))


def call(stack: Stack, *arguments: str) -> dict[str, Any]:
    """Make a call and return its JSON; the test fails with the conversation when an expectation did."""
    done = stack.tellerline("call", *arguments, "--json", timeout_s=110)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(stack: Stack, path: Path) -> None:
    outcome = call(stack, "--scenario", str(path))
    assert outcome["e2e_latency_p50"] < 1.0
    call_id = outcome["calls"][0]["call_id"]
    verified = stack.tellerline("journal", "verify", call_id)
    assert verified.returncode == 0, verified.stdout


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
