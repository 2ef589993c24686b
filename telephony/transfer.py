# SPDX-License-Identifier: GPL-3.0-or-later
"""Handing a caller to somebody else: blind (REFER), or attended (ask the target first, then REFER with
Replaces, RFC 3891).

Both end exactly once, with the SIP status of the target. All in the SIP thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import pjsua2 as pj

from telephony.call import IgnoringListener, Leg, Registry, call_options
from telephony.endpoint import SipEndpoint, Timer

log = logging.getLogger(__name__)

Outcome = Callable[[int, str], None]

REQUEST_TIMEOUT = 408
BUSY_HERE = 486


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
    """Dial the target on a leg of its own; once it answers, REFER the caller to replace that leg."""

    def __init__(
        self,
        line: ConsultationLine,
        caller: Leg,
        target: str,
        timeout_s: float,
        done: Outcome,
    ) -> None:
        endpoint = line.endpoint
        self._caller: Leg | None = caller
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
        if self._caller is None or self._consultation is None:
            return
        try:
            self._caller.xferReplaces(self._consultation, call_options())
        except pj.Error as error:
            self._end(500, error.reason)

    def on_disconnected(self, status: int, reason: str) -> None:
        was_confirmed = self._consultation is not None and self._consultation.confirmed
        self._consultation = None
        # After the answer the target ends this leg when it takes the caller instead; the NOTIFY then tells
        # the outcome.
        if not was_confirmed:
            self._timer.cancel()
            self._caller = None
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
