# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognition for all calls of a process: whoever waits when an engine thread becomes free is decoded in one
batch.

An idle process starts at once, one sound a thread; batches form only where there would be a queue, which is
where they pay (two sentences together cost about two thirds of their sum: docs/measurements.md). What nobody
wants any more, because the caller went on speaking, leaves the queue undone. Partial recognitions are done
only while nothing else is: they must not delay anybody's reply.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    future: asyncio.Future[Result]


class Batching(Generic[Item, Result]):
    """Runs `work` on batches of items in threads. Belongs to one event loop."""

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        pool: ThreadPoolExecutor,
        threads: int,
        largest: int,
    ) -> None:
        self._work = work
        self._pool = pool
        self._free = threads
        self._threads = threads
        self._largest = largest
        self._queue: deque[_Waiting[Item, Result]] = deque()
        self._batches: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        """Whether a thread is free and nobody waits."""
        return self._free == self._threads and not self._queue

    async def do(self, item: Item) -> Result:
        """The result for `item`. Cancelling it takes the item out of the queue. Raises what `work` raises."""
        waiting: _Waiting[Item, Result] = _Waiting(item, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._start()
        return await waiting.future

    def _start(self) -> None:
        while self._free and self._queue:
            batch = self._take()
            if not batch:
                return
            self._free -= 1
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)

    def _take(self) -> list[_Waiting[Item, Result]]:
        batch: list[_Waiting[Item, Result]] = []
        # Two threads that are free serve two who wait sooner than one thread both.
        most = max(1, min(self._largest, -(-len(self._queue) // self._free)))
        while self._queue and len(batch) < most:
            waiting = self._queue.popleft()
            if not waiting.future.done():
                batch.append(waiting)
        return batch

    async def _run(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            await self._serve(batch)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch[0], error)
            else:
                # One bad sound must not cost the others their words.
                await self._serve_singly(batch)
        finally:
            self._free += 1
            self._start()

    async def _serve(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        items = [waiting.item for waiting in batch]
        results = await asyncio.get_running_loop().run_in_executor(self._pool, self._work, items)
        for waiting, result in zip(batch, results, strict=True):
            if not waiting.future.done():
                waiting.future.set_result(result)

    async def _serve_singly(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        for waiting in batch:
            try:
                await self._serve([waiting])
            except Exception as error:
                _fail(waiting, error)


def _fail(waiting: _Waiting[Item, Result], error: Exception) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(error)
