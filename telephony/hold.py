# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds whom in a call: the agent's last wish to hold the caller, followed until it is met, and how long
a caller may hold the line.

All in the SIP thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import pjsua2 as pj

from telephony.call import Leg
from telephony.endpoint import SipEndpoint, Timer

log = logging.getLogger(__name__)

# Another re-INVITE is under way until its answer is there, within a second or so.
_TRY_AGAIN_S = 0.5


class OurHold:
    """The caller on hold by the agent's wish. `on`: whether they are."""

    def __init__(self, endpoint: SipEndpoint, call_id: str) -> None:
        self._endpoint = endpoint
        self._call_id = call_id
        self._leg: Leg | None = None
        self._wished = False
        self._timer: Timer | None = None
        self.on = False

    def wish(self, leg: Leg, on: bool) -> None:
        """Hold the caller or take them back, now or as soon as it is possible."""
        self._leg, self._wished = leg, on
        self._follow(first=True)

    def over(self) -> None:
        """The leg is gone: forget it."""
        self._leg = None
        _cancel(self._timer)

    def _follow(self, first: bool = False) -> None:
        _cancel(self._timer)
        if self._leg is None or self._wished == self.on:
            return
        try:
            self._leg.hold(self._wished)
        except pj.Error as error:
            if first:
                log.warning("%s hold %s is not possible yet: %s", self._call_id, self._wished, error.reason)
            self._timer = self._endpoint.later(_TRY_AGAIN_S, self._follow)
            return
        self.on = self._wished
        log.info("%s hold %s", self._call_id, "on" if self.on else "off")


class HoldLimit:
    """Ends what a caller holds for longer than `limit_s` seconds; 0: never."""

    def __init__(self, endpoint: SipEndpoint, limit_s: float, too_long: Callable[[], None]) -> None:
        self._endpoint, self._limit_s, self._too_long = endpoint, limit_s, too_long
        self._timer: Timer | None = None

    def held(self, on: bool) -> None:
        """The caller holds the line from now on, or is back or gone."""
        _cancel(self._timer)
        self._timer = None
        if on and self._limit_s:
            self._timer = self._endpoint.later(self._limit_s, self._too_long)


def _cancel(timer: Timer | None) -> None:
    if timer is not None:
        timer.cancel()
