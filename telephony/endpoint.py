# SPDX-License-Identifier: GPL-3.0-or-later
"""The SIP endpoint: PJSUA2's library life, transports, codecs, and ONE thread that all SIP work is done in.

The library is polled, without worker threads of its own: callbacks and commands then run in the same
thread, a call can't end between a check and the command after it, and no thread has to be registered. Other
threads hand work over with `post`.
"""

from __future__ import annotations

import gc
import heapq
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pjsua2 as pj

from telephony.accept_brake import WINDOW_S, AcceptBrake, ConnectionRate
from telephony.media_port import PortPool
from telephony.native import limit_transactions, quiet
from telephony.settings import WHEEL_CALL_CEILING

log = logging.getLogger(__name__)

# Longest wait for a SIP event before posted work is looked at. Nothing that is posted is part of a reply's
# way; each round costs 60 µs, also in a worker without calls.
POLL_MS = 20
CODECS = ("PCMA", "PCMU")


class PortInUse(OSError):
    """The SIP port can't be bound."""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What both the gateway and the softphone need of an endpoint."""

    bind_host: str
    public_host: str
    sip_port: int
    rtp_port_base: int
    rtp_port_count: int
    user_agent: str
    media_ports: int
    tcp: bool = True
    sip_timeout_s: float = 8.0


class Timer:
    """A posted piece of work that waits for its time; `cancel` makes it never run."""

    __slots__ = ("work",)

    def __init__(self, work: Callable[[], None]) -> None:
        self.work: Callable[[], None] | None = work

    def cancel(self) -> None:
        """Forget the work; harmless when it has run."""
        self.work = None


class _Library(pj.Endpoint):  # type: ignore[misc]
    """The library, telling of each TCP connection as soon as it is accepted."""

    def __init__(self, on_connection: Callable[[], None]) -> None:
        super().__init__()
        self.on_connection: Callable[[], None] | None = on_connection

    def onTransportState(self, prm: Any) -> None:
        if self.on_connection is not None and prm.state == pj.PJSIP_TP_STATE_CONNECTED and prm.type == "TCP":
            self.on_connection()


class SipEndpoint:
    """PJSUA2 started with null sound devices, G.711 only. One a process: the library is a singleton."""

    def __init__(self, settings: EndpointSettings) -> None:
        self.settings = settings
        self._work: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        quiet()
        limit_transactions(settings.sip_timeout_s)
        self._library = _Library(self._connected)
        self._brake: AcceptBrake | None = None
        self._connections = ConnectionRate()
        self._library.libCreate()
        try:
            self._library.libInit(_library_settings(settings))
            self._open_transports()
            self._library.libStart()
            self._library.audDevManager().setNullDev()
        except BaseException:
            self._library.libDestroy()
            raise
        self.prefer_codec(CODECS[0])
        self.ports = PortPool(settings.media_ports, self._library.audDevManager().getPlaybackDevMedia())
        if settings.tcp and settings.sip_port:
            self._brake = AcceptBrake(settings.bind_host, settings.sip_port)

    def _connected(self) -> None:
        if self._brake is None or not self._connections.too_many(time.monotonic()):
            return
        self._brake.on()
        self.later(WINDOW_S, self._brake.off)

    def _open_transports(self) -> None:
        transport = pj.TransportConfig()
        transport.port = self.settings.sip_port
        transport.boundAddress = self.settings.bind_host
        transport.publicAddress = self.settings.public_host
        kinds = [pj.PJSIP_TRANSPORT_UDP] + [pj.PJSIP_TRANSPORT_TCP] * self.settings.tcp
        try:
            for kind in kinds:
                self._library.transportCreate(kind, transport)
        except pj.Error as error:
            where = f"{self.settings.bind_host}:{self.settings.sip_port}"
            raise PortInUse(
                f"SIP port {where} can't be bound: {error.reason}; stop what holds it or set sip_port"
            ) from None

    def prefer_codec(self, codec: str) -> None:
        """Put PCMA or PCMU first in offers; the other stays possible and everything else is off."""
        for info in self._library.codecEnum2():
            self._library.codecSetPriority(info.codecId, 0)
        for name in CODECS:
            self._library.codecSetPriority(f"{name}/8000", 255 if name == codec else 254)

    def account_settings(self, user: str) -> Any:
        """An AccountConfig for `sip:user@public_host:port`. Must not be made before libInit:

        defaults would be wrong.
        """
        config = pj.AccountConfig()
        port = f":{self.settings.sip_port}" if self.settings.sip_port else ""
        config.idUri = f"sip:{user}@{self.settings.public_host}{port}"
        rtp = config.mediaConfig.transportConfig
        rtp.port = self.settings.rtp_port_base
        rtp.portRange = self.settings.rtp_port_count
        rtp.boundAddress = self.settings.bind_host
        rtp.publicAddress = self.settings.public_host
        config.mediaConfig.lockCodecEnabled = True
        return config

    def is_sip_uri(self, text: str) -> bool:
        """Whether PJSIP can parse `text` as a SIP URI; nothing that could end a header passes."""
        printable = text.isascii() and text.isprintable() and not set(text) & set(' <>"')
        return printable and self._library.utilVerifySipUri(text) == 0

    def post(self, work: Callable[[], None]) -> None:
        """Have `work` done in the SIP thread, within some ms. Callable from any thread."""
        self._work.append(work)

    def later(self, delay_s: float, work: Callable[[], None]) -> Timer:
        """Have `work` done in the SIP thread after `delay_s` seconds. Only from the SIP thread."""
        timer = Timer(work)
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._order), timer))
        return timer

    def post_later(self, delay_s: float, work: Callable[[], None]) -> None:
        """Have `work` done in the SIP thread after `delay_s` seconds. Callable from any thread."""

        def begin() -> None:
            self.later(delay_s, work)

        self.post(begin)

    def poll(self) -> None:
        """Handle SIP events for at most 20 ms, then everything posted and due.

        Called in a loop by the SIP thread.
        """
        self._library.libHandleEvents(POLL_MS)
        for _ in range(len(self._work)):
            _attempt(self._work.popleft())
        while self._timers and self._timers[0][0] <= time.monotonic():
            timer = heapq.heappop(self._timers)[2]
            if timer.work is not None:
                _attempt(timer.work)

    def close(self) -> None:
        """Stop the library. All calls must be gone and all accounts shut down; in the SIP thread."""
        if self._brake is not None:
            self._brake.close()
        self._library.audDevManager().setNoDev()
        self.ports.destroy()
        gc.collect()
        # Without network: PJSUA would otherwise wait a second for answers to what it may still have sent.
        self._library.on_connection = None
        self._library.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)
        # Its C++ destructor must run in this thread too.
        del self._library


def _attempt(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:
        log.exception("posted SIP work failed")


def _library_settings(settings: EndpointSettings) -> Any:
    config = pj.EpConfig()
    config.uaConfig.maxCalls = WHEEL_CALL_CEILING
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.userAgent = settings.user_agent
    # At level 1 PJSIP writes whole malformed packets to stdout: a stranger could fill the log.
    config.logConfig.level = config.logConfig.consoleLevel = 0
    media = config.medConfig
    media.clockRate = media.sndClockRate = 8000
    media.audioFramePtime = media.ptime = 20
    media.ecTailLen = 0
    media.noVad = True
    media.maxMediaPorts = 32
    media.threadCnt = 1
    media.hasIoqueue = True
    return config
