# SPDX-License-Identifier: GPL-3.0-or-later
"""One caller's call: the SIP leg, its audio and the agent's media stream, from INVITE to the last farewell.

Everything here runs in the SIP thread, except the three `on_agent_*` methods (media streams' thread), which
touch the call's audio directly and post the rest.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pjsua2 as pj

from contracts.media_stream import (
    AgentMessage,
    Clear,
    Dtmf,
    Hangup,
    Hold,
    Mark,
    Pause,
    Resume,
    Start,
    Stop,
    Transfer,
    TransferResult,
    encode,
)
from telephony.briefing import decode_briefing
from telephony.call import Leg, Registry
from telephony.call_audio import CallAudio
from telephony.dtmf import KeyPresses
from telephony.endpoint import SipEndpoint, Timer
from telephony.hold import HoldLimit, OurHold
from telephony.media_port import MediaPort
from telephony.media_stream import (
    AgentBusy,
    AgentLink,
    AgentStream,
    StreamThread,
    open_stream,
    reopen_stream,
)
from telephony.settings import GatewaySettings
from telephony.transfer import LAST_WORD_S, AttendedTransfer, BlindTransfer, ConsultationLine
from telephony.transfer import Transfer as TransferUnderWay

log = logging.getLogger(__name__)

RINGING, OK, BUSY_HERE, DECLINE, UNAVAILABLE = 180, 200, 486, 603, 503
_WATCH_RTP_S = 5.0


class Phase(enum.Enum):
    """Where a call stands."""

    CONNECTING = "connecting"
    ANSWERED = "answered"
    TALKING = "talking"
    TRANSFERRED = "transferred"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class House:
    """What all calls of a worker share."""

    settings: GatewaySettings
    endpoint: SipEndpoint
    account: Any
    legs: Registry
    streams: StreamThread
    link: AgentLink
    lost_prompt: bytes


class CallSession:
    """A call from its INVITE on. `over` is called once, when nothing of the call is left."""

    def __init__(self, house: House, start: Start, over: Callable[[CallSession], None]) -> None:
        self.start = start
        self.call_id = start.call_id
        self._house = house
        self._over = over
        self._phase = Phase.CONNECTING
        self._leg: Leg | None = None
        self._audio = CallAudio(start.call_id)
        self._keys = KeyPresses()
        self._port: MediaPort | None = None
        self._stream: AgentStream | None = None
        self._transfer: TransferUnderWay | None = None
        self._our_hold = OurHold(house.endpoint, start.call_id)
        self._hold_limit = HoldLimit(
            house.endpoint, house.settings.hold_timeout_s, lambda: self.end("held too long")
        )
        self._leaving = False
        self._why = ""
        self._rtp_timer: Timer | None = None
        self._rtp_seen, self._rtp_idle_s = -1, 0.0

    # --- the way in ---

    def begin(self, leg: Leg) -> None:
        """Let it ring and look for an agent; the caller is answered only when one has the call."""
        self._leg = leg
        leg.respond(RINGING)
        self._house.streams.spawn(self._find_agent)

    async def _find_agent(self) -> None:
        try:
            stream = await open_stream(self._house.link, self.start, self)
        except AgentBusy as busy:
            self._house.endpoint.post(partial(self._agent_busy, busy))
            return
        except Exception as error:
            # Whatever it is, the caller must not ring for ever.
            self._house.endpoint.post(partial(self._no_agent, str(error) or type(error).__name__))
            return
        self._house.endpoint.post(lambda: self._agent_ready(stream))

    def _agent_ready(self, stream: AgentStream) -> None:
        if self._leg is None or self._phase is Phase.OVER:
            self._say_farewell(stream, Stop(reason=self._why or "caller hung up", status=487, at_ms=0))
            return
        self._stream = stream
        self._audio.attach(stream)
        self._phase = Phase.ANSWERED
        try:
            self._leg.respond(OK)
        except pj.Error as error:
            self.end(f"could not be answered: {error.reason}")

    def _agent_busy(self, busy: AgentBusy) -> None:
        log.warning("%s refused: %s", self.call_id, busy)
        self._refuse(BUSY_HERE, "Busy Here", busy.retry_after)

    def _no_agent(self, reason: str) -> None:
        log.error("%s no agent: %s", self.call_id, reason)
        self._refuse(UNAVAILABLE, "No Agent Available", str(self._house.settings.retry_after_s))

    def _refuse(self, status: int, why: str, retry_after: str) -> None:
        if self._leg is not None:
            self._why = why.lower()
            self._leg.respond(status, why, {"Retry-After": retry_after})

    # --- events of the leg ---

    def on_progress(self, status: int) -> None:
        """Only outgoing legs make progress that matters."""

    def on_confirmed(self) -> None:
        """The caller has acknowledged the answer: audio may flow, and the audio clock starts."""
        self._phase = Phase.TALKING
        self._port = self._house.endpoint.ports.lend(self._audio)
        self.on_media()
        self._watch_rtp()
        log.info("%s answered codec=%s", self.call_id, self.start.codec)

    def on_media(self) -> None:
        """Media were set up (again): the port must be connected (again), and who holds whom may differ."""
        if self._leg is not None and self._port is not None:
            self._leg.connect(self._port)
            self._note_hold(self._leg.held_by_peer())

    def on_key(self, key: str, by_info: bool) -> None:
        """Report a key press to the agent, once. The key itself is never logged: it may be part of a PIN."""
        press = self._keys.accept(key, "info" if by_info else "rfc4733", self._audio.now_ms)
        if press is not None and self._stream is not None:
            self._stream.send(encode(Dtmf(digit=press.key, source=press.source, at_ms=press.at_ms)))

    def on_transfer_status(self, status: int, reason: str, final: bool) -> None:
        """The caller's telephone tells how the transfer goes."""
        if self._transfer is not None:
            self._transfer.on_status(status, reason, final)
        elif final and status // 100 == 2 and self._phase is Phase.TALKING:
            # The target answered after the transfer was given up: the caller is with them now.
            self._transferred(status, reason)

    def on_disconnected(self, status: int, reason: str) -> None:
        """The leg is over, whoever ended it: free everything, tell the agent."""
        leg_was_answered = self._phase in (Phase.TALKING, Phase.TRANSFERRED)
        self._leg = None
        self._phase = Phase.OVER
        if self._rtp_timer is not None:
            self._rtp_timer.cancel()
        self._our_hold.over()
        self._hold_limit.held(False)
        if self._transfer is not None:
            self._transfer.abandon()
            self._transfer = None
        if self._port is not None:
            self._house.endpoint.ports.take_back(self._port)
            self._port = None
        why = self._why or ("caller hung up" if leg_was_answered else f"not answered: {status} {reason}")
        stream, at_ms = self._audio.detach_with_marks()
        self._stream = None
        if stream is not None:
            self._say_farewell(stream, Stop(reason=why, status=status, at_ms=at_ms))
        log.info("%s over status=%d reason=%r", self.call_id, status, why)
        self._over(self)

    def _say_farewell(self, stream: AgentStream, stop: Stop) -> None:
        self._house.streams.spawn(lambda: stream.finish(stop))

    def _note_hold(self, held: bool | None) -> None:
        if held is not None and self._audio.hold(held):
            self._hold_limit.held(held)
            log.info("%s the caller %s", self.call_id, "holds us" if held else "is back")

    # --- events of the agent (media streams' thread) ---

    def on_agent_audio(self, pcm: bytes) -> None:
        """Speech to play, as far ahead as the agent likes."""
        self._audio.play(pcm)

    def on_agent_message(self, message: AgentMessage) -> None:
        """A wish of the agent."""
        match message:
            case Mark():
                self._audio.mark(message.name)
            case Clear():
                self._audio.clear()
            case Pause():
                self._audio.pause()
            case Resume():
                self._audio.resume(message.rewind_ms)
            case Hangup():
                self._leaving = True
                self._in_turn(message.after_playout, lambda: self.end(f"agent hung up: {message.reason}"))
            case Transfer():
                self._leaving = True
                self._in_turn(True, lambda: self._begin_transfer(message))
            case Hold():
                self._in_turn(False, lambda: self._hold(message.on))

    def on_agent_lost(self, stream: AgentStream, reason: str) -> None:
        """The stream broke or the agent closed it."""
        self._house.endpoint.post(lambda: self._agent_lost(stream, reason))

    def _in_turn(self, after_playout: bool, wish: Callable[[], None]) -> None:
        if after_playout:
            self._when_heard(wish)
        else:
            self._house.endpoint.post(wish)

    def _when_heard(self, wish: Callable[[], None]) -> None:
        self._audio.then(partial(self._house.endpoint.post_later, LAST_WORD_S, wish))

    # --- what the agent wishes (SIP thread again) ---

    def end(self, reason: str, headers: dict[str, str] | None = None) -> None:
        """End the call for a reason of our own; `on_disconnected` follows."""
        if self._leg is None:
            return
        self._why = self._why or reason
        log.info("%s hanging up: %s", self.call_id, reason)
        self._leg.bye(0 if self._leg.confirmed else DECLINE, headers=headers)

    def _hold(self, on: bool) -> None:
        if self._leg is not None and self._leg.confirmed:
            self._our_hold.wish(self._leg, on)

    def _begin_transfer(self, wish: Transfer) -> None:
        if self._leg is None or not self._leg.confirmed:
            return
        if self._transfer is not None:
            self._tell_transfer_result(491, "another transfer is under way")
            return
        if not self._house.endpoint.is_sip_uri(wish.target):
            self._transfer_failed(400, "the target is no SIP URI")
            return
        log.info("%s transfer %s to %s", self.call_id, wish.mode, wish.target)
        house, timeout_s = self._house, self._house.settings.transfer_timeout_s
        if wish.mode == "attended":
            try:
                briefing = decode_briefing(wish.briefing)
            except ValueError as error:
                self._transfer_failed(400, str(error))
                return
            line = ConsultationLine(house.endpoint, house.account, house.legs)
            self._transfer = AttendedTransfer(
                line, self._leg, wish.target, timeout_s, self._transfer_done, briefing
            )
        else:
            self._transfer = BlindTransfer(
                house.endpoint, self._leg, wish.target, timeout_s, self._transfer_done
            )

    def _transfer_done(self, status: int, reason: str) -> None:
        self._transfer = None
        if status // 100 == 2:
            self._transferred(status, reason)
        else:
            self._transfer_failed(status, reason)

    def _transfer_failed(self, status: int, reason: str) -> None:
        log.info("%s transfer failed status=%d", self.call_id, status)
        self._leaving = False
        self._tell_transfer_result(status, reason)
        if self._stream is None:
            self._look_for_another_agent()

    def _transferred(self, status: int, reason: str) -> None:
        log.info("%s transferred", self.call_id)
        self._phase = Phase.TRANSFERRED
        self._tell_transfer_result(status, reason)
        self.end("transferred")

    def _tell_transfer_result(self, status: int, reason: str) -> None:
        if self._stream is not None:
            result = TransferResult(status=status, reason=reason, at_ms=self._audio.now_ms)
            self._stream.send(encode(result))

    # --- an agent that dies ---

    def _agent_lost(self, stream: AgentStream, reason: str) -> None:
        if self._leg is None or (self._stream is not None and stream is not self._stream):
            return
        log.error("%s agent lost: %s", self.call_id, reason)
        self._stream = None
        self._audio.attach(None)
        if not self._leg.confirmed:
            self.end("agent lost")
            return
        if not (self._leaving or self._why):
            self._look_for_another_agent()

    def _look_for_another_agent(self) -> None:
        self._audio.abandon()
        self._audio.play(self._house.lost_prompt)
        self._house.streams.spawn(self._find_agent_again)

    async def _find_agent_again(self) -> None:
        resumed = self.start.model_copy(update={"resumed": True})
        budget_s = self._house.settings.reconnect_budget_s
        try:
            stream = await reopen_stream(self._house.link, resumed, self, budget_s)
        except Exception:
            self._house.endpoint.post(self._agent_stays_lost)
            return
        self._house.endpoint.post(lambda: self._agent_back(stream))

    def _agent_back(self, stream: AgentStream) -> None:
        if self._leg is None:
            self._say_farewell(stream, Stop(reason="caller hung up", at_ms=0))
            return
        log.info("%s agent resumed", self.call_id)
        self._stream = stream
        self._audio.attach(stream)

    def _agent_stays_lost(self) -> None:
        if self._leg is None:
            return
        target = self._house.settings.fallback_target
        self._when_heard(self._give_up if target is None else partial(self._fall_back, target))

    def _fall_back(self, target: str) -> None:
        if self._leg is None:
            return
        log.info("%s agent stays lost, transfer to the fallback target", self.call_id)
        timeout_s = self._house.settings.transfer_timeout_s
        self._transfer = BlindTransfer(
            self._house.endpoint, self._leg, target, timeout_s, self._fallback_done
        )

    def _fallback_done(self, status: int, reason: str) -> None:
        self._transfer = None
        if status // 100 == 2:
            self._transferred(status, reason)
        else:
            self._give_up()

    def _give_up(self) -> None:
        self.end("agent lost", {"Reason": 'SIP;cause=503;text="agent lost"'})

    # --- a caller that vanished without a BYE ---

    def _watch_rtp(self) -> None:
        limit_s = self._house.settings.rtp_timeout_s
        if self._leg is None or limit_s == 0:
            return
        every_s = min(_WATCH_RTP_S, limit_s / 2)
        packets = self._leg.received_packets()
        idle = packets is not None and packets == self._rtp_seen and not self._our_hold.on
        self._rtp_idle_s = self._rtp_idle_s + every_s if idle else 0.0
        self._rtp_seen = self._rtp_seen if packets is None else packets
        if self._rtp_idle_s >= limit_s:
            self.end("no audio from the caller")
            return
        self._rtp_timer = self._house.endpoint.later(every_s, self._watch_rtp)
