# SPDX-License-Identifier: GPL-3.0-or-later
"""A SIP call as PJSUA2 sees it, reduced to the events and commands that the gateway and the softphone use.

Lifetime: destroying a Call object later than inside its DISCONNECTED callback hangs up whichever new call
has taken its slot by then. So a registry holds each leg from its making to that callback, listeners must
forget it there, and nobody else keeps one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

import pjsua2 as pj

from telephony.media_port import MediaPort
from telephony.receive_buffer import ReceiveBuffer

log = logging.getLogger(__name__)


class LegListener(Protocol):
    """What happens to a leg; all in the SIP thread."""

    def on_progress(self, status: int) -> None:
        """The other party is ringing (180) or sends early media (183)."""

    def on_confirmed(self) -> None:
        """Answered and acknowledged."""

    def on_media(self) -> None:
        """The media of the leg were set up, or set up again (hold, re-INVITE): connect them."""

    def on_key(self, key: str, by_info: bool) -> None:
        """A key was pressed."""

    def on_transfer_status(self, status: int, reason: str, final: bool) -> None:
        """Progress of a transfer that this side asked for."""

    def on_disconnected(self, status: int, reason: str) -> None:
        """The leg is over: forget it now."""


class IgnoringListener:
    """A listener that does nothing; base for those that care about some events only."""

    def on_progress(self, status: int) -> None: ...

    def on_confirmed(self) -> None: ...

    def on_media(self) -> None: ...

    def on_key(self, key: str, by_info: bool) -> None: ...

    def on_transfer_status(self, status: int, reason: str, final: bool) -> None: ...

    def on_disconnected(self, status: int, reason: str) -> None: ...


Registry = dict[int, "Leg"]


class Leg(pj.Call):  # type: ignore[misc]
    """One call leg. Every callback is guarded: an exception in one would leave the call half-alive."""

    def __init__(self, account: Any, call_index: int, registry: Registry, listener: LegListener) -> None:
        super().__init__(account, call_index)
        self._listener = listener
        self._registry = registry
        self._key = id(self)
        self.takes_transfers = False
        self.confirmed = False
        self._received: ReceiveBuffer | None = None
        registry[self._key] = self

    def listen(self, listener: LegListener) -> None:
        """Report to `listener` from now on."""
        self._listener = listener

    # --- commands ---

    def respond(self, status: int, reason: str = "", headers: dict[str, str] | None = None) -> None:
        """Answer an incoming INVITE. Raises pjsua2.Error when it is over already."""
        self.answer(call_options(status, reason, headers))

    def bye(self, status: int = 0, reason: str = "", headers: dict[str, str] | None = None) -> None:
        """End the leg: BYE, CANCEL or a final refusal with `status`, as its state asks for."""
        if self.getId() == pj.PJSUA_INVALID_ID:
            # Made for a transfer that PJSIP never began: no callback will come, and PJSIP aborts on such
            # ids.
            self._drop(0, "never begun")
            return
        try:
            self.hangup(call_options(status, reason, headers))
        except pj.Error as error:
            log.debug("hang-up of a leg that is over: %s", error.reason)

    def hold(self, on: bool) -> None:
        """Put the other party on hold, or take them back, by re-INVITE.

        Raises pjsua2.Error when one is under way.
        """
        options = call_options()
        if on:
            self.setHold(options)
            return
        options.opt.flag = pj.PJSUA_CALL_UNHOLD
        self.reinvite(options)

    def connect(self, port: MediaPort) -> None:
        """Connect both directions of the leg's audio with `port`; harmless when they are connected."""
        # `info` must outlive what is read from it: PJSUA2's members are bare pointers into their parent.
        info = self.getInfo()
        for index in range(len(info.media)):
            media = info.media[index]
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status in _FLOWING:
                audio = self.getAudioMedia(index)
                audio.startTransmit(port)
                port.startTransmit(audio)
                port.listen_to(self._received)
                return

    def held_by_peer(self) -> bool | None:
        """Whether the other party has put us on hold: sendonly, inactive, or an address of 0.0.0.0.

        None while we hold them, since their answer to that looks the same.
        """
        info = self.getInfo()
        states = [info.media[i].status for i in range(len(info.media))]
        if pj.PJSUA_CALL_MEDIA_LOCAL_HOLD in states:
            return None
        return bool(states) and pj.PJSUA_CALL_MEDIA_ACTIVE not in states

    def received_packets(self) -> int | None:
        """RTP packets received so far, or None while the other party is not expected to send any."""
        info = self.getInfo()
        if not any(info.media[i].status == pj.PJSUA_CALL_MEDIA_ACTIVE for i in range(len(info.media))):
            return None
        try:
            statistics = self.getStreamStat(0)
            rtcp = statistics.rtcp
            return int(rtcp.rxStat.pkt)
        except pj.Error:
            return None

    # --- PJSUA2's callbacks ---

    def onCallState(self, prm: Any) -> None:
        self._guard(self._state_changed)

    def onStreamCreated(self, prm: Any) -> None:
        self._guard(lambda: self._stream_created(prm))

    def onCallMediaState(self, prm: Any) -> None:
        self._guard(self._listener.on_media)

    def onDtmfDigit(self, prm: Any) -> None:
        by_info = prm.method == pj.PJSUA_DTMF_METHOD_SIP_INFO
        self._guard(lambda: self._listener.on_key(prm.digit, by_info))

    def onCallTransferStatus(self, prm: Any) -> None:
        status, reason, final = int(prm.statusCode), str(prm.reason), bool(prm.finalNotify)
        self._guard(lambda: self._listener.on_transfer_status(status, reason, final))

    def onCallTransferRequest(self, prm: Any) -> None:
        # A caller who may send REFER could make the gateway dial numbers at the bank's cost.
        if not self.takes_transfers:
            prm.statusCode = pj.PJSIP_SC_FORBIDDEN

    def onCallReplaceRequest(self, prm: Any) -> None:
        if not self.takes_transfers:
            prm.statusCode = pj.PJSIP_SC_FORBIDDEN

    def _state_changed(self) -> None:
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY:
            self._listener.on_progress(info.lastStatusCode)
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.confirmed = True
            self._listener.on_confirmed()
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self._drop(info.lastStatusCode, info.lastReason)

    def _stream_created(self, prm: Any) -> None:
        self._received = ReceiveBuffer(prm.stream, prm.pPort)

    def _drop(self, status: int, reason: str) -> None:
        listener, self._listener = self._listener, _DEAF
        self._registry.pop(self._key, None)
        listener.on_disconnected(status, reason)

    def _guard(self, handle: Callable[[], None]) -> None:
        try:
            handle()
        except Exception:
            log.exception("a SIP event could not be handled")


_DEAF = IgnoringListener()
_FLOWING = (
    pj.PJSUA_CALL_MEDIA_ACTIVE,
    pj.PJSUA_CALL_MEDIA_REMOTE_HOLD,
    pj.PJSUA_CALL_MEDIA_LOCAL_HOLD,
)


def call_options(status: int = 0, reason: str = "", headers: dict[str, str] | None = None) -> Any:
    """CallOpParam with a status, its reason phrase and extra headers."""
    options = pj.CallOpParam(True)
    if status:
        options.statusCode = status
    if reason:
        options.reason = reason
    for name, value in (headers or {}).items():
        header = pj.SipHeader()
        header.hName, header.hValue = name, value
        options.txOption.headers.append(header)
    return options
