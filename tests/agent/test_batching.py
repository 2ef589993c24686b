# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits when a thread becomes free is served together, in order, and nobody is served in vain."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.batching import Batching


class Engine:
    """Doubles numbers, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()

    def work(self, batch: Sequence[int]) -> list[int]:
        self.gate.wait(5)
        self.batches.append(list(batch))
        if 13 in batch:
            raise RuntimeError("unlucky")
        return [2 * item for item in batch]


def batching(engine: Engine, threads: int = 1, largest: int = 4) -> Batching[int, int]:
    return Batching(engine.work, ThreadPoolExecutor(threads), threads, largest)


async def test_an_idle_engine_starts_at_once_and_a_queue_becomes_a_batch() -> None:
    engine = Engine()
    served = batching(engine)
    assert served.idle
    tasks = [asyncio.create_task(served.do(item)) for item in range(1, 8)]
    await asyncio.sleep(0.05)
    assert not served.idle
    engine.gate.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8, 10, 12, 14]
    assert engine.batches == [[1], [2, 3, 4, 5], [6, 7]]
    assert served.idle


async def test_two_free_threads_serve_two_who_wait_one_each() -> None:
    engine = Engine()
    served = batching(engine, threads=2)
    tasks = [asyncio.create_task(served.do(item)) for item in (1, 2)]
    await asyncio.sleep(0.05)
    engine.gate.set()
    await asyncio.gather(*tasks)
    assert sorted(engine.batches) == [[1], [2]]


async def test_what_nobody_wants_any_more_is_not_done() -> None:
    engine = Engine()
    served = batching(engine)
    first, second, third = (asyncio.create_task(served.do(item)) for item in (1, 2, 3))
    await asyncio.sleep(0.05)
    second.cancel()
    await asyncio.sleep(0)
    engine.gate.set()
    assert (await first, await third) == (2, 6)
    assert engine.batches == [[1], [3]]


async def test_a_batch_that_breaks_is_told_to_all_of_it_and_to_nobody_else() -> None:
    engine = Engine()
    engine.gate.set()
    served = batching(engine)
    with pytest.raises(RuntimeError, match="unlucky"):
        await served.do(13)
    assert await served.do(4) == 8


async def test_one_that_breaks_does_not_cost_the_others_of_its_batch_anything() -> None:
    engine = Engine()
    served = batching(engine)
    tasks = [asyncio.create_task(served.do(item)) for item in (1, 2, 13, 3)]
    await asyncio.sleep(0.05)
    engine.gate.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [found[0], found[1], found[3]] == [2, 4, 6]
    assert isinstance(found[2], RuntimeError)
