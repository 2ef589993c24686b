# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller of a timeline, who reacts to the agent: waits for it, talks over it, says the rest anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.turns.sounds import PER_MS, Samples
from bench.turns.timeline import Act, Start
from contracts.media_stream import FRAME_MS, FRAME_SAMPLES

# After so long without an answer a caller would say it again; the timeline ends.
PATIENCE_MS = 5000
_SILENCE = np.zeros(FRAME_SAMPLES, np.float32)


@dataclass(frozen=True, slots=True)
class Placed:
    """An act and when it began; milliseconds of the call."""

    act: Act
    start_ms: int

    @property
    def end_ms(self) -> int:
        """When its last sound ended."""
        return self.start_ms + self.act.lasts_ms


class Caller:
    """Carries the acts out, in order, frame by frame."""

    def __init__(self, acts: Sequence[Act]) -> None:
        self._acts = acts
        self.placed: list[Placed] = []
        self._waited_ms = 0
        self._agent_spoke = False

    @property
    def current(self) -> Placed | None:
        """The act that began last."""
        return self.placed[-1] if self.placed else None

    def acting(self, now_ms: int) -> bool:
        """Whether an act is going on, pauses in it included."""
        return self.current is not None and now_ms < self.current.end_ms

    def all_done(self, now_ms: int) -> bool:
        """Whether every act is over."""
        return len(self.placed) == len(self._acts) and not self.acting(now_ms)

    def turns_done(self, now_ms: int) -> int:
        """How many acts that want an answer are over."""
        return sum(placed.act.is_turn and placed.end_ms <= now_ms for placed in self.placed)

    def tired(self, now_ms: int) -> bool:
        """Whether the caller has waited in vain for something to react to."""
        since_ms = self.current.end_ms if self.current is not None else 0
        waiting = self.current is not None and len(self.placed) < len(self._acts)
        return waiting and not self._agent_spoke and now_ms - since_ms > PATIENCE_MS

    def frame(self, now_ms: int, *, audible: bool, protected: bool, busy: bool) -> Samples:
        """The caller's 20 ms from `now_ms` on.

        Of the agent, the caller knows whether it is `audible`, in a sentence that is `protected` from
        interruption, or has more to say (`busy`).
        """
        if not self.acting(now_ms) and len(self.placed) < len(self._acts):
            self._react(now_ms, audible=audible, protected=protected, busy=busy)
        current = self.current
        if current is None or not self.acting(now_ms):
            return _SILENCE
        first = (now_ms - current.start_ms) * PER_MS
        samples = current.act.sound[first : first + FRAME_SAMPLES]
        if len(samples) == FRAME_SAMPLES:
            return samples
        return np.concatenate([samples, _SILENCE[len(samples) :]])

    def _react(self, now_ms: int, *, audible: bool, protected: bool, busy: bool) -> None:
        act = self._acts[len(self.placed)]
        self._agent_spoke = self._agent_spoke or audible
        if act.start is Start.AGENT_SPEAKING:
            counts = audible and not protected
        else:
            counts = self._agent_spoke and not busy
            self._waited_ms = self._waited_ms if not busy else 0
        self._waited_ms += FRAME_MS if counts else 0
        if counts and self._waited_ms >= act.wait_ms:
            self.placed.append(Placed(act, now_ms))
            self._waited_ms, self._agent_spoke = 0, False
