# SPDX-License-Identifier: GPL-3.0-or-later
"""The media stream between a gateway worker and an agent: one WebSocket connection a call.

Binary messages are PCM: 16-bit little-endian, mono, 8 kHz. The gateway sends one 20 ms frame a message,
without gaps (a lost packet is concealed, a silent one is zeros), so the count of frames IS the audio clock of
the call. The agent may send any whole number of frames a message, as far ahead as it likes: the gateway paces
the playout by its media clock.

Text messages are JSON objects told apart by `event`; where Twilio Media Streams has a name for a thing, it is
used. The gateway is the WebSocket client. Times are milliseconds of the call's audio clock, which starts with
the first frame.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

T = TypeVar("T")

PROTOCOL_VERSION = 1
SAMPLE_RATE_HZ = 8000
FRAME_MS = 20
FRAME_SAMPLES = SAMPLE_RATE_HZ * FRAME_MS // 1000
FRAME_BYTES = FRAME_SAMPLES * 2
SILENT_FRAME = bytes(FRAME_BYTES)
# 30 s of speech; base64 makes four characters of three bytes.
MAX_BRIEFING_BYTES = 30 * SAMPLE_RATE_HZ * 2


class MalformedMessage(ValueError):
    """The other side sent something that is not a message of this protocol."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


# --- gateway to agent
# ---------------------------------------------------------------------------------------------


class Start(_Message):
    """The call is up and frames follow.

    `resumed` is set when the gateway reconnects to a new agent process.
    """

    event: Literal["start"] = "start"
    version: int = PROTOCOL_VERSION
    call_id: str
    sip_call_id: str
    caller: str = Field(alias="from")
    callee: str = Field(alias="to")
    direction: Literal["inbound", "outbound"] = "inbound"
    codec: str = "PCMA"
    resumed: bool = False
    custom: dict[str, str] = Field(default_factory=dict)


class Dtmf(_Message):
    """One key pressed by the caller, reported once, at its start."""

    event: Literal["dtmf"] = "dtmf"
    digit: str = Field(pattern=r"^[0-9A-D*#]$")
    source: Literal["rfc4733", "info"] = "rfc4733"
    at_ms: int = Field(ge=0)


class MarkReached(_Message):
    """Everything sent before the mark of this name has left the playout queue:

    `played` to the caller, or dropped by a clear. `played_ms` is how much of the speech between the mark
    before and this one was played, in whole frames that the caller's telephone was given.
    """

    event: Literal["mark"] = "mark"
    name: str
    played: bool = True
    played_ms: int = Field(default=0, ge=0)
    at_ms: int = Field(ge=0)


class Cleared(_Message):
    """Answer to `clear`: how much speech was dropped unheard, and how much of this call's speech had been
    played by then.
    """

    event: Literal["cleared"] = "cleared"
    dropped_ms: int = Field(ge=0)
    played_ms: int = Field(ge=0)
    at_ms: int = Field(ge=0)


class TransferResult(_Message):
    """How a transfer ended:

    The SIP status of the target (200: the caller is gone to it; else the call is back).
    """

    event: Literal["transfer_result"] = "transfer_result"
    status: int
    reason: str = ""
    at_ms: int = Field(ge=0)


class Held(_Message):
    """The caller has put us on hold (`on`), or taken us back.

    While `on`, nothing is played: what is queued waits, and goes on where it stopped.
    """

    event: Literal["held"] = "held"
    on: bool
    at_ms: int = Field(ge=0)


class Stop(_Message):
    """The call is over; nothing follows."""

    event: Literal["stop"] = "stop"
    reason: str
    status: int = 0
    at_ms: int = Field(ge=0)


# --- agent to gateway
# ---------------------------------------------------------------------------------------------


class Mark(_Message):
    """Tell me when everything that I have sent so far has been played."""

    event: Literal["mark"] = "mark"
    name: str


class Clear(_Message):
    """Drop all queued speech, now: the caller must hear silence within three frames."""

    event: Literal["clear"] = "clear"


class Pause(_Message):
    """Stop playing within three frames, and keep what is queued: the caller may be about to speak.

    `resume` goes on where it stopped, `clear` drops what is left. Speech sent meanwhile waits behind it.
    """

    event: Literal["pause"] = "pause"


class Resume(_Message):
    """Go on after a `pause`, `rewind_ms` before the place where it stopped: the word cut there is said again.

    The rewound sound counts once in `played_ms`; a mark that was passed is not passed again, and
    nothing before the last passed mark is rewound to.
    """

    event: Literal["resume"] = "resume"
    rewind_ms: int = Field(default=0, ge=0, le=2000)


class Transfer(_Message):
    """Hand the caller to `target` (a SIP URI), when the queued speech has been played.

    `briefing`, for an attended transfer, is what the target hears before the caller: 16-bit PCM at 8 kHz in
    base64, at most 30 s. The caller hears nothing of it.
    """

    event: Literal["transfer"] = "transfer"
    target: str
    mode: Literal["blind", "attended"] = "blind"
    briefing: str = Field(default="", max_length=MAX_BRIEFING_BYTES * 4 // 3)


class Hangup(_Message):
    """End the call, when the queued speech has been played (or at once)."""

    event: Literal["hangup"] = "hangup"
    after_playout: bool = True
    reason: str = "normal"


class Hold(_Message):
    """Put the caller on hold, or take them back."""

    event: Literal["hold"] = "hold"
    on: bool = True


GatewayMessage = Annotated[
    Start | Dtmf | MarkReached | Cleared | TransferResult | Held | Stop, Field(discriminator="event")
]
AgentMessage = Annotated[
    Mark | Clear | Pause | Resume | Transfer | Hangup | Hold, Field(discriminator="event")
]

_GATEWAY: TypeAdapter[GatewayMessage] = TypeAdapter(GatewayMessage)
_AGENT: TypeAdapter[AgentMessage] = TypeAdapter(AgentMessage)


def encode(message: BaseModel) -> str:
    """The JSON text of a message of either direction."""
    return message.model_dump_json(by_alias=True)


def decode_from_gateway(text: str) -> GatewayMessage:
    """Parse what a gateway sent. Raises MalformedMessage with the reason."""
    return _decode(_GATEWAY, text)


def decode_from_agent(text: str) -> AgentMessage:
    """Parse what an agent sent. Raises MalformedMessage with the reason."""
    return _decode(_AGENT, text)


def _decode(adapter: TypeAdapter[T], text: str) -> T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MalformedMessage(f"{where or 'message'}: {first['msg']}") from None
