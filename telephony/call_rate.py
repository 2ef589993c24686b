# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast new calls may come, since each costs sockets that PJSIP frees late.

PJSIP's I/O queue holds 64 sockets. A call takes two, also one that is refused later, and a closed socket
keeps its place for half a second; when there is no place left, an assertion ends the process. So calls
beyond this rate are refused before PJSUA sees them.
"""

from __future__ import annotations

# At most 10 + 20 * 0.5 calls in any half second: 40 sockets, beside 8 of standing calls and a few of the
# library's own.
BURST = 10
PER_SECOND = 20.0


class CallRate:
    """A token bucket. Pure; times are given, in seconds of any steady clock."""

    def __init__(self, burst: int = BURST, per_second: float = PER_SECOND) -> None:
        self._burst = float(burst)
        self._per_second = per_second
        self._tokens = float(burst)
        self._last_s: float | None = None

    def admit(self, now_s: float) -> bool:
        """Whether a call may come now; one that may is counted."""
        if self._last_s is not None:
            self._tokens = min(self._burst, self._tokens + (now_s - self._last_s) * self._per_second)
        self._last_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
