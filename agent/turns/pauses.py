# SPDX-License-Identifier: GPL-3.0-or-later
"""The pauses of this caller: how long they are silent in the middle of a thought.

Some people speak in one breath, others look for words. The delay that ends free speech starts in the middle
and follows the caller: down a little with every turn that had no pause in it, up at once when a pause, or a
turn that was cut off, proves it too short.
"""

from __future__ import annotations

from agent.turns.settings import EndpointingSettings

# A pause that was survived says that the next may be longer: the margin covers the spread of one speaker's
# pauses.
_MARGIN = 1.25
# How much of the way to the shortest delay one fluent turn earns.
_EASE = 0.25


class CallerPauses:
    """The delay that ends this caller's free speech, in milliseconds of silence."""

    def __init__(self, settings: EndpointingSettings) -> None:
        self._settings = settings
        self._delay_ms = float(settings.free_ms)
        self._paused = False

    @property
    def delay_ms(self) -> int:
        """The delay as the caller has taught it so far."""
        return round(self._delay_ms)

    def paused(self, pause_ms: int) -> None:
        """The caller was silent for `pause_ms` and then went on with the same thought."""
        self._paused = True
        longest = float(self._settings.free_longest_ms)
        self._delay_ms = min(longest, max(self._delay_ms, pause_ms * _MARGIN))

    def turn_ended(self) -> None:
        """A turn was committed."""
        if not self._paused:
            shortest = self._settings.free_shortest_ms
            self._delay_ms = max(shortest, self._delay_ms - _EASE * (self._delay_ms - shortest))
        self._paused = False
