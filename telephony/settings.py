# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway worker's settings: every knob with its unit, its default and the reason for it.

Imports nothing heavier than pydantic, so that a command line can read and check settings without loading
PJSIP.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from telephony.agent_address import AgentAddress, parse_agent_address

# PJSUA_MAX_CALLS of the pjsua2-python wheel; a larger maxCalls is accepted silently and has no effect.
WHEEL_CALL_CEILING = 4
TRANSFER_SLOTS = 1
# "One moment, please." in the shipped voice; telephony/stored_prompt.py says how it was made.
ONE_MOMENT = Path(__file__).parent / "one_moment.wav"


class GatewaySettings(BaseModel):
    """Settings of one gateway worker process.

    Unknown keys are refused, so that a misspelt knob is not ignored.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bind_host: str = Field(
        "127.0.0.1", description="Address that SIP and RTP bind to. Loopback: exposing is a choice."
    )
    public_host: str | None = Field(
        None,
        description="Address in Contact and SDP when it is not the bound one (NAT). None: the bound one.",
    )
    accept_from: tuple[str, ...] = Field(
        (),
        description="IP addresses that new calls are taken from, others get 403; behind an edge: the edge's. "
        "Empty: everybody. Requests of a call may come from anywhere.",
    )
    sip_port: int = Field(5060, ge=1, le=65535, description="SIP port, UDP and TCP. RFC 3261's default.")
    rtp_port_base: int = Field(
        16384,
        ge=1024,
        le=65000,
        description="First UDP port for RTP and RTCP. Below Linux's ephemeral range (32768).",
    )
    rtp_port_count: int = Field(
        400,
        ge=16,
        le=64000,
        description="UDP ports of the RTP range. A call uses two; the surplus avoids early reuse.",
    )
    max_calls: int = Field(
        3,
        description="Calls at a time; the next gets 486. The library holds 4: one slot is for transfers.",
    )
    agent_address: str = Field(
        "unix://var/run/agent.sock",
        description="Where the agent listens: unix:///path (at most 100 bytes) or ws://host:port.",
    )
    agent_connect_timeout_s: float = Field(
        2.0,
        gt=0,
        le=30,
        description="Seconds to reach the agent before the caller gets 503. Local connects take < 5 ms.",
    )
    agent_ping_s: float = Field(0.4, gt=0, le=120, description="Seconds between keepalive pings.")
    agent_silence_s: float = Field(
        1.2,
        gt=0,
        le=120,
        description="An agent that answers no ping for so long hangs: it counts as lost. "
        "With the ping's interval and the prompt, the caller hears of it within 2 s.",
    )
    retry_after_s: int = Field(
        5,
        ge=1,
        le=3600,
        description="Seconds in Retry-After of a 503 or 486: about what a restarted agent needs.",
    )
    reconnect_budget_s: float = Field(
        10.0,
        ge=0,
        le=120,
        description="Seconds to look for an agent again when it died during a call; then the call ends.",
    )
    agent_lost_prompt: Path | None = Field(
        ONE_MOMENT,
        description="WAV (8 kHz, mono, 16-bit) played when the agent dies during a call. None: silence.",
    )
    fallback_target: str | None = Field(
        None, description="SIP URI that callers go to when the agent stays lost. None: they are hung up on."
    )
    transfer_timeout_s: float = Field(
        30.0,
        gt=0,
        le=300,
        description="Seconds a transfer target may ring (RFC 3261 lets a UAS ring; 30 s is about 6 rings).",
    )
    sip_timeout_s: float = Field(
        8.0,
        ge=1,
        le=32,
        description="Seconds until a peer that acknowledges or answers nothing counts as gone. "
        "RFC 3261 says 32; 8 leave four retransmissions.",
    )
    rtp_timeout_s: float = Field(
        60.0,
        ge=0,
        le=3600,
        description="Seconds without any RTP before a call off hold counts as dead and is ended. 0: never.",
    )
    hold_timeout_s: float = Field(
        900.0,
        ge=0,
        le=86400,
        description="Seconds that a caller may hold the line before the call is ended: who vanishes on hold "
        "would keep a line for ever. 0: never.",
    )
    user_agent: str = Field(
        "Tellerline", min_length=1, max_length=100, description="User-Agent and Server header."
    )
    nice: int = Field(
        -10,
        ge=-20,
        le=19,
        description="Process priority asked for; media must not wait for recognition. Refusal is logged.",
    )

    @field_validator("max_calls")
    @classmethod
    def _within_ceiling(cls, calls: int) -> int:
        most = WHEEL_CALL_CEILING - TRANSFER_SLOTS
        if calls > most:
            raise ValueError(
                f"max_calls is {calls}, a worker takes {most}: its SIP library holds {WHEEL_CALL_CEILING} "
                "calls and one slot is for transfers. Start more workers instead"
            )
        if calls < 1:
            raise ValueError("max_calls must be at least 1")
        return calls

    @field_validator("accept_from")
    @classmethod
    def _addresses(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ipaddress.ip_address(host)) for host in hosts)

    @field_validator("agent_address")
    @classmethod
    def _parsable_address(cls, text: str) -> str:
        parse_agent_address(text)
        return text

    @field_validator("fallback_target")
    @classmethod
    def _sip_uri(cls, uri: str | None) -> str | None:
        if uri is not None and not uri.startswith(("sip:", "sips:")):
            raise ValueError(f"fallback_target {uri!r} is no SIP URI; write sip:user@host:port")
        return uri

    @model_validator(mode="after")
    def _rtp_range_fits(self) -> GatewaySettings:
        if self.rtp_port_base + self.rtp_port_count > 65535:
            raise ValueError("rtp_port_base + rtp_port_count goes beyond port 65535; lower one of them")
        return self

    @property
    def agent(self) -> AgentAddress:
        """The parsed agent address."""
        return parse_agent_address(self.agent_address)


def load_settings(argument: str) -> GatewaySettings:
    """Read settings from a JSON object, or from the JSON file of that path. Raises ValueError or OSError."""
    text = argument if argument.lstrip().startswith("{") else Path(argument).read_text(encoding="utf-8")
    return GatewaySettings.model_validate_json(text)
