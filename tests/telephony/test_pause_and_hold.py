# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech that is paused and taken up again, by the agent's wish or because the caller holds the line."""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path

import numpy as np
import pytest

from contracts.media_stream import (
    Clear,
    Cleared,
    Dtmf,
    Hangup,
    Held,
    Hold,
    Mark,
    MarkReached,
    Pause,
    Resume,
    Stop,
    Transfer,
    TransferResult,
)
from telephony.phone_call import PhoneCall
from telephony.softphone import Softphone
from tests.telephony.conftest import House
from tests.telephony.processes import Gateway, free_port
from tests.telephony.raw_sip import OFFER, RawSip, status, tag_of
from tests.telephony.scripted_agent import AgentCall, ScriptedAgent
from tests.telephony.signals import chirp, likeness, tone


def heard_ms(call: PhoneCall) -> int:
    """How long the caller has heard sound."""
    return int(call.recording.gate.active(call.received).sum())


def test_a_pause_is_heard_within_three_frames_and_nothing_is_lost(house: House) -> None:
    call, agent = house.call()
    sound = chirp(1.2)
    agent.send(sound, Mark(name="end"))
    delays = []
    for _ in range(2):
        call.recording.wait_until(call.wait_for_speech(call.now_ms) + 300, 3)
        asked_ms = call.now_ms
        agent.send(Pause())
        delays.append(call.wait_for_silence(200, after_ms=asked_ms) - asked_ms)
        assert not agent.of(MarkReached)
        agent.send(Resume())
    # The better one: now and then the jitter buffer of a telephone on a busy machine holds a frame more.
    assert min(delays) <= 60, delays
    mark = agent.wait_for(MarkReached)
    assert (mark.played, mark.played_ms) == (True, 1200)
    call.recording.wait_until(call.now_ms + 200, 3)
    assert heard_ms(call) == pytest.approx(1200, abs=60)
    assert likeness(call.received, sound, 50) > 0.9


def test_a_rewind_repeats_the_last_word(house: House) -> None:
    call, agent = house.call()
    agent.send(chirp(1.5), Mark(name="end"))
    call.recording.wait_until(call.wait_for_speech(0) + 700, 3)
    agent.send(Pause())
    stopped_ms = call.wait_for_silence(200, after_ms=call.now_ms)
    agent.send(Resume(rewind_ms=400))
    assert agent.wait_for(MarkReached).played_ms == 1500
    assert heard_ms(call) == pytest.approx(1900, abs=80)
    before, after = call.received[: stopped_ms * 16], call.received[stopped_ms * 16 :]
    word = before[-300 * 16 : -100 * 16]
    assert likeness(after, word, 50) > 0.9, "what was said before the pause is said again"


def test_a_clear_during_a_pause_tells_what_was_heard(house: House) -> None:
    call, agent = house.call()
    agent.send(tone(0.4), Mark(name="whole"), tone(3), Mark(name="half"))
    call.recording.wait_until(call.wait_for_speech(0) + 1000, 4)
    agent.send(Pause())
    call.wait_for_silence(200, after_ms=call.now_ms)
    agent.send(Clear(), chirp(0.5), Mark(name="next"))
    cleared = agent.wait_for(Cleared)
    agent.wait_for(MarkReached, 3)
    whole, half, following = agent.of(MarkReached)
    assert (whole.played, whole.played_ms) == (True, 400)
    assert (half.played, half.played_ms) == (False, cleared.played_ms - 400)
    assert half.played_ms == pytest.approx(650, abs=250)
    assert (following.played, following.played_ms) == (True, 500)
    assert likeness(call.received, chirp(0.5)) > 0.9


@pytest.mark.parametrize("wish", [Hangup(), Transfer(target="tel:+49301")])
def test_a_farewell_waits_behind_a_pause(house: House, wish: Hangup | Transfer) -> None:
    call, agent = house.call()
    agent.send(tone(0.6), wish)
    call.recording.wait_until(call.wait_for_speech(0) + 200, 3)
    agent.send(Pause())
    time.sleep(0.7)
    assert call.is_up
    assert not agent.of(TransferResult)
    agent.send(Resume())
    agent.wait_for(Stop if isinstance(wish, Hangup) else TransferResult, timeout_s=5)
    assert heard_ms(call) == pytest.approx(600, abs=60)


def test_the_caller_hangs_up_during_a_pause(house: House) -> None:
    for _ in range(4):
        call, agent = house.call()
        agent.send(tone(5), Mark(name="never"), Pause(), Hangup())
        agent.wait_frames(5)
        call.hangup()
        assert agent.wait_for(Stop).reason == "caller hung up"
        assert not agent.of(MarkReached)[0].played


@pytest.mark.parametrize("method", ["rfc4733", "info"])
def test_keys_are_reported_while_speech_is_paused(house: House, method: str) -> None:
    call, agent = house.call()
    agent.send(tone(5))
    call.wait_for_speech(0)
    agent.send(Pause())
    call.send_dtmf("49#", method)  # type: ignore[arg-type]
    agent.wait_for(Dtmf, 3)
    assert "".join(key.digit for key in agent.of(Dtmf)) == "49#"


@pytest.mark.parametrize("method", ["rfc4733", "info"])
def test_keys_are_reported_while_the_caller_holds(house: House, method: str) -> None:
    call, agent = house.call()
    agent.wait_frames(5)
    call.hold()
    agent.wait_for(Held)
    call.send_dtmf("49#", method)  # type: ignore[arg-type]
    agent.wait_for(Dtmf, 3)
    assert "".join(key.digit for key in agent.of(Dtmf)) == "49#"


def test_a_disclosure_goes_on_where_a_hold_stopped_it(house: House) -> None:
    call, agent = house.call()
    agent.send(tone(1.2), Mark(name="end"))
    call.recording.wait_until(call.wait_for_speech(0) + 500, 3)
    call.hold()
    held = agent.wait_for(Held)
    assert held.on
    frames = len(agent.frames)
    call.say(tone(0.6, hz=700))
    time.sleep(0.6)
    assert len(agent.frames) - frames == pytest.approx(30, abs=6), "the audio clock goes on"
    assert not any(np.frombuffer(b"".join(agent.frames[frames + 1 :]), "<i2")), "with silence"
    assert not agent.of(MarkReached)
    call.unhold()
    assert not agent.wait_for(Held, 2).on
    mark = agent.wait_for(MarkReached)
    assert (mark.played, mark.played_ms) == (True, 1200)
    # What was on its way when the caller pressed the button is lost at their end.
    assert heard_ms(call) == pytest.approx(1150, abs=120)
    said = call.say(chirp(0.5))
    call.recording.wait_until(said.end_ms + 200, 5)
    assert likeness(agent.audio, chirp(0.5)) > 0.9


WAYS = [("sendonly", "127.0.0.1"), ("inactive", "127.0.0.1"), ("sendrecv", "0.0.0.0")]


def test_every_way_to_hold(tmp_path: Path) -> None:
    with (
        ScriptedAgent(port=free_port()) as scripted,
        Gateway(scripted.address, tmp_path / "log", rtp_timeout_s=0.6) as gateway,
        RawSip(gateway.port) as raw,
    ):
        for direction, address in WAYS:
            call_id = secrets.token_hex(4)
            tag = tag_of(raw.ask(raw.request("INVITE", call_id, OFFER), 3))
            raw.send(raw.request("ACK", call_id, to_tag=tag))
            agent = scripted.wait_call(call_id)
            agent.send(tone(0.2), Mark(name="end"))
            held = OFFER.replace("127.0.0.1\r\nt=", f"{address}\r\nt=").replace("1 1 IN", "1 2 IN")
            reinvite(raw, call_id, tag, 2, held + f"a={direction}\r\n")
            assert agent.wait_for(Held).on, direction
            frames = len(agent.frames)
            agent.wait_frames(frames + 45)
            assert not agent.of(Stop), "no RTP is no fault while the caller holds"
            assert not agent.of(MarkReached)
            reinvite(raw, call_id, tag, 3, OFFER.replace("1 1 IN", "1 3 IN"))
            assert not agent.wait_for(Held, 2).on
            assert agent.wait_for(MarkReached).played_ms == 200
            raw.ask(raw.request("BYE", call_id, to_tag=tag, sequence=4))


def test_who_holds_and_vanishes_keeps_no_line(tmp_path: Path) -> None:
    with (
        ScriptedAgent(port=free_port()) as scripted,
        Gateway(scripted.address, tmp_path / "log", hold_timeout_s=0.6) as gateway,
        RawSip(gateway.port) as raw,
    ):
        call_id = secrets.token_hex(4)
        tag = tag_of(raw.ask(raw.request("INVITE", call_id, OFFER), 3))
        raw.send(raw.request("ACK", call_id, to_tag=tag))
        agent = scripted.wait_call(call_id)
        held = OFFER.replace("1 1 IN", "1 2 IN") + "a=inactive\r\n"
        reinvite(raw, call_id, tag, 2, held)
        agent.wait_for(Held)
        reinvite(raw, call_id, tag, 3, OFFER.replace("1 1 IN", "1 3 IN"))
        agent.wait_for(Held, 2)
        time.sleep(0.8)
        assert not agent.of(Stop), "taken back in time"
        reinvite(raw, call_id, tag, 4, held.replace("1 2 IN", "1 4 IN"))
        assert agent.wait_for(Stop, timeout_s=3).reason == "held too long"
        while not (raw.receive() or "BYE").startswith("BYE"):
            pass
        raw.answer_last()


def test_who_is_taken_back_while_the_hold_is_not_yet_answered_comes_back(house: House) -> None:
    with RawSip(house.gateway.port) as raw:
        call_id = secrets.token_hex(4)
        tag = tag_of(raw.ask(raw.request("INVITE", call_id, OFFER), 3))
        raw.send(raw.request("ACK", call_id, to_tag=tag))
        agent = house.agent.wait_call(call_id)
        agent.wait_frames(1)
        agent.send(Hold(on=True), Hold(on=False))
        assert "a=sendonly" in next_invite(raw)
        time.sleep(0.2)
        raw.answer_last(OFFER.replace("1 1 IN", "1 2 IN") + "a=recvonly\r\n")
        back = next_invite(raw)
        assert "a=sendrecv" in back or "a=send" not in back
        raw.answer_last(OFFER.replace("1 1 IN", "1 3 IN"))
        assert status(raw.ask(raw.request("BYE", call_id, to_tag=tag, sequence=2))) == 200


def next_invite(raw: RawSip) -> str:
    """The next re-INVITE of the gateway that is no repetition."""
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        message = raw.receive() or ""
        sequence = int((re.findall(r"^CSeq: *(\d+)", message, re.MULTILINE) or [0])[0])
        if message.startswith("INVITE") and sequence != raw.answered:
            raw.answered = sequence
            return message
    raise TimeoutError("no re-INVITE")


def reinvite(raw: RawSip, call_id: str, tag: str, sequence: int, offer: str) -> None:
    assert status(raw.ask(raw.request("INVITE", call_id, offer, tag, sequence=sequence), 3)) == 200
    raw.send(raw.request("ACK", call_id, to_tag=tag, sequence=sequence))


def test_an_agent_lost_in_a_pause_leaves_the_caller_in_no_silence(phone: Softphone, tmp_path: Path) -> None:
    with ScriptedAgent(port=free_port()) as scripted, Gateway(scripted.address, tmp_path / "log") as gateway:
        call = phone.dial(gateway.uri)
        call.wait_connected()
        first = scripted.wait_call(call.sip_call_id)
        first.send(tone(2), Pause())
        first.wait_frames(5)
        call.hold()
        first.wait_for(Held)
        scripted.hang_up_stream(first)
        second: AgentCall = scripted.wait_call(call.sip_call_id, resumed=True)
        assert second.wait_for(Held).on, "the new agent learns of the hold"
        second.send(chirp(0.5), Mark(name="end"))
        call.unhold()
        assert second.wait_for(MarkReached).played
        call.recording.wait_until(call.now_ms + 200, 3)
        assert likeness(call.received, chirp(0.5)) > 0.9
