# SPDX-License-Identifier: GPL-3.0-or-later
"""Audio, marks, clears and keys of a call, through a real gateway process and real RTP."""

from __future__ import annotations

import time

import numpy as np
import pytest

from contracts.media_stream import (
    FRAME_BYTES,
    Clear,
    Cleared,
    Dtmf,
    Hangup,
    Hold,
    Mark,
    MarkReached,
    Stop,
)
from tests.telephony.conftest import House
from tests.telephony.processes import Gateway, free_port
from tests.telephony.scripted_agent import ScriptedAgent
from tests.telephony.signals import chirp, likeness, loudest_hz, tone

# G.711 alone gives 0.999; a frame concealed because the machine was busy costs some hundredths.
SAME = 0.95


@pytest.mark.parametrize(("codec", "transport"), [("PCMA", "udp"), ("PCMU", "tcp")])
def test_audio_is_the_same_at_both_ends(house: House, codec: str, transport: str) -> None:
    call, agent = house.call(
        codec=codec, transport=transport, caller="+4930123", headers={"X-Branch": "Mitte"}
    )
    assert (agent.start.caller, agent.start.callee, agent.start.codec) == ("+4930123", "hotline", codec)
    assert agent.start.custom["X-Branch"] == "Mitte"
    sound = chirp(1.0)
    said = call.say(sound)
    agent.send(sound)
    call.recording.wait_until(said.end_ms + 300, 5)
    agent.wait_frames((said.end_ms + 200) // 20)
    up = likeness(agent.audio, sound)
    down = likeness(call.received, sound)
    assert up > SAME, "caller to agent"
    assert down > SAME, "agent to caller"


def test_frames_are_the_clock(house: House) -> None:
    call, agent = house.call()
    agent.wait_frames(100)
    assert {len(frame) for frame in agent.frames} == {FRAME_BYTES}
    gaps = np.diff(agent.arrivals[:100])
    assert float(np.mean(gaps)) == pytest.approx(0.020, abs=0.001)
    assert float(np.max(gaps)) < 0.2
    call.hangup()
    stop = agent.wait_for(Stop)
    assert stop.at_ms == len(agent.frames) * 20
    assert stop.reason == "caller hung up"


def test_greeting_starts_with_the_call(
    phone: object, house: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("greeting") / "log"
    with (
        ScriptedAgent(port=free_port(), greeting=chirp(0.5)) as agent,
        Gateway(agent.address, log) as gateway,
    ):
        call = house.phone.dial(gateway.uri)
        call.wait_connected()
        assert call.wait_for_speech(0, 3) < 250
        call.wait_for_silence(200)
        assert likeness(call.received, chirp(0.5)) > SAME
        call.hangup()
        call.wait_ended()


def test_clear_is_heard_within_three_frames(house: House) -> None:
    call, agent = house.call()
    delays = []
    for _ in range(4):
        agent.send(tone(10))
        call.recording.wait_until(call.wait_for_speech(call.now_ms) + 400, 3)
        asked_ms = call.now_ms
        agent.send(Clear())
        delays.append(call.wait_for_silence(200, after_ms=asked_ms) - asked_ms)
    # The second best: now and then the jitter buffer of a telephone on a busy machine holds a frame more.
    assert sorted(delays)[1] <= 60, delays


def test_clear_is_accounted_for(house: House) -> None:
    call, agent = house.call()
    agent.send(tone(10), Mark(name="never"))
    call.recording.wait_until(call.wait_for_speech(0) + 500, 3)
    agent.send(Clear())
    cleared = agent.wait_for(Cleared)
    assert cleared.dropped_ms + cleared.played_ms == 10_000
    assert cleared.played_ms == pytest.approx(600, abs=300)
    mark = agent.wait_for(MarkReached)
    assert (mark.name, mark.played) == ("never", False)
    assert agent.messages.index(mark) < agent.messages.index(cleared)


def test_marks_come_in_order_when_their_speech_has_been_played(house: House) -> None:
    call, agent = house.call()
    agent.wait_frames(10)
    agent.send(Mark(name="empty"), tone(0.4), Mark(name="one"), tone(0.2), Mark(name="two"))
    agent.wait_for(MarkReached, 3)
    empty, one, two = agent.of(MarkReached)
    assert [m.name for m in (empty, one, two)] == ["empty", "one", "two"]
    assert all(m.played for m in (empty, one, two))
    assert (one.at_ms - empty.at_ms, two.at_ms - one.at_ms) == (400, 200)
    start_ms = call.wait_for_speech(0)
    assert call.wait_for_silence(200) - start_ms == pytest.approx(600, abs=60)


def test_marks_left_at_the_end_are_not_played(house: House) -> None:
    call, agent = house.call()
    agent.send(tone(5), Mark(name="goodbye"))
    call.wait_for_speech(0)
    call.hangup()
    stop = agent.wait_for(Stop)
    mark = agent.of(MarkReached)[0]
    assert (mark.name, mark.played, mark.at_ms) == ("goodbye", False, stop.at_ms)
    assert 0 < mark.played_ms < 1000, "what was heard of it"
    assert agent.messages[-2:] == [mark, stop]
    agent.wait_until(lambda: agent.closed, 3, "closed stream")


def test_odd_sizes_lose_only_the_remainder(house: House) -> None:
    call, agent = house.call()
    sound = chirp(0.5)
    agent.send(sound + b"\1\2\3", Mark(name="end"))
    agent.wait_for(MarkReached)
    call.wait_for_silence(200, after_ms=call.wait_for_speech(0))
    assert likeness(call.received, sound) > SAME
    assert "beyond whole frames" in house.gateway.text()


def test_malformed_messages_of_the_agent_are_ignored(house: House) -> None:
    call, agent = house.call()
    for text in ("", "{}", '{"event": "dance"}', '{"event": "mark"}', "[" * 50):
        agent.send_text(text)
    agent.send(Mark(name="alive"))
    assert agent.wait_for(MarkReached).name == "alive"
    assert call.is_up


@pytest.mark.parametrize("method", ["rfc4733", "info"])
def test_keys_are_reported_once_each_and_never_logged(house: House, method: str) -> None:
    call, agent = house.call()
    agent.wait_frames(5)
    call.send_dtmf("4077#*", method)  # type: ignore[arg-type]
    agent.wait_for(Dtmf, 6)
    time.sleep(0.3)
    keys = agent.of(Dtmf)
    assert "".join(k.digit for k in keys) == "4077#*"
    assert {k.source for k in keys} == {method}
    assert "4077" not in house.gateway.text()


def test_hangup_waits_for_the_speech(house: House) -> None:
    call, agent = house.call()
    agent.send(tone(0.6), Hangup(reason="done"))
    status, _ = call.wait_ended(5)
    stop = agent.wait_for(Stop)
    assert status == 200
    assert stop.reason == "agent hung up: done"
    start_ms = call.wait_for_speech(0)
    end_ms = house.phone.settings.gate.last_speech_ms(call.received) or 0
    assert 575 <= end_ms - start_ms <= 660, "the last word is neither cut nor much drawn out by concealment"


def test_hangup_at_once_does_not(house: House) -> None:
    call, agent = house.call()
    agent.send(tone(10), Hangup(after_playout=False))
    call.wait_ended(2)
    assert call.now_ms < 2000


def test_hold_and_back(house: House) -> None:
    call, agent = house.call()
    agent.wait_frames(10)
    agent.send(Hold(on=True))
    time.sleep(0.5)
    frames = len(agent.frames)
    time.sleep(0.5)
    assert len(agent.frames) - frames == pytest.approx(25, abs=5), "the audio clock goes on"
    agent.send(Hold(on=False))
    time.sleep(0.3)
    sound = chirp(0.5)
    begun = len(agent.frames)
    agent.send(sound)
    said = call.say(sound)
    call.recording.wait_until(said.end_ms + 200, 5)
    agent.wait_frames(begun + 45)
    assert likeness(call.received, sound) > SAME
    assert likeness(agent.audio, sound) > SAME


def test_calls_do_not_mix(house: House) -> None:
    sounds = {hz: tone(1.0, hz=hz) for hz in (500, 900, 1700)}
    calls = {hz: house.call() for hz in sounds}
    for hz, (call, agent) in calls.items():
        call.say(sounds[hz])
        agent.send(sounds[hz])
    for hz, (call, agent) in calls.items():
        start_ms = call.wait_for_speech(0)
        call.recording.wait_until(start_ms + 900, 5)
        agent.wait_frames(60)
        assert loudest_hz(call.received[start_ms * 16 : start_ms * 16 + 12800]) == pytest.approx(hz, abs=10)
        assert loudest_hz(agent.audio) == pytest.approx(hz, abs=10)
