# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages survive the wire, and what is none is refused with a reason."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from contracts.media_stream import (
    Clear,
    Cleared,
    Dtmf,
    Hangup,
    Hold,
    MalformedMessage,
    Mark,
    MarkReached,
    Start,
    Stop,
    Transfer,
    TransferResult,
    decode_from_agent,
    decode_from_gateway,
    encode,
)

FROM_GATEWAY: list[BaseModel] = [
    Start(call_id="c", sip_call_id="s", caller="+861", callee="hotline", custom={"a": "b"}),
    Dtmf(digit="#", at_ms=3),
    MarkReached(name="1.0", played=False, at_ms=9),
    Cleared(dropped_ms=20, played_ms=400, at_ms=9),
    TransferResult(status=486, at_ms=1),
    Stop(reason="caller hung up", at_ms=1),
]
FROM_AGENT: list[BaseModel] = [
    Mark(name="1.0"),
    Clear(),
    Transfer(target="sip:x@y"),
    Hangup(),
    Hold(on=False),
]


@pytest.mark.parametrize("message", FROM_GATEWAY, ids=lambda message: type(message).__name__)
def test_gateway_messages(message: BaseModel) -> None:
    assert decode_from_gateway(encode(message)) == message


@pytest.mark.parametrize("message", FROM_AGENT, ids=lambda message: type(message).__name__)
def test_agent_messages(message: BaseModel) -> None:
    assert decode_from_agent(encode(message)) == message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "message"),
        ("[]", "message"),
        ('{"event": "dtmf", "digit": "x", "at_ms": 1}', "digit"),
        ('{"event": "dtmf", "digit": "1", "at_ms": -1}', "at_ms"),
        ('{"event": "stop", "reason": "", "at_ms": 0, "more": 1}', "more"),
    ],
)
def test_malformed_messages_say_where(text: str, reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason):
        decode_from_gateway(text)
