# SPDX-License-Identifier: GPL-3.0-or-later
"""Handing a caller to somebody else: blind (REFER), or attended (ask the target first and tell them what it
is about, then REFER with Replaces, RFC 3891).

Both end exactly once, with the SIP status of the target. All in the SIP thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import pjsua2 as pj

from telephony.briefing import Briefing
from telephony.call import IgnoringListener, Leg, Registry, call_options
from telephony.endpoint import SipEndpoint, Timer
from telephony.media_port import MediaPort

log = logging.getLogger(__name__)

Outcome = Callable[[int, str], None]

REQUEST_TIMEOUT = 408
TEMPORARILY_UNAVAILABLE = 480
BUSY_HERE = 486
# From the last frame sent until the other party's jitter buffer has played it; whatever ends the leg
# earlier cuts the last word.
LAST_WORD_S = 0.2


class Transfer(Protocol):
    """A transfer under way."""

    def on_status(self, status: int, reason: str, final: bool) -> None:
        """What the caller's telephone reports about the target (NOTIFY)."""

    def abandon(self) -> None:
        """The caller is gone: clean up without an outcome."""


@dataclass(frozen=True, slots=True)
class ConsultationLine:
    """What a leg to a transfer's target is made with: endpoint, account, and the registry that keeps it."""

    endpoint: SipEndpoint
    account: Any
    legs: Registry


class BlindTransfer:
    """REFER the caller to the target and wait for the outcome that their telephone reports."""

    def __init__(
        self, endpoint: SipEndpoint, caller: Leg, target: str, timeout_s: float, done: Outcome
    ) -> None:
        self._finish = _Once(done)
        self._timer = endpoint.later(
            timeout_s, lambda: self._finish(REQUEST_TIMEOUT, "transfer target did not answer")
        )
        try:
            caller.xfer(target, call_options())
        except pj.Error as error:
            self._timer.cancel()
            endpoint.post(partial(self._finish, _status_of(error), error.reason))

    def on_status(self, status: int, reason: str, final: bool) -> None:
        if final or status >= 300:
            self._timer.cancel()
            self._finish(status, reason)

    def abandon(self) -> None:
        self._timer.cancel()
        self._finish.cancel()


class AttendedTransfer(IgnoringListener):
    """Dial the target on a leg of its own; once it answers and has heard the briefing (16-bit PCM, 8 kHz;
    may be empty), REFER the caller to replace that leg. The caller hears silence until then.
    """

    def __init__(
        self,
        line: ConsultationLine,
        caller: Leg,
        target: str,
        timeout_s: float,
        done: Outcome,
        briefing: bytes = b"",
    ) -> None:
        endpoint = self._endpoint = line.endpoint
        self._caller: Leg | None = caller
        self._briefing = briefing
        self._port: MediaPort | None = None
        self._referred = False
        self._timeout_s = timeout_s
        self._finish = _Once(done)
        self._registry = line.legs
        self._timer: Timer = endpoint.later(timeout_s, self._timed_out)
        self._consultation: Leg | None = Leg(line.account, -1, self._registry, self)
        try:
            self._consultation.makeCall(target, call_options())
        except pj.Error as error:
            self._forget_consultation()
            self._timer.cancel()
            endpoint.post(partial(self._finish, _status_of(error), error.reason))

    def on_confirmed(self) -> None:
        if self._caller is None:
            return
        if not self._briefing:
            self._refer()
            return
        told = partial(self._endpoint.post_later, LAST_WORD_S, self._refer)
        briefing = Briefing(self._briefing, told)
        self._timer.cancel()
        self._timer = self._endpoint.later(briefing.length_s + self._timeout_s, self._timed_out)
        self._port = self._endpoint.ports.lend(briefing)
        self.on_media()

    def on_media(self) -> None:
        if self._consultation is not None and self._port is not None:
            self._consultation.connect(self._port)

    def _refer(self) -> None:
        if self._caller is None or self._consultation is None or self._referred:
            return
        self._referred = True
        try:
            self._caller.xferReplaces(self._consultation, call_options())
        except pj.Error as error:
            self._end(500, error.reason)

    def on_disconnected(self, status: int, reason: str) -> None:
        answered = self._consultation is not None and self._consultation.confirmed
        self._consultation = None
        if self._port is not None:
            self._endpoint.ports.take_back(self._port)
            self._port = None
        # The target ends this leg when it takes the caller instead; the NOTIFY then tells the outcome.
        if self._referred:
            return
        self._timer.cancel()
        self._caller = None
        if answered:
            status, reason = TEMPORARILY_UNAVAILABLE, "the target hung up during the briefing"
        self._finish(status, reason)

    def on_status(self, status: int, reason: str, final: bool) -> None:
        if final or status >= 300:
            self._end(status, reason)

    def abandon(self) -> None:
        self._finish.cancel()
        self._end(0, "")

    def _timed_out(self) -> None:
        self._end(REQUEST_TIMEOUT, "transfer target did not answer")

    def _end(self, status: int, reason: str) -> None:
        self._timer.cancel()
        self._caller = None
        # First the outcome: ending the consultation reports its own status from within `bye`.
        self._finish(status, reason)
        if self._consultation is not None:
            self._consultation.bye()

    def _forget_consultation(self) -> None:
        if self._consultation is not None:
            self._registry.pop(id(self._consultation), None)
            self._consultation = None


class _Once:
    """Calls an outcome once, however many ends a transfer has."""

    def __init__(self, done: Outcome) -> None:
        self._done: Outcome | None = done

    def __call__(self, status: int, reason: str) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(status, reason)

    def cancel(self) -> None:
        self._done = None


def _status_of(error: Any) -> int:
    return BUSY_HERE if "many" in str(error.reason).lower() else 400
