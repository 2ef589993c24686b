# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent that dies during a call: the caller is told, kept, and given to another, or let go in order."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from contracts.media_stream import Hangup, Mark, MarkReached, Transfer
from telephony.softphone import Softphone
from tests.telephony.processes import Gateway, OtherPhone, free_port
from tests.telephony.scripted_agent import ScriptedAgent
from tests.telephony.signals import chirp, likeness, tone


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    path = tmp_path / "sorry.wav"
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(8000)
        wav.writeframes(chirp(0.6))
    return path


def test_the_next_agent_takes_over(phone: Softphone, tmp_path: Path, prompt: Path) -> None:
    path = str(tmp_path / "agent.sock")
    first = ScriptedAgent(path=path)
    with Gateway(first.address, tmp_path / "log", agent_lost_prompt=str(prompt)) as gateway:
        call = phone.dial(gateway.uri)
        call.wait_connected()
        stream = first.wait_call(call.sip_call_id)
        stream.send(tone(20, hz=500))
        call.wait_for_speech(0)
        first.close()
        Path(path).unlink(missing_ok=True)
        with ScriptedAgent(path=path) as second:
            resumed = second.wait_call(call.sip_call_id, resumed=True)
            assert resumed.start.call_id == stream.start.call_id
            call.wait_for_silence(300)
            assert likeness(call.received, chirp(0.6)) > 0.9, "the stored prompt was heard"
            resumed.wait_frames(25)
            resumed.send(tone(0.2), Mark(name="back"))
            mark = resumed.wait_for(MarkReached)
            assert mark.at_ms <= len(resumed.frames) * 20, "the clock counts this stream's frames"
            assert call.is_up
            call.hangup()
            call.wait_ended()


def test_no_agent_comes_back_and_the_call_ends(phone: Softphone, tmp_path: Path, prompt: Path) -> None:
    agent = ScriptedAgent(port=free_port())
    with Gateway(
        agent.address, tmp_path / "log", agent_lost_prompt=str(prompt), reconnect_budget_s=0.5
    ) as gateway:
        call = phone.dial(gateway.uri)
        call.wait_connected()
        agent.wait_call(call.sip_call_id).wait_frames(10)
        agent.close()
        call.wait_ended(5)
        assert likeness(call.received, chirp(0.6)) > 0.9
        assert "agent lost" in gateway.text()


def test_no_agent_comes_back_and_a_person_takes_the_call(phone: Softphone, tmp_path: Path) -> None:
    agent = ScriptedAgent(port=free_port())
    with (
        OtherPhone() as human,
        Gateway(
            agent.address, tmp_path / "log", reconnect_budget_s=0.3, fallback_target=human.uri
        ) as gateway,
    ):
        call = phone.dial(gateway.uri)
        call.wait_connected()
        agent.wait_call(call.sip_call_id).wait_frames(10)
        agent.close()
        human.wait_event("connected")
        call.wait_ended(5)
        onward = phone.wait_incoming(5)
        onward.wait_connected()
        onward.wait_for_speech(0)
        onward.hangup()


def test_what_a_lost_agent_had_asked_for_is_done(phone: Softphone, tmp_path: Path) -> None:
    with (
        ScriptedAgent(port=free_port()) as agent,
        Gateway(agent.address, tmp_path / "log", transfer_timeout_s=0.5) as gateway,
    ):
        call = phone.dial(gateway.uri)
        call.wait_connected()
        stream = agent.wait_call(call.sip_call_id)
        stream.send(tone(0.6), Hangup(), Mark(name="flushed"))
        stream.wait_frames(5)
        agent.hang_up_stream(stream)
        assert call.wait_ended(5)[0] == 200
        heard = phone.settings.gate.active(call.received)
        assert heard.sum() > 550, "the goodbye is heard to its end"

        call = phone.dial(gateway.uri)
        call.wait_connected()
        stream = agent.wait_call(call.sip_call_id)
        stream.send(Transfer(target=f"sip:nobody@127.0.0.1:{free_port()}", mode="attended"))
        stream.wait_frames(15)
        agent.hang_up_stream(stream)
        resumed = agent.wait_call(call.sip_call_id, resumed=True)
        assert "transfer failed" in gateway.text()
        resumed.wait_frames(10)
        assert call.is_up
        call.hangup()
        call.wait_ended()
    assert len(agent.calls) == 3, "a call that was to end is not given to another agent"


def test_an_agent_that_goes_before_the_answer_leaves_no_line_behind(phone: Softphone, tmp_path: Path) -> None:
    with ScriptedAgent(port=free_port()) as agent, Gateway(agent.address, tmp_path / "log") as gateway:
        for _ in range(4):
            call = phone.dial(gateway.uri)
            stream = agent.wait_call(call.sip_call_id)
            agent.hang_up_stream(stream)
            call.hangup()
            call.wait_ended(5)
        calls = [phone.dial(gateway.uri) for _ in range(3)]
        for call in calls:
            call.wait_connected()
            call.hangup()
