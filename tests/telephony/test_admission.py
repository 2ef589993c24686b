# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in and who does not, and that no refused, cancelled or broken call costs a line."""

from __future__ import annotations

import random
import socket
import threading
import time
from pathlib import Path

import pytest

from contracts.media_stream import Stop
from telephony.softphone import CallFailed, Softphone
from tests.telephony.conftest import House
from tests.telephony.processes import Gateway, free_port
from tests.telephony.raw_sip import OFFER, RawSip, call_id_of, status, tag_of
from tests.telephony.scripted_agent import ScriptedAgent
from tests.telephony.signals import tone

LINES = 3


def assert_all_lines_are_free(house: House) -> None:
    calls = [house.call()[0] for _ in range(LINES)]
    for call in calls:
        assert call.is_up
        call.hangup()
    for call in calls:
        call.wait_ended()


def test_fourth_call_is_busy_and_the_others_do_not_notice(house: House) -> None:
    calls = [house.call() for _ in range(LINES)]
    for _, agent in calls:
        agent.send(tone(4))
    starts = [call.wait_for_speech(0) for call, _ in calls]
    for _ in range(3):
        with pytest.raises(CallFailed) as refused:
            house.phone.dial(house.gateway.uri).wait_connected()
        assert refused.value.status == 486
    calls[0][0].recording.wait_until(starts[0] + 1500, 5)
    for (call, _), start_ms in zip(calls, starts, strict=True):
        heard = house.phone.settings.gate.active(call.received[start_ms * 16 : (start_ms + 1400) * 16])
        assert heard.mean() > 0.9, "the others' speech has no holes"


def test_without_an_agent_callers_get_503(phone: Softphone, tmp_path: Path) -> None:
    path = tmp_path / "agent.sock"
    options = {"retry_after_s": 7, "agent_connect_timeout_s": 0.5}
    with Gateway(f"unix://{path}", tmp_path / "log", **options) as gateway, RawSip(gateway.port) as raw:
        assert_unavailable(phone, gateway)
        answer = raw.ask(raw.request("INVITE", body=OFFER), 3)
        assert status(answer) == 503
        assert "Retry-After: 7" in answer
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.bind(str(path))
            deaf.listen(5)
            begun = time.monotonic()
            assert_unavailable(phone, gateway)
            assert 0.5 <= time.monotonic() - begun < 2.0, "an agent that accepts and says nothing"


def assert_unavailable(phone: Softphone, gateway: Gateway) -> None:
    with pytest.raises(CallFailed) as refused:
        phone.dial(gateway.uri).wait_connected(5)
    assert refused.value.status == 503


def test_an_agent_that_refuses_a_call_makes_it_busy(phone: Softphone, tmp_path: Path) -> None:
    with (
        ScriptedAgent(port=free_port()) as agent,
        Gateway(agent.address, tmp_path / "log", retry_after_s=7) as gateway,
        RawSip(gateway.port) as raw,
    ):
        for retry_after, expected in (("3", (486, "3")), ("", (503, "7")), ("soon", (503, "7"))):
            agent.refuse = retry_after
            answer = raw.ask(raw.request("INVITE", body=OFFER), 3)
            raw.send(raw.request("ACK", call_id_of(answer), to_tag=tag_of(answer)))
            assert status(answer) == expected[0]
            assert f"Retry-After: {expected[1]}\r\n" in answer
        agent.refuse = None
        phone.dial(gateway.uri).wait_connected()


def test_calls_that_arrive_together_do_not_share_the_last_place(phone: Softphone, tmp_path: Path) -> None:
    with (
        ScriptedAgent(port=free_port()) as agent,
        Gateway(agent.address, tmp_path / "log", max_calls=1, retry_after_s=7) as gateway,
        RawSip(gateway.port) as raw,
    ):
        for number in range(3):
            for rival in range(8):
                raw.send(raw.request("INVITE", f"rival{number}{rival}", OFFER))
            answers = {}
            while (answer := raw.receive(0.4)) is not None:
                if status(answer) >= 200:
                    answers[call_id_of(answer)] = answer
            statuses = sorted(status(answer) for answer in answers.values())
            assert statuses == [200] + [486] * 7
            assert all("Retry-After: 7" in a for a in answers.values() if status(a) == 486)
            call_id, won = next(item for item in answers.items() if status(item[1]) == 200)
            raw.send(raw.request("ACK", call_id, to_tag=tag_of(won)))
            assert status(raw.ask(raw.request("BYE", call_id, to_tag=tag_of(won), sequence=2))) == 200
            time.sleep(0.1)
        assert len(agent.calls) == 3


def test_rapid_calls_some_cancelled_leave_no_line_behind(house: House) -> None:
    rng = random.Random(5)
    answered = 0
    for _ in range(50):
        call = house.phone.dial(house.gateway.uri)
        if rng.random() < 0.5:
            time.sleep(rng.choice((0, 0, 0.002, 0.005, 0.01, 0.02)))
            call.hangup()
        else:
            call.wait_connected()
            answered += 1
            call.hangup()
        call.wait_ended(5)
    assert answered > 10
    assert_all_lines_are_free(house)


def test_cancel_and_bye_by_hand_leave_no_line_behind(house: House) -> None:
    with RawSip(house.gateway.port) as raw:
        for number in range(8):
            call_id = f"race{number}{free_port()}"
            raw.send(raw.request("INVITE", call_id, OFFER))
            raw.send(raw.request("CANCEL", call_id))
            seen = [answer for _ in range(6) if (answer := raw.receive(0.15))]
            final = [a for a in seen if "INVITE" in a and status(a) >= 200]
            assert final, seen
            tag = tag_of(final[0])
            raw.send(raw.request("ACK", call_id, to_tag=tag))
            if status(final[0]) == 200:
                assert status(raw.ask(raw.request("BYE", call_id, to_tag=tag, sequence=2))) == 200
    assert_all_lines_are_free(house)


def test_bye_before_ack_leaves_no_line_behind(house: House) -> None:
    with RawSip(house.gateway.port) as raw:
        for number in range(4):
            call_id = f"early{number}{free_port()}"
            answer = raw.ask(raw.request("INVITE", call_id, OFFER), 3)
            assert status(answer) == 200
            raw.ask(raw.request("BYE", call_id, to_tag=tag_of(answer), sequence=2))
            raw.send(raw.request("ACK", call_id, to_tag=tag_of(answer)))
    assert_all_lines_are_free(house)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("MESSAGE", 405),
        ("SUBSCRIBE", 405),
        ("PUBLISH", 405),
        ("REGISTER", 405),
        ("DANCE", 405),
        ("REFER", 403),
        ("INFO", 481),
        ("NOTIFY", 481),
        ("BYE", 481),
        ("CANCEL", 481),
        ("OPTIONS", 200),
    ],
)
def test_requests_outside_of_a_dialog(house: House, method: str, expected: int) -> None:
    extra = "Event: presence\r\nRefer-To: <sip:x@127.0.0.1>\r\n"
    with RawSip(house.gateway.port) as raw:
        answer = raw.ask(raw.request(method, extra=extra))
        assert status(answer) == expected
        if expected == 405:
            assert "\r\nAllow: INVITE" in answer


def test_a_caller_cannot_make_the_gateway_dial(house: House) -> None:
    with RawSip(house.gateway.port) as raw:
        answer = raw.ask(raw.request("INVITE", "tollfraud", OFFER), 3)
        tag = tag_of(answer)
        raw.send(raw.request("ACK", "tollfraud", to_tag=tag))
        target = f"Refer-To: <sip:premium@127.0.0.1:{raw.own_port}>\r\n"
        refused = raw.ask(raw.request("REFER", "tollfraud", to_tag=tag, extra=target, sequence=2))
        assert status(refused) == 403
        raw.ask(raw.request("BYE", "tollfraud", to_tag=tag, sequence=3))


def test_callers_who_vanish_free_the_line(tmp_path: Path) -> None:
    options = {"sip_timeout_s": 1.0, "rtp_timeout_s": 1.0, "max_calls": 1}
    with (
        ScriptedAgent(port=free_port()) as agent,
        Gateway(agent.address, tmp_path / "log", **options) as gateway,
        RawSip(gateway.port) as raw,
    ):
        assert status(raw.ask(raw.request("INVITE", "mute", OFFER), 3)) == 200
        assert status(raw.ask(raw.request("INVITE", "second", OFFER), 3)) == 486
        agent.wait_call().wait_for(Stop, timeout_s=6)
        deadline = time.monotonic() + 4
        while status(answer := raw.ask(raw.request("INVITE", "gone", OFFER), 3)) != 200:
            assert time.monotonic() < deadline, "the unacknowledged call still holds the line"
            time.sleep(0.1)
        raw.send(raw.request("ACK", "gone", to_tag=tag_of(answer)))
        begun = time.monotonic()
        while not (request := raw.receive(4) or "").startswith("BYE "):
            assert request, "no BYE for a caller whose audio has stopped"
        assert 0.9 < time.monotonic() - begun < 3.5
        raw.answer_last()
        agent.calls[-1].wait_for(Stop)
        assert agent.calls[-1].of(Stop)[0].reason == "no audio from the caller"


def test_a_flood_of_tcp_connections_is_survived(house: House) -> None:
    call, agent = house.call()
    until = time.monotonic() + 1.5

    def connect() -> None:
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", house.gateway.port), 0.3).close()
            except OSError:
                continue

    flooders = [threading.Thread(target=connect) for _ in range(4)]
    for flooder in flooders:
        flooder.start()
    for flooder in flooders:
        flooder.join()
    frames = len(agent.frames)
    agent.wait_frames(frames + 25)
    assert call.is_up
    time.sleep(0.7)
    assert house.call(transport="tcp")[0].is_up


def test_a_flood_of_calls_is_survived(house: House) -> None:
    with RawSip(house.gateway.port) as raw:
        for number in range(300):
            raw.send(raw.request("INVITE", f"flood{number}", OFFER))
            raw.send(raw.request("CANCEL", f"flood{number}"))
        answers = []
        while (answer := raw.receive(0.5)) is not None:
            answers.append(status(answer))
        assert {486, 503} & set(answers)
    time.sleep(1.0)
    assert_all_lines_are_free(house)


def test_malformed_sip_is_survived(house: House) -> None:
    rng = random.Random(11)
    call, agent = house.call()
    with RawSip(house.gateway.port) as raw:
        good = raw.request("INVITE", "mutant", OFFER)
        raw.send(b"\0" * 1200)
        raw.send(rng.randbytes(500))
        raw.send(b"INVITE sip:x SIP/2.0\r\n\r\n")
        raw.send(raw.request("OPTIONS", extra="X-A: " + "a" * 60_000 + "\r\n"))
        raw.send(raw.request("INVITE", body="v=0\r\nnonsense\r\n"))
        raw.send(raw.request("INVITE", body=OFFER.replace("8 PCMA", "18 G729").replace("AVP 8", "AVP 18")))
        for number in range(300):
            mutant = bytearray(good.replace(b"mutant", b"mutant%d" % number))
            for _ in range(rng.randint(1, 12)):
                mutant[rng.randrange(len(mutant))] = rng.randrange(256)
            raw.send(bytes(mutant[: rng.randrange(len(mutant))] if rng.random() < 0.5 else mutant))
            time.sleep(0.0005)
        while raw.receive(0.2) is not None:
            pass
        assert status(raw.ask(raw.request("OPTIONS"))) == 200
    frames = len(agent.frames)
    agent.wait_frames(frames + 25)
    assert call.is_up


def test_calls_of_strangers_are_refused_where_only_the_edge_may_send_them(
    phone: Softphone, tmp_path: Path
) -> None:
    with (
        ScriptedAgent(port=free_port()) as agent,
        Gateway(
            agent.address,
            tmp_path / "log",
            bind_host="0.0.0.0",
            public_host="127.0.0.1",
            accept_from=["127.0.0.2"],
        ) as gateway,
        RawSip(gateway.port) as stranger,
        RawSip(gateway.port, "127.0.0.2") as edge,
    ):
        refused = stranger.ask(stranger.request("INVITE", body=OFFER), 3)
        assert status(refused) == 403
        assert status(stranger.ask(stranger.request("OPTIONS"))) == 200
        with pytest.raises(CallFailed) as by_tcp:
            phone.dial(gateway.uri, transport="tcp").wait_connected()
        assert by_tcp.value.status == 403
        assert not agent.calls
        taken = edge.ask(edge.request("INVITE", body=OFFER), 3)
        assert status(taken) == 200
        edge.send(edge.request("ACK", call_id_of(taken), to_tag=tag_of(taken)))
        bye = stranger.request("BYE", call_id_of(taken), to_tag=tag_of(taken), sequence=2)
        assert status(stranger.ask(bye)) == 200, "requests of a call may come from anywhere"
        assert "calls refused=1 last_status=403" in gateway.text(), "refused before PJSUA saw it"
