# SPDX-License-Identifier: GPL-3.0-or-later
"""The softphone: a simulated caller (or callee) over real SIP and RTP, for scenario calls, benchmarks and
tests.

One a process, since PJSIP is; it holds four calls. Its SIP thread is its own, so it can be used from any
other.

    with Softphone() as phone:
        call = phone.dial("sip:hotline@127.0.0.1:5060", caller="+4930123")
        call.wait_connected()
        said = call.say(pcm)
        call.wait_for_speech(after_ms=said.speech_end_ms)
        print(call.reply_delay_ms(said))
"""

from __future__ import annotations

import atexit
import gc
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import pjsua2 as pj

from telephony.call import Leg, LegListener, Registry, call_options
from telephony.call_rate import CallRate
from telephony.endpoint import EndpointSettings, SipEndpoint
from telephony.phone_call import CallFailed, PhoneCall
from telephony.priority import raise_priority
from telephony.settings import WHEEL_CALL_CEILING
from telephony.speech_gate import SpeechGate

T = TypeVar("T")
log = logging.getLogger(__name__)

_COMMAND_S = 10.0
# Below what call_rate allows a process: what rings on this phone uses sockets too.
_BURST, _PER_SECOND = 8, 15.0
_GOODBYE_S = 1.0


@dataclass(frozen=True, slots=True)
class SoftphoneSettings:
    """Where the softphone listens. SIP port 0: any free one. RTP stays below Linux's ephemeral ports.

    `nice` is asked for its threads: a real telephone does not share its processor with what it calls.
    """

    host: str = "127.0.0.1"
    sip_port: int = 0
    rtp_port_base: int = 20000
    rtp_port_count: int = 400
    user_agent: str = "Tellerline softphone"
    gate: SpeechGate = field(default_factory=SpeechGate)
    nice: int = -10


class Softphone:
    """A telephone. Raises PortInUse from its constructor when its SIP port is taken."""

    endpoint: SipEndpoint

    def __init__(self, settings: SoftphoneSettings | None = None) -> None:
        self.settings = settings or SoftphoneSettings()
        self.incoming: queue.SimpleQueue[PhoneCall] = queue.SimpleQueue()
        self._legs: Registry = {}
        self._closing = False
        self._dialling = threading.Lock()
        self._rate = CallRate(_BURST, _PER_SECOND)
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._live, args=(started,), name="softphone", daemon=True)
        self._thread.start()
        started.result()
        # PJSIP aborts a process that ends with the library running.
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def dial(
        self,
        uri: str,
        caller: str = "softphone",
        headers: dict[str, str] | None = None,
        codec: Literal["PCMA", "PCMU"] = "PCMA",
        transport: Literal["udp", "tcp"] = "udp",
    ) -> PhoneCall:
        """Call `uri` (sip:user@host:port) with `caller` as the user of From.

        Raises CallFailed when it can't even be sent.
        """
        call = PhoneCall(self, self.settings.gate)
        self._pace()
        target = f"<{uri};transport=tcp>" if transport == "tcp" else f"<{uri}>"
        self.do(lambda: self._dial(call, target, caller, headers, codec))
        return call

    def _pace(self) -> None:
        with self._dialling:
            while not self._rate.admit(time.monotonic()):
                time.sleep(1 / _PER_SECOND)

    def wait_incoming(self, timeout_s: float = 10.0) -> PhoneCall:
        """The next call to this phone, which rings. Raises TimeoutError."""
        try:
            return self.incoming.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"nobody called within {timeout_s:g} s") from None

    def hang_up_all(self, timeout_s: float = 3.0) -> None:
        """Hang up every call and wait until they are over, or for `timeout_s`."""
        self.do(self._bye_all)
        deadline = time.monotonic() + timeout_s
        while self.do(lambda: len(self._legs)) and time.monotonic() < deadline:
            time.sleep(0.01)

    def close(self) -> None:
        """Hang up everything and stop;

        the process can't open another softphone reliably, the library is a singleton.
        """
        self._closing = True
        self._thread.join(10)
        atexit.unregister(self.close)

    def do(self, command: Callable[[], T]) -> T:
        """Run `command` in the SIP thread and return its result, or raise what it raises."""
        if threading.current_thread() is self._thread:
            return command()
        outcome: Future[T] = Future()

        def run() -> None:
            try:
                outcome.set_result(command())
            except BaseException as error:
                outcome.set_exception(error)

        self.endpoint.post(run)
        return outcome.result(_COMMAND_S)

    # --- SIP thread ---

    def _live(self, started: Future[None]) -> None:
        sys.setswitchinterval(0.0005)
        raise_priority(self.settings.nice)
        try:
            self.endpoint = SipEndpoint(self._endpoint_settings())
            self._account = _PhoneAccount(self, self.endpoint.account_settings("softphone"))
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(None)
        while not self._closing:
            self.endpoint.poll()
        self._hang_up_all()
        self._account.shutdown()
        del self._account
        gc.collect()
        self.endpoint.close()

    def _bye_all(self) -> None:
        for leg in list(self._legs.values()):
            leg.bye()

    def _hang_up_all(self) -> None:
        self._bye_all()
        over: list[bool] = []
        self.endpoint.later(_GOODBYE_S, lambda: over.append(True))
        while self._legs and not over:
            self.endpoint.poll()
        self._legs.clear()

    def _endpoint_settings(self) -> EndpointSettings:
        own = self.settings
        return EndpointSettings(
            bind_host=own.host,
            public_host=own.host,
            sip_port=own.sip_port,
            rtp_port_base=own.rtp_port_base,
            rtp_port_count=own.rtp_port_count,
            user_agent=own.user_agent,
            media_ports=WHEEL_CALL_CEILING,
        )

    def _dial(
        self, call: PhoneCall, target: str, caller: str, headers: dict[str, str] | None, codec: str
    ) -> None:
        self.endpoint.prefer_codec(codec)
        options = call_options(headers=headers)
        options.txOption.localUri = f"<sip:{caller}@{self.settings.host}>"
        leg = self.new_leg(call, -1)
        try:
            leg.makeCall(target, options)
        except pj.Error as error:
            self._legs.pop(id(leg), None)
            call.fail(0, error.reason)
            raise CallFailed(0, error.reason) from None
        call.sip_call_id = leg.getInfo().callIdString
        call.remote_uri = target

    def new_leg(self, call: PhoneCall, index: int) -> Leg:
        """A leg of this phone that reports to `call`; -1 for one that is not known to PJSIP yet."""
        leg = _PhoneLeg(self, self._account, index, self._legs, call)
        call.adopt(leg)
        return leg

    def ring(self, index: int) -> None:
        """Somebody calls."""
        call = PhoneCall(self, self.settings.gate)
        leg = self.new_leg(call, index)
        info = leg.getInfo()
        call.sip_call_id, call.remote_uri = info.callIdString, info.remoteUri
        leg.respond(180)
        self.incoming.put(call)


class _PhoneAccount(pj.Account):  # type: ignore[misc]
    def __init__(self, phone: Softphone, settings: Any) -> None:
        super().__init__()
        self._phone = phone
        self.create(settings)

    def onIncomingCall(self, prm: Any) -> None:
        try:
            self._phone.ring(int(prm.callId))
        except Exception:
            log.exception("an incoming call could not be taken")


class _PhoneLeg(Leg):
    """A leg that follows transfers: the call it is sent to appears among the phone's incoming ones."""

    def __init__(
        self, phone: Softphone, account: Any, index: int, registry: Registry, listener: LegListener
    ) -> None:
        super().__init__(account, index, registry, listener)
        self._phone = phone

    def onCallTransferRequest(self, prm: Any) -> None:
        prm.newCall = self._successor()

    def onCallReplaceRequest(self, prm: Any) -> None:
        prm.newCall = self._successor()

    def _successor(self) -> Leg:
        call = PhoneCall(self._phone, self._phone.settings.gate)
        leg = self._phone.new_leg(call, -1)
        self._phone.incoming.put(call)
        return leg


__all__ = ["CallFailed", "PhoneCall", "Softphone", "SoftphoneSettings"]
