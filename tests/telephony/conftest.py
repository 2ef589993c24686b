# SPDX-License-Identifier: GPL-3.0-or-later
"""One softphone and one gateway with its agent a module, since starting them takes most of a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from telephony.phone_call import PhoneCall
from telephony.softphone import Softphone, SoftphoneSettings
from tests.telephony.processes import Gateway, free_port, rtp_base
from tests.telephony.scripted_agent import AgentCall, ScriptedAgent


@dataclass
class House:
    """A gateway, its agent, and a telephone to call it with."""

    phone: Softphone
    gateway: Gateway
    agent: ScriptedAgent

    def call(self, **options: Any) -> tuple[PhoneCall, AgentCall]:
        """An answered call, at both ends."""
        call = self.phone.dial(self.gateway.uri, **options)
        call.wait_connected()
        return call, self.agent.wait_call(call.sip_call_id)


@pytest.fixture(scope="module")
def phone() -> Iterator[Softphone]:
    with Softphone(
        SoftphoneSettings(sip_port=free_port(), rtp_port_base=rtp_base(), rtp_port_count=200)
    ) as it:
        yield it


@pytest.fixture(scope="module")
def house(phone: Softphone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    log: Path = tmp_path_factory.mktemp("gateway") / "log"
    with ScriptedAgent(port=free_port()) as agent, Gateway(agent.address, log) as gateway:
        yield House(phone, gateway, agent)


@pytest.fixture(autouse=True)
def _hang_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """No call outlives its test."""
    yield
    if "phone" in request.fixturenames or "house" in request.fixturenames:
        request.getfixturevalue("phone").hang_up_all()
