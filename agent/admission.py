# SPDX-License-Identifier: GPL-3.0-or-later
"""Admission by budget: whether one more call would make those in progress wait for their replies.

Decided on the measured load (processors, engine times of the last replies) plus what calls that were let in a
moment ago, by any agent of this machine, will add and have not shown yet.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from agent.settings import AdmissionSettings

log = logging.getLogger(__name__)

# An agent that has said nothing for so long has no calls any more. Seconds.
_FORGOTTEN_S = 6.0


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What the agents of this machine have told: calls in progress, and calls let in a moment ago."""

    calls: int
    unsettled: int


@dataclass(frozen=True, slots=True)
class Budget:
    """What is known when a call arrives.

    `busy` is the share of the machine's processors in use (0 to 1), `work_p95_s` what the engines took of
    recent replies (seconds), `calls` those of this process, `neighbours` those of all agents of the
    machine.
    """

    busy: float
    work_p95_s: float
    calls: int
    neighbours: Neighbours


def refusal(budget: Budget, settings: AdmissionSettings) -> str | None:
    """Why one more call is too many; None when it is welcome.

    Where nobody talks there is nobody to protect, however busy the machine is with other things. Queueing
    stretches the engines' times by about the share that the new call adds to those of this process.
    """
    neighbours = budget.neighbours
    if not max(budget.calls, neighbours.calls, neighbours.unsettled):
        return None
    busy = budget.busy + settings.call_busy * (neighbours.unsettled + 1)
    if busy > settings.most_busy:
        return f"the processors would be {busy:.0%} busy, {settings.most_busy:.0%} are allowed"
    if budget.calls and budget.work_p95_s:
        work_s = budget.work_p95_s * (budget.calls + 1) / budget.calls
        if work_s > settings.work_s:
            return f"replies would take {work_s:.2f} s of engines at p95, {settings.work_s:g} s are allowed"
    return None


class Neighbourhood:
    """What the agents of one machine tell each other, in Redis.

    Each arrival takes a number first and counts those before it, so two that come together see each other.
    Without Redis every process knows its own calls only.
    """

    def __init__(self, redis: Redis, settle_s: float) -> None:
        self._redis: Any = redis
        self._settle_s = settle_s
        self._arrivals = f"admission:arrivals:{socket.gethostname()}"
        self._agents = f"admission:agents:{socket.gethostname()}"

    async def queue_up(self, name: str) -> Neighbours:
        """Take a number; the neighbours as they are."""
        now = time.time()
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.zremrangebyscore(self._arrivals, "-inf", now - self._settle_s)
                pipe.zadd(self._arrivals, {name: now})
                # Not the rank: two clocks may disagree about who came first, Redis does not.
                pipe.zcard(self._arrivals)
                pipe.hgetall(self._agents)
                _, _, queue, agents = await pipe.execute()
        except (RedisError, OSError) as error:
            log.warning("the other agents of this machine are not known, Redis: %r", error)
            return Neighbours(0, 0)
        told = (entry.split() for entry in agents.values())
        calls = sum(int(count) for at, count in told if now - float(at) < _FORGOTTEN_S)
        return Neighbours(calls, int(queue) - 1)

    async def withdraw(self, name: str) -> None:
        """The call was refused after all. What can't be told expires by itself."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.zrem(self._arrivals, name)

    async def tell(self, calls: int) -> None:
        """Say how many calls this process has; to be said again every few seconds."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.hset(self._agents, str(os.getpid()), f"{time.time():.1f} {calls}")
