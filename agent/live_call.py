# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of one conversation share: the call, its machine and journal, the audio clock, and the tasks
that end with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from agent.engines import Engines
from agent.journal.writer import JournalWriter
from agent.turns.machine import TurnMachine
from agent.work import Work
from contracts.media_stream import Start

log = logging.getLogger(__name__)


class LiveCall:
    """One call in progress. `now_ms` is its audio clock; `clock` measures how long engines take (seconds)."""

    def __init__(self, start: Start, engines: Engines, clock: Callable[[], float]) -> None:
        self.start = start
        self.engines = engines
        self.clock = clock
        self.machine = TurnMachine(engines.settings.turns, engines.settings.prompts)
        self.work = Work()
        self.now_ms = 0
        # What the engines have taken of the reply that is being made: recognition, then dialogue, then voice.
        self.reply_work_ms = 0
        self._journal = JournalWriter(engines.redis, start.call_id)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def call_id(self) -> str:
        """The call's own name."""
        return self.start.call_id

    @property
    def journal(self) -> JournalWriter:
        """Where everything is written down."""
        return self._journal

    def note(self, kind: str, **data: Any) -> None:
        """Write an entry into the journal, at the audio clock."""
        self._journal.append(kind, self.now_ms, **data)

    def since_ms(self, began: float) -> int:
        """Milliseconds from `began`, a time of `clock`."""
        return round((self.clock() - began) * 1000)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the call, no longer than the call."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._reap)
        return task

    async def stop_tasks(self) -> None:
        """End whatever still runs."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: a task of the call broke", self.call_id, exc_info=task.exception())
