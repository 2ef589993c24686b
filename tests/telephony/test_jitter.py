# SPDX-License-Identifier: GPL-3.0-or-later
"""A caller whose packets come irregularly: they are heard without holes, and no later than they need be."""

from __future__ import annotations

import random
import re
import secrets
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from telephony.speech_gate import SpeechGate
from tests.telephony.conftest import House
from tests.telephony.processes import rtp_base
from tests.telephony.raw_sip import OFFER, RawSip, status, tag_of
from tests.telephony.scripted_agent import AgentCall
from tests.telephony.signals import chirp, match, samples, tone
from tests.telephony.test_other_telephones import decode_alaw

_LEVELS = samples(decode_alaw(bytes(range(256))))
_ORDER = np.argsort(_LEVELS)
FRAME_S = 0.02


def encode_alaw(pcm: bytes) -> bytes:
    """16-bit PCM to the nearest A-law codes."""
    middles = (_LEVELS[_ORDER][1:] + _LEVELS[_ORDER][:-1]) / 2
    return bytes(_ORDER[np.searchsorted(middles, samples(pcm))].astype(np.uint8))


class Line:
    """An answered call whose RTP is sent by hand, each packet with a delay of its own."""

    def __init__(self, agent: AgentCall, udp: socket.socket) -> None:
        self.agent, self._udp, self._number = agent, udp, 0

    def speak(self, pcm: bytes, delays_s: list[float]) -> float:
        """Send speech in packets of 20 ms, the n-th `delays_s[n]` late. Returns when the first was due."""
        coded = encode_alaw(pcm)
        begun = time.monotonic() + 0.005
        due = [(begun + FRAME_S * i + delay, i) for i, delay in enumerate(delays_s)]
        for at, i in sorted(due):
            time.sleep(max(0.0, at - time.monotonic()))
            number = self._number + i
            header = struct.pack("!BBHII", 0x80, 8, number & 0xFFFF, number * 160, 4711)
            self._udp.send(header + coded[i * 160 : (i + 1) * 160])
        self._number += len(delays_s)
        return begun


@contextmanager
def answered(house: House) -> Iterator[Line]:
    call_id, port = secrets.token_hex(4), rtp_base() + 198
    with RawSip(house.gateway.port) as raw, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", port))
        answer = raw.ask(raw.request("INVITE", call_id, OFFER.replace("33998", str(port))), 3)
        assert status(answer) == 200
        found = re.search(r"m=audio (\d+)", answer)
        assert found
        udp.connect(("127.0.0.1", int(found.group(1))))
        raw.send(raw.request("ACK", call_id, to_tag=tag_of(answer)))
        agent = house.agent.wait_call(call_id)
        yield Line(agent, udp)
        raw.ask(raw.request("BYE", call_id, to_tag=tag_of(answer), sequence=2))


def test_forty_milliseconds_of_jitter_make_no_hole(house: House) -> None:
    rng = random.Random(4)
    with answered(house) as line:
        line.speak(bytes(320 * 25), [rng.uniform(0, 0.04) for _ in range(25)])
        line.speak(tone(3.0), [rng.uniform(0, 0.04) for _ in range(150)])
        line.speak(bytes(320 * 10), [0.0] * 10)
    active = SpeechGate().active(line.agent.audio)
    heard = np.flatnonzero(active)
    begin, end = int(heard[0]), int(heard[-1])
    holes = np.diff(heard)
    assert end - begin > 2900
    assert active[begin:end].mean() > 0.985, "concealed, not silent"
    assert holes.max() <= 25, "no hole longer than a packet"


def test_what_a_stall_has_piled_up_is_let_go_of_in_silence(house: House) -> None:
    with answered(house) as line:
        line.speak(bytes(320 * 25), [0.0] * 25)
        line.speak(bytes(320 * 15), [FRAME_S * (15 - i) for i in range(15)])
        line.speak(bytes(320 * 75), [0.0] * 75)
        sent = line.speak(chirp(0.3), [0.0] * 15)
        line.speak(bytes(320 * 25), [0.0] * 25)
    score, at = match(line.agent.audio, chirp(0.3))
    assert score > 0.9
    frame, within = divmod(at, 160)
    late_s = line.agent.arrivals[frame] + within / 8000 - sent
    assert late_s < 0.1, "300 ms had piled up; PJSIP by itself still holds them after 1.5 s"
