# SPDX-License-Identifier: GPL-3.0-or-later
"""Admission by budget: whether one more call would make those in progress wait for their replies.

Decided on the measured load (processors, engine times of the last replies) plus what calls that were let in a
moment ago, by any agent of this machine, will add and have not shown yet.
"""

from __future__ import annotations

import logging
import socket
import time
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from agent.settings import AdmissionSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Budget:
    """What is known when a call arrives.

    `busy` is the share of the machine's processors in use (0 to 1), `work_p95_s` what the engines took of
    recent replies (seconds), `calls` those of this process, `unsettled` the calls of the machine that are
    too new to show in `busy`.
    """

    busy: float
    work_p95_s: float
    calls: int
    unsettled: int


def refusal(budget: Budget, settings: AdmissionSettings) -> str | None:
    """Why one more call is too many; None when it is welcome.

    Queueing stretches the engines' times by about the share that the new call adds to those of this process.
    """
    busy = budget.busy + settings.call_busy * (budget.unsettled + 1)
    if busy > settings.most_busy:
        return f"the processors would be {busy:.0%} busy, {settings.most_busy:.0%} are allowed"
    if budget.calls and budget.work_p95_s:
        work_s = budget.work_p95_s * (budget.calls + 1) / budget.calls
        if work_s > settings.work_s:
            return (
                f"replies would take {work_s:.2f} s of engine time at p95, {settings.work_s:g} s are allowed"
            )
    return None


class Promises:
    """The calls let in lately by the agents of this machine, in Redis: each arrival takes a number first, and
    counts those before it. Without Redis every process knows its own only.
    """

    def __init__(self, redis: Redis, settle_s: float) -> None:
        self._redis: Any = redis
        self._key = f"admission:{socket.gethostname()}"
        self._settle_s = settle_s

    async def queue_up(self, name: str) -> int:
        """Take a number; how many unsettled calls are before it."""
        now = time.time()
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.zremrangebyscore(self._key, "-inf", now - self._settle_s)
                pipe.zadd(self._key, {name: now})
                pipe.zrank(self._key, name)
                pipe.expire(self._key, 60)
                _, _, rank, _ = await pipe.execute()
            return int(rank or 0)
        except (RedisError, OSError) as error:
            log.warning("arrivals at other agents of this machine are not known, Redis: %r", error)
            return 0

    async def withdraw(self, name: str) -> None:
        """The call was refused after all."""
        try:
            await self._redis.zrem(self._key, name)
        except (RedisError, OSError):
            # It expires by itself.
            return
