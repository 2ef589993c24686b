# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's end: SIGTERM and SIGINT, with and without calls, and start-up errors."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.media_stream import Stop
from telephony.__main__ import main
from telephony.softphone import Softphone
from tests.telephony.processes import CHECKOUT, Gateway, free_port
from tests.telephony.scripted_agent import ScriptedAgent
from tests.telephony.signals import tone


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_calls_are_ended_and_the_exit_is_clean(
    phone: Softphone, tmp_path: Path, number: signal.Signals
) -> None:
    with ScriptedAgent(port=free_port()) as agent:
        gateway = Gateway(agent.address, tmp_path / "log")
        calls = [phone.dial(gateway.uri) for _ in range(3)]
        for call in calls:
            call.wait_connected()
            agent.wait_call(call.sip_call_id).send(tone(10))
        gateway.process.send_signal(number)
        begun = time.monotonic()
        gateway.stop(within_s=2.0)
        assert time.monotonic() - begun < 2.0
        for call in calls:
            assert call.wait_ended(1)[0] == 200
            assert agent.wait_call(call.sip_call_id).wait_for(Stop).reason == "gateway is stopping"


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with ScriptedAgent(port=free_port()) as agent, Gateway(agent.address, tmp_path / "log") as gateway:
        settings = json.dumps({"sip_port": gateway.port, "rtp_port_base": 30000})
        command = [sys.executable, "-m", "telephony", "--settings", settings]
        second = subprocess.run(
            command, cwd=CHECKOUT, capture_output=True, text=True, timeout=20, check=False
        )
        assert second.returncode == 1
        assert f"127.0.0.1:{gateway.port} can't be bound" in second.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_calls": 4}, "slot is for transfers"),
        ({"agent_address": "unix:///" + "a" * 120}, "100 are possible"),
        ({"agent_address": "http://x"}, "write unix:///path/to/socket or ws://host:port"),
        ({"sip_prt": 5060}, "sip_prt"),
    ],
)
def test_wrong_settings_say_what_to_do(
    settings: dict[str, object],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["telephony", "--settings", json.dumps(settings)])
    assert main() == 2
    assert message in capsys.readouterr().err


def test_settings_that_are_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["telephony", "--settings", "/nowhere/gateway.json"])
    assert main() == 2
    assert "/nowhere/gateway.json" in capsys.readouterr().err
