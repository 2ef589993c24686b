# SPDX-License-Identifier: GPL-3.0-or-later
"""Gateway settings and agent addresses: what is taken, what is refused, and with which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from telephony.agent_address import UNIX_PATH_LIMIT_BYTES, AgentAddress, parse_agent_address
from telephony.settings import GatewaySettings, load_settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ws://127.0.0.1:8970", AgentAddress("ws://127.0.0.1:8970")),
        ("ws://[::1]:8970/media", AgentAddress("ws://[::1]:8970/media")),
        ("unix:///run/agent.sock", AgentAddress("ws://agent/", "/run/agent.sock")),
    ],
)
def test_addresses(text: str, expected: AgentAddress) -> None:
    address = parse_agent_address(text)
    assert address == expected
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "unix://", "ws://", "ws://host", "ws://:1", "ws://h:99999", "http://h:1", "h:1"]
)
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|needed"):
        parse_agent_address(text)


def test_the_length_of_a_unix_path_counts_in_bytes() -> None:
    assert parse_agent_address("unix://" + "a" * UNIX_PATH_LIMIT_BYTES).unix_path
    with pytest.raises(ValueError, match="102 bytes"):
        parse_agent_address("unix://" + "ä" * 51)


@pytest.mark.parametrize("calls", [0, 4, 100])
def test_max_calls(calls: int) -> None:
    with pytest.raises(ValidationError, match=r"worker takes 3|at least 1"):
        GatewaySettings(max_calls=calls)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sip_port": 0},
        {"sip_port": 70000},
        {"rtp_port_base": 65000, "rtp_port_count": 1000},
        {"fallback_target": "person@bank"},
        {"transfer_timeout_s": -1},
        {"hold_timeout_s": -1},
        {"accept_from": ["edge.bank"]},
        {"unknown": 1},
    ],
)
def test_wrong_values(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings.model_validate(wrong)


def test_settings_are_frozen_and_loaded_from_text_or_file(tmp_path: Path) -> None:
    text = json.dumps({"sip_port": 5080, "max_calls": 2})
    (tmp_path / "gateway.json").write_text(text)
    assert load_settings(text) == load_settings(str(tmp_path / "gateway.json"))
    with pytest.raises(ValidationError):
        load_settings(text).sip_port = 1  # type: ignore[misc]
    with pytest.raises(OSError, match="none"):
        load_settings(str(tmp_path / "none.json"))
