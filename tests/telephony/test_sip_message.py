# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from SIP texts, whatever they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.call_id import new_call_id
from telephony.call_rate import CallRate
from telephony.dtmf import KeyPresses
from telephony.method_filter import method_of, refusal
from telephony.sip_message import CUSTOM_HEADER_LIMIT, custom_headers, headers, offered_codec, user_part


@pytest.mark.parametrize(
    ("address", "user"),
    [
        ("sip:+4930123@bank.example", "+4930123"),
        ('"Ann <x>" <sip:%2B49301@host;x=y>;tag=1', "+49301"),
        ("<sips:ann:secret@host>", "ann"),
        ("<sip:+1555;phone-context=x@host>", "+1555"),
        ("<tel:+49-30-1;phone-context=y>", "+49-30-1"),
        ("sip:host", ""),
        ("<sip:host:5060>", ""),
        ("", ""),
        ("anonymous", ""),
    ],
)
def test_user_part(address: str, user: str) -> None:
    assert user_part(address) == user


def test_custom_headers() -> None:
    message = (
        "INVITE sip:a@b SIP/2.0\r\nX-Branch: Mitte\r\nx-folded: one\r\n two\r\nX-Branch: second\r\n"
        "P-Asserted-Identity: <sip:+49@bank>\r\nSubject: no\r\nno colon\r\n\r\nX-Body: not a header\r\n"
    )
    expected = {"X-Branch": "Mitte", "x-folded": "one two", "P-Asserted-Identity": "<sip:+49@bank>"}
    assert custom_headers(message) == expected


def test_custom_headers_are_bounded() -> None:
    lines = "".join(f"X-{i}: {'v' * 2000}\r\n" for i in range(100))
    custom = custom_headers(f"INVITE sip:a@b SIP/2.0\r\n{lines}\r\n")
    assert len(custom) == CUSTOM_HEADER_LIMIT
    assert max(map(len, custom.values())) == 512


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text_gives_something_that_utf8_can_carry(text: str) -> None:
    for value in (user_part(text), *custom_headers("r\r\nX-A: " + text).values(), offered_codec(text)):
        value.encode()
    headers(text)


@pytest.mark.parametrize(
    ("offer", "codec"),
    [
        ("m=audio 4000 RTP/AVP 8 0 101", "PCMA"),
        ("m=audio 4000 RTP/AVP 18 0 8", "PCMU"),
        ("m=audio 4000 RTP/AVP 18", "PCMA"),
        ("", "PCMA"),
    ],
)
def test_offered_codec(offer: str, codec: str) -> None:
    assert offered_codec(f"v=0\r\n{offer}\r\n") == codec


def test_call_ids_sort_by_time_wherever_the_clock_is() -> None:
    begun = datetime(2026, 11, 23, 11, 55, tzinfo=UTC)
    ids = [new_call_id(lambda at=begun + timedelta(seconds=i): at, lambda n: "ab" * n) for i in range(90)]  # type: ignore[misc]
    assert ids[0] == "c-20261123T115500-ababab"
    assert ids == sorted(ids)
    local = begun.astimezone(timezone(timedelta(hours=8)))
    assert new_call_id(lambda: local, lambda n: "ab" * n) == ids[0]
    assert len({new_call_id() for _ in range(1000)}) == 1000


def test_a_key_that_comes_both_ways_counts_once() -> None:
    keys = KeyPresses()
    sequence = [
        ("1", "rfc4733", 0),
        ("1", "info", 30),
        ("1", "rfc4733", 200),
        ("1", "info", 210),
        ("2", "info", 900),
    ]
    taken = [press.key for args in sequence if (press := keys.accept(*args))]  # type: ignore[arg-type]
    assert taken == ["1", "1", "2"]


def test_the_same_key_pressed_twice_the_same_way_counts_twice() -> None:
    keys = KeyPresses()
    assert all(keys.accept("7", "rfc4733", at) for at in (0, 100, 200))
    assert keys.accept("x", "info", 300) is None
    assert keys.accept("a", "info", 300) is not None


def test_refusals() -> None:
    assert refusal("INVITE") is None
    for method, status in (("MESSAGE", 405), ("message", 405), ("", 405), ("REFER", 403), ("INFO", 481)):
        refused = refusal(method)
        assert refused is not None
        assert refused.status == status
    assert method_of("Request msg INVITE/cseq=1 (rdata0x7f)") == "INVITE"
    assert method_of("Response msg 200/INVITE/cseq=1 (rdata0x7f)") == ""


@settings(max_examples=30)
@given(st.lists(st.floats(0, 0.2), max_size=200))
def test_call_rate_is_never_exceeded(gaps: list[float]) -> None:
    rate, now_s, admitted = CallRate(burst=10, per_second=20.0), 0.0, []
    for gap in gaps:
        now_s += gap
        if rate.admit(now_s):
            admitted.append(now_s)
    for start in admitted:
        assert sum(start <= at < start + 0.5 for at in admitted) <= 20
