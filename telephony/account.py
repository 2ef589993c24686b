# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in: the account that takes INVITEs, and what is refused before PJSUA spends anything on it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import pjsua2 as pj

from contracts.media_stream import Start
from telephony.call import IgnoringListener, Leg, Registry
from telephony.call_id import new_call_id
from telephony.call_rate import CallRate
from telephony.method_filter import Refusal, refusal
from telephony.session import CallSession, House
from telephony.sip_message import clean, custom_headers, host_of, offered_codec, user_part

log = logging.getLogger(__name__)

FORBIDDEN, BUSY_HERE, UNAVAILABLE = 403, 486, 503
# A flood of refused calls must not become a flood of log lines.
_LOG_EVERY_S = 1.0


class GatewayAccount(pj.Account):  # type: ignore[misc]
    """Takes calls until the worker is full or stopping. Opened later with the house, which contains it."""

    def __init__(self, settings: Any, legs: Registry, call_id: Callable[[], str] = new_call_id) -> None:
        super().__init__()
        self._house: House | None = None
        self._new_call_id = call_id
        self._legs = legs
        self._rate = CallRate()
        self._refused, self._logged_s = 0, float("-inf")
        self.sessions: dict[str, CallSession] = {}
        self.draining = False
        self.create(settings)

    def open(self, house: House) -> None:
        """Start to take calls."""
        self._house = house

    def close(self) -> None:
        """Shut the account down and let go of what would keep PJSUA2 objects alive."""
        self._house = None
        self.shutdown()

    def decide(self, method: str, source: str | None) -> Refusal | None:
        """Whether a request outside of a dialog is refused (see pjsip_module). `source`: the IP address that
        sent it, None where it can't be had.
        """
        if method != "INVITE":
            return refusal(method)
        if source is not None and not self._welcome(source):
            self._log_refusal(FORBIDDEN)
            return Refusal(FORBIDDEN)
        refused = self._refusal_of_call(time.monotonic())
        if refused is not None:
            self._log_refusal(refused.status)
        return refused

    def _welcome(self, source: str) -> bool:
        accepted = self._house.settings.accept_from if self._house is not None else ()
        return not accepted or source in accepted

    def _refusal_of_call(self, now_s: float) -> Refusal | None:
        house = self._house
        if house is None or self.draining:
            return Refusal(UNAVAILABLE, ("Retry-After", "5"))
        if len(self.sessions) >= house.settings.max_calls:
            return Refusal(BUSY_HERE, ("Retry-After", str(house.settings.retry_after_s)))
        if not self._rate.admit(now_s):
            return Refusal(UNAVAILABLE, ("Retry-After", "1"))
        return None

    def _log_refusal(self, status: int) -> None:
        self._refused += 1
        now_s = time.monotonic()
        if now_s - self._logged_s >= _LOG_EVERY_S:
            log.warning("calls refused=%d last_status=%d", self._refused, status)
            self._refused, self._logged_s = 0, now_s

    def onIncomingCall(self, prm: Any) -> None:
        try:
            self._take(int(prm.callId), str(prm.rdata.wholeMsg), host_of(prm.rdata.srcAddress))
        except Exception:
            log.exception("an INVITE could not be handled")

    def _take(self, index: int, invite: str, source: str) -> None:
        house = self._house
        if not self._welcome(source):
            # Reached only when the request filter is off, or can't tell the source, in this build.
            Leg(self, index, self._legs, _DEAF).respond(FORBIDDEN)
            return
        if house is None or len(self.sessions) >= house.settings.max_calls or self.draining:
            # Reached only when the request filter is off in this build.
            Leg(self, index, self._legs, _DEAF).respond(BUSY_HERE)
            return
        call_id = self._new_call_id()
        leg = Leg(self, index, self._legs, _DEAF)
        session = CallSession(house, _start_of(call_id, leg, invite), self._session_over)
        self.sessions[call_id] = session
        leg.listen(session)
        log.info("%s incoming sip_call_id=%s", call_id, session.start.sip_call_id)
        try:
            session.begin(leg)
        except Exception:
            self.sessions.pop(call_id, None)
            leg.bye(500)
            raise

    def _session_over(self, session: CallSession) -> None:
        self.sessions.pop(session.call_id, None)


_DEAF = IgnoringListener()


def _start_of(call_id: str, leg: Leg, invite: str) -> Start:
    info = leg.getInfo()
    return Start.model_validate(
        {
            "call_id": call_id,
            "sip_call_id": clean(info.callIdString),
            "from": user_part(info.remoteUri),
            "to": user_part(info.localUri),
            "codec": offered_codec(invite),
            "custom": custom_headers(invite),
        }
    )
