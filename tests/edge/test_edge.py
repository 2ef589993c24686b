# SPDX-License-Identifier: GPL-3.0-or-later
"""Several workers behind one address: who takes a call, what the caller hears when nobody can, and what the
edge lets through.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from contracts.media_stream import Dtmf, Held, Hold, Stop, Transfer, TransferResult
from telephony.health import ping
from telephony.phone_call import CallFailed, PhoneCall
from telephony.softphone import Softphone
from tests.edge.conftest import HOST, RETRY_AFTER_S, Edge, Lines
from tests.telephony.processes import Gateway, OtherPhone, free_port
from tests.telephony.raw_sip import OFFER, RawSip, call_id_of, status, tag_of
from tests.telephony.scripted_agent import AgentCall, ScriptedAgent
from tests.telephony.signals import loudest_hz, tone

OUTSIDE = "127.0.0.9"


def answered(lines: Lines) -> tuple[PhoneCall, AgentCall]:
    """A call that one of the workers took."""
    call = lines.phone.dial(lines.edge.uri)
    call.wait_connected()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for agent in lines.agents:
            for held in agent.calls:
                if held.start.sip_call_id == call.sip_call_id:
                    return call, held
        time.sleep(0.02)
    raise AssertionError("no agent got the call")


def taken(lines: Lines) -> list[int]:
    return [len(agent.calls) for agent in lines.agents]


def test_calls_are_spread_and_one_more_is_refused_at_once(lines: Lines) -> None:
    before = taken(lines)
    calls = [answered(lines) for _ in range(2)]
    assert [now - then for now, then in zip(taken(lines), before, strict=True)] == [1, 1]
    begun = time.monotonic()
    third = lines.phone.dial(lines.edge.uri)
    with pytest.raises(CallFailed) as refused:
        third.wait_connected()
    assert refused.value.status == 503
    assert time.monotonic() - begun < 0.5
    assert third.progress == 0, "no ringing before a refusal"
    with RawSip(lines.edge.port) as raw:
        answer = raw.ask(raw.request("INVITE", body=OFFER))
        assert status(answer) == 503
        assert f"Retry-After: {RETRY_AFTER_S}" in answer
        raw.send(raw.request("ACK", call_id_of(answer), to_tag=tag_of(answer)))
    for call, agent in calls:
        assert call.is_up, "those who talk notice nothing"
        call.hangup()
        agent.wait_for(Stop)


def test_a_place_that_is_free_again_is_found_whoever_has_it(lines: Lines) -> None:
    for _ in range(4):
        first, _ = answered(lines)
        second, _ = answered(lines)
        first.hangup()
        first.wait_ended()
        time.sleep(0.1)
        again, _ = answered(lines)
        assert again.is_up
        for call in (second, again):
            call.hangup()
            call.wait_ended()
        time.sleep(0.1)


def test_both_sides_hear_each_other_and_either_can_end_it(lines: Lines) -> None:
    call, agent = answered(lines)
    agent.send(tone(1.0, hz=700))
    start_ms = call.wait_for_speech(0)
    call.recording.wait_until(start_ms + 800, 5)
    assert loudest_hz(call.received[start_ms * 16 :]) == pytest.approx(700, abs=10)
    call.hangup()
    assert agent.wait_for(Stop).reason == "caller hung up"
    call, agent = answered(lines)
    agent.send_text('{"event": "hangup", "reason": "done", "after_playout": false}')
    assert call.wait_ended(5)[0] == 200


def test_keys_by_info_and_a_call_over_tcp(lines: Lines) -> None:
    call = lines.phone.dial(lines.edge.uri, transport="tcp")
    call.wait_connected()
    call.send_dtmf("12", "info")
    time.sleep(0.3)
    held = [each for agent in lines.agents for each in agent.calls]
    (mine,) = [each for each in held if each.start.sip_call_id == call.sip_call_id]
    assert [message.digit for message in mine.of(Dtmf)] == ["1", "2"]
    call.hangup()
    call.wait_ended()


@pytest.mark.parametrize("mode", ["blind", "attended"])
def test_a_transfer_goes_through(lines: Lines, mode: str) -> None:
    with OtherPhone() as human:
        _call, agent = answered(lines)
        agent.wait_frames(10)
        agent.send(Transfer(target=human.uri, mode=mode))  # type: ignore[arg-type]
        assert agent.wait_for(TransferResult).status == 200
        assert agent.wait_for(Stop).reason == "transferred"
        onward = lines.phone.wait_incoming(5)
        onward.wait_connected()
        onward.wait_for_speech(0)
        onward.hangup()
        onward.wait_ended()


@pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE", "PUBLISH", "REGISTER", "REFER", "FROBNICATE"])
def test_what_nobody_here_has_a_use_for_is_refused(lines: Lines, method: str) -> None:
    with RawSip(lines.edge.port) as raw:
        answer = raw.ask(raw.request(method))
        assert status(answer) == 405
        assert "Allow: INVITE" in answer


def routes_of(answer: str) -> str:
    """The Route headers of a caller who got this answer."""
    recorded = re.findall(r"^Record-Route: *(.*?)\r?$", answer, re.MULTILINE)
    return "".join(f"Route: {route}\r\n" for route in reversed(recorded))


def test_a_telephone_that_takes_its_time_over_a_re_invite_keeps_its_call(lines: Lines) -> None:
    with RawSip(lines.edge.port) as raw:
        answer = raw.ask(raw.request("INVITE", body=OFFER), 3)
        call_id, tag, route = call_id_of(answer), tag_of(answer), routes_of(answer)
        (target,) = re.findall(r"^Contact: *<(.*?)>", answer, re.MULTILINE)

        def request(method: str, sequence: int) -> bytes:
            raw_request = raw.request(method, call_id, to_tag=tag, extra=route, sequence=sequence)
            return re.sub(rb"sip:hotline@\S+ SIP", f"{target} SIP".encode(), raw_request, count=1)

        raw.send(request("ACK", 1))
        held = [each for agent in lines.agents for each in agent.calls if each.start.sip_call_id == call_id]
        held[0].wait_frames(1)
        held[0].send(Hold(on=True))
        while not (raw.receive(2) or "INVITE").startswith("INVITE"):
            pass
        time.sleep(1.5)
        raw.answer_last(OFFER)
        time.sleep(0.3)
        assert not held[0].of(Stop)
        assert status(raw.ask(request("BYE", 2), 2)) == 200


def test_a_refusal_is_acknowledged_whatever_route_the_call_was_given(lines: Lines) -> None:
    """Or it would be sent again and again."""
    calls = [answered(lines) for _ in range(2)]
    with RawSip(lines.edge.port) as raw:
        aside = f"Route: <sip:{HOST}:{lines.edge.port};lr>\r\n"
        answer = raw.ask(raw.request("INVITE", body=OFFER, extra=aside), 3)
        assert status(answer) == 503
        ack = raw.request("ACK", call_id_of(answer), to_tag=tag_of(answer), extra=aside)
        raw.send(ack.replace(b"1ACK\r\n", b"1\r\n"))
        assert raw.receive(1.2) is None
    for call, _ in calls:
        call.hangup()
        call.wait_ended()


def test_a_flood_that_pretends_to_be_of_a_call_is_cut_off(lines: Lines, tmp_path: Path) -> None:
    front = Edge([lines.workers[0].port], tmp_path)
    try:
        with RawSip(front.port) as raw:
            answers = [status(raw.ask(raw.request("INFO", to_tag="x"), 0.05)) for _ in range(180)]
            assert answers[0] == 481
            assert answers[-1] == 0, "dropped without an answer"
            assert status(raw.ask(raw.request("BYE", to_tag="x"))) == 481, "a call can always be ended"
    finally:
        front.stop()


def test_requests_of_no_call_are_refused(lines: Lines) -> None:
    with RawSip(lines.edge.port) as raw:
        assert status(raw.ask(raw.request("BYE", to_tag="nobody"))) == 481
        assert status(raw.ask(raw.request("INFO"))) == 481


def test_it_relays_for_nobody_else(lines: Lines) -> None:
    with RawSip(lines.edge.port) as raw, RawSip(lines.edge.port) as victim:
        aside = f"Route: <sip:{HOST}:{lines.edge.port};lr>\r\nRoute: <sip:{HOST}:{victim.own_port};lr>\r\n"
        assert status(raw.ask(raw.request("INFO", to_tag="x", extra=aside))) == 403
        here = f"Route: <sip:{HOST}:{lines.edge.port};lr>\r\n"
        elsewhere = f"sip:v@{HOST}:{victim.own_port} SIP".encode()
        target = re.sub(
            rb"sip:hotline@\S+ SIP", elsewhere, raw.request("BYE", to_tag="x", extra=here), count=1
        )
        assert status(raw.ask(target)) == 403
        assert victim.receive(0.3) is None


def test_a_dead_worker_is_skipped_and_found_again(phone: Softphone, tmp_path: Path) -> None:
    dead_port = free_port()
    with (
        ScriptedAgent(port=free_port()) as agent,
        Gateway(agent.address, tmp_path / "alive.log") as alive,
    ):
        front = Edge([dead_port, alive.port], tmp_path)
        try:
            # Both turns of the round: the worst a caller waits is the timeout of one dead worker, once.
            for _ in range(2):
                begun = time.monotonic()
                call = phone.dial(front.uri)
                call.wait_connected(5)
                assert time.monotonic() - begun < 1.5
                call.hangup()
                call.wait_ended()
            with (
                ScriptedAgent(port=free_port()) as second,
                Gateway(second.address, tmp_path / "revived.log", sip_port=dead_port),
            ):
                deadline = time.monotonic() + 10
                while not second.calls and time.monotonic() < deadline:
                    call = phone.dial(front.uri)
                    call.wait_connected(5)
                    call.hangup()
                    call.wait_ended()
                    time.sleep(0.3)
                assert second.calls, "a worker that is back gets calls again"
        finally:
            front.stop()


def test_a_killed_edge_comes_back_although_its_children_hold_the_port(lines: Lines, tmp_path: Path) -> None:
    front = Edge([lines.workers[0].port], tmp_path)
    try:
        front.process.kill()
        front.process.wait(5)
        assert ping(HOST, front.port, 0.5) == 200, "its children still answer, and hold the port"
        front.start()
        deadline = time.monotonic() + 10
        # The configuration is read twice: once by each of the two that were started.
        while front.log.read_text().count("Listening on") < 2 or ping(HOST, front.port, 0.2) != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert "that an earlier kamailio had left" in front.log.read_text()
        call = lines.phone.dial(front.uri)
        call.wait_connected()
        call.hangup()
        call.wait_ended()
    finally:
        front.stop()


def test_without_any_agent_nobody_is_left_ringing(phone: Softphone, tmp_path: Path) -> None:
    with Gateway(f"unix://{tmp_path}/none.sock", tmp_path / "log", agent_connect_timeout_s=0.3) as worker:
        front = Edge([worker.port], tmp_path)
        try:
            call = phone.dial(front.uri)
            with pytest.raises(CallFailed) as refused:
                call.wait_connected(5)
            assert (refused.value.status, call.progress) == (503, 0)
        finally:
            front.stop()


def test_telephones_know_it_by_an_address_that_workers_need_not_reach(
    phone: Softphone, tmp_path: Path
) -> None:
    """As with a public address that leads here from outside only: nothing may be sent there from here."""
    everywhere = {"bind_host": "0.0.0.0", "public_host": OUTSIDE, "accept_from": [HOST]}
    with (
        ScriptedAgent(port=free_port()) as agent,
        Gateway(agent.address, tmp_path / "gateway.log", **everywhere) as worker,
        OtherPhone() as human,
    ):
        front = Edge([worker.port], tmp_path, "0.0.0.0", OUTSIDE)
        try:
            call = phone.dial(front.uri)
            call.wait_connected()
            held = agent.wait_call(call.sip_call_id)
            call.hold()
            assert held.wait_for(Held).on, "a re-INVITE reaches the worker"
            call.unhold()
            held.wait_for(Held, 2)
            call.send_dtmf("1", "info")
            held.wait_for(Dtmf)
            held.send(Transfer(target=human.uri, mode="attended"))
            assert held.wait_for(TransferResult).status == 200, "REFER and NOTIFY, from both sides"
            assert held.wait_for(Stop).reason == "transferred"
            call.wait_ended(5)
            phone.hang_up_all()
        finally:
            front.stop()


def test_a_flood_is_cut_off_and_the_edge_lives(lines: Lines, tmp_path: Path) -> None:
    """On an edge of its own: the address of the flood is the address of all tests."""
    front = Edge([lines.workers[0].port], tmp_path)
    try:
        with RawSip(front.port) as raw:
            answers = [status(raw.ask(raw.request("OPTIONS"), 0.05)) for _ in range(180)]
            assert answers[0] == 200
            assert answers[-1] == 0, "dropped without an answer"
        assert "sip:raw" not in front.log.read_text(), "the log does not repeat what strangers send"
    finally:
        front.stop()
