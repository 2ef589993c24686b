# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway worker:

one process that takes a few calls and connects each to an agent, until it is told to stop.
"""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
import time
from types import FrameType

from telephony import pjsip_module
from telephony.account import GatewayAccount
from telephony.call import Registry
from telephony.endpoint import EndpointSettings, PortInUse, SipEndpoint
from telephony.media_stream import AgentLink, StreamThread
from telephony.priority import raise_priority
from telephony.session import House
from telephony.settings import WHEEL_CALL_CEILING, GatewaySettings
from telephony.stored_prompt import load_prompt

log = logging.getLogger(__name__)

# The interpreter's default of 5 ms lets a busy thread hold up the media clock for a quarter of a frame, per
# thread.
SWITCH_INTERVAL_S = 0.0005
# Together less than the 2 s that a supervisor is promised.
_BYE_S, _FAREWELL_S = 0.8, 0.5


class _StopRequest:
    """Set by SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def run(settings: GatewaySettings) -> int:
    """Serve calls until SIGTERM or SIGINT. Returns the exit code: 0, or 1 when the SIP port can't be had."""
    stop = _StopRequest()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    raise_priority(settings.nice)
    try:
        endpoint = SipEndpoint(_endpoint_settings(settings))
    except PortInUse as error:
        log.error("%s", error)
        return 1
    legs: Registry = {}
    account = GatewayAccount(endpoint.account_settings("tellerline"), legs)
    streams = StreamThread()
    link = AgentLink(
        settings.agent, settings.agent_connect_timeout_s, settings.agent_ping_s, settings.agent_silence_s
    )
    pjsip_module.install(account.decide)
    account.open(
        House(settings, endpoint, account, legs, streams, link, load_prompt(settings.agent_lost_prompt))
    )
    log.info(
        "gateway ready sip=%s:%d agent=%s", settings.bind_host, settings.sip_port, settings.agent_address
    )
    while not stop.asked:
        endpoint.poll()
    _shut_down(endpoint, account, legs, streams)
    log.info("gateway stopped")
    return 0


def _shut_down(endpoint: SipEndpoint, account: GatewayAccount, legs: Registry, streams: StreamThread) -> None:
    account.draining = True
    for session in list(account.sessions.values()):
        session.end("gateway is stopping")
    deadline = time.monotonic() + _BYE_S
    while legs and time.monotonic() < deadline:
        endpoint.poll()
    streams.close(_FAREWELL_S)
    if legs:
        log.warning("%d call legs did not confirm their end in time", len(legs))
    legs.clear()
    account.close()
    gc.collect()
    endpoint.close()


def _endpoint_settings(settings: GatewaySettings) -> EndpointSettings:
    return EndpointSettings(
        bind_host=settings.bind_host,
        public_host=settings.public_host or _own_address(settings.bind_host),
        sip_port=settings.sip_port,
        rtp_port_base=settings.rtp_port_base,
        rtp_port_count=settings.rtp_port_count,
        user_agent=settings.user_agent,
        media_ports=WHEEL_CALL_CEILING,
        sip_timeout_s=settings.sip_timeout_s,
    )


def _own_address(bind_host: str) -> str:
    if bind_host not in ("0.0.0.0", ""):
        return bind_host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket sends nothing; it only asks the routing table. RFC 5737's
            # documentation network.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
