# SPDX-License-Identifier: GPL-3.0-or-later
"""Blind and attended transfer to a second telephone; a target that refuses brings the caller back."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.media_stream import Stop, Transfer, TransferResult
from telephony.phone_call import PhoneCall
from telephony.softphone import Softphone
from tests.telephony.conftest import House
from tests.telephony.processes import Gateway, OtherPhone, free_port
from tests.telephony.scripted_agent import AgentCall, ScriptedAgent
from tests.telephony.signals import chirp, likeness, loudest_hz, tone

MODES = ["blind", "attended"]


@pytest.fixture(scope="module")
def human() -> Iterator[OtherPhone]:
    """A person who answers at once."""
    with OtherPhone() as it:
        yield it


@pytest.fixture(scope="module")
def busy() -> Iterator[OtherPhone]:
    """A person who is on the telephone."""
    with OtherPhone(status=486) as it:
        yield it


@pytest.fixture(scope="module")
def nobody() -> Iterator[OtherPhone]:
    """A telephone that rings and rings."""
    with OtherPhone(ring_s=30) as it:
        yield it


@pytest.mark.parametrize("mode", MODES)
def test_the_caller_speaks_with_the_target(house: House, human: OtherPhone, mode: str) -> None:
    call, agent = house.call()
    agent.wait_frames(10)
    agent.send(tone(0.3), Transfer(target=human.uri, mode=mode))  # type: ignore[arg-type]
    result = agent.wait_for(TransferResult)
    assert result.status == 200
    assert agent.wait_for(Stop).reason == "transferred"
    call.wait_ended(5)
    onward = house.phone.wait_incoming(5)
    onward.wait_connected()
    start_ms = onward.wait_for_speech(0)
    onward.say(tone(2.0, hz=600))
    onward.recording.wait_until(start_ms + 1500, 5)
    assert loudest_hz(onward.received[start_ms * 16 :]) == pytest.approx(1000, abs=10)
    onward.hangup()
    ended = human.wait_event("ended")
    while mode == "attended" and ended["heard_hz"] < 100:
        ended = human.wait_event("ended")
    assert ended["heard_hz"] == pytest.approx(600, abs=10)


@pytest.mark.parametrize("mode", MODES)
def test_a_busy_target_brings_the_caller_back(house: House, busy: OtherPhone, mode: str) -> None:
    call, agent = house.call()
    agent.wait_frames(10)
    agent.send(Transfer(target=busy.uri, mode=mode))  # type: ignore[arg-type]
    assert agent.wait_for(TransferResult).status == 486
    assert_talking(call, agent)


def test_a_target_that_rings_too_long(phone: Softphone, nobody: OtherPhone, tmp_path: Path) -> None:
    with (
        ScriptedAgent(port=free_port()) as scripted,
        Gateway(scripted.address, tmp_path / "log", transfer_timeout_s=1.0) as gateway,
    ):
        for mode in MODES:
            call = phone.dial(gateway.uri)
            call.wait_connected()
            agent = scripted.wait_call(call.sip_call_id)
            agent.wait_frames(10)
            agent.send(Transfer(target=nobody.uri, mode=mode))  # type: ignore[arg-type]
            assert agent.wait_for(TransferResult, timeout_s=5).status == 408, mode
            assert_talking(call, agent)
            call.hangup()
            call.wait_ended()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("target", ["tel:+49301", "sip:", "sip:x@127.0.0.1:1:1 bad\r\nX: y"])
def test_an_impossible_target_brings_the_caller_back(house: House, mode: str, target: str) -> None:
    call, agent = house.call()
    agent.wait_frames(5)
    agent.send(Transfer(target=target, mode=mode))  # type: ignore[arg-type]
    assert agent.wait_for(TransferResult).status >= 400
    assert call.is_up


def test_the_caller_hangs_up_during_an_attended_transfer(house: House, nobody: OtherPhone) -> None:
    nobody.forget_events()
    call, agent = house.call()
    agent.send(Transfer(target=nobody.uri, mode="attended"))
    nobody.wait_event("ringing")
    call.hangup()
    agent.wait_for(Stop)
    assert nobody.wait_event("ended")["status"] == 487


def spoken(pcm: bytes) -> str:
    return base64.b64encode(pcm).decode()


def test_the_target_hears_the_briefing_and_then_the_caller(house: House, human: OtherPhone) -> None:
    human.forget_events()
    while not house.phone.incoming.empty():
        house.phone.wait_incoming()
    call, agent = house.call()
    agent.wait_frames(10)
    agent.send(
        tone(0.3), Transfer(target=human.uri, mode="attended", briefing=spoken(tone(1.0, hz=800) + b"\1"))
    )
    human.wait_event("connected")
    begun = time.monotonic()
    assert agent.wait_for(TransferResult).status == 200
    assert 1.2 < time.monotonic() - begun < 3, "the briefing is paced and heard to its end"
    call.wait_ended(5)
    heard = house.phone.settings.gate.active(call.received)
    assert heard.sum() == pytest.approx(300, abs=40), "the caller hears nothing of it"
    onward = house.phone.wait_incoming(5)
    onward.wait_for_speech(0)
    onward.hangup()
    assert human.wait_event("ended")["heard_hz"] == pytest.approx(800, abs=10)


def test_a_target_that_hangs_up_during_the_briefing_brings_the_caller_back(house: House) -> None:
    with OtherPhone(talk_s=0.5) as hasty:
        call, agent = house.call()
        agent.wait_frames(10)
        agent.send(Transfer(target=hasty.uri, mode="attended", briefing=spoken(tone(8, hz=800))))
        result = agent.wait_for(TransferResult)
    assert (result.status, result.reason) == (480, "the target hung up during the briefing")
    assert_talking(call, agent)


def test_the_caller_hangs_up_during_the_briefing(house: House, human: OtherPhone) -> None:
    human.forget_events()
    for _ in range(5):
        call, agent = house.call()
        agent.send(Transfer(target=human.uri, mode="attended", briefing=spoken(tone(8, hz=800))))
        human.wait_event("connected")
        call.hangup()
        agent.wait_for(Stop)
        assert human.wait_event("ended")["status"] == 200


def test_a_briefing_that_is_none_brings_the_caller_back(house: House, human: OtherPhone) -> None:
    call, agent = house.call()
    agent.wait_frames(10)
    agent.send(Transfer(target=human.uri, mode="attended", briefing="no base64!"))
    result = agent.wait_for(TransferResult)
    assert result.status == 400
    assert "base64" in result.reason
    assert_talking(call, agent)


def assert_talking(call: PhoneCall, agent: AgentCall) -> None:
    begun_ms = call.now_ms
    agent.send(chirp(0.4))
    call.wait_for_silence(200, after_ms=call.wait_for_speech(begun_ms))
    assert likeness(call.received, chirp(0.4)) > 0.9
    assert call.is_up
