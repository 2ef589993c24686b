# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let in: places are never given twice, and a busy machine protects the calls that it has."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from agent.admission import Budget, Neighbourhood, Neighbours, refusal
from agent.load import Load
from agent.places import PROMISE_S, Places
from agent.settings import AdmissionSettings
from tests.private_redis import PrivateRedis

SETTINGS = AdmissionSettings(most_busy=0.8, call_busy=0.1, work_s=0.5)


def budget(
    busy: float = 0.1, work_s: float = 0.05, calls: int = 1, others: int = 1, unsettled: int = 0
) -> Budget:
    return Budget(busy, work_s, calls, Neighbours(others, unsettled))


def test_a_quiet_machine_lets_everybody_in() -> None:
    assert refusal(budget(), SETTINGS) is None


def test_busy_processors_protect_calls_in_progress_and_nothing_else() -> None:
    assert "90%" in (refusal(budget(busy=0.8), SETTINGS) or "")
    assert refusal(budget(busy=0.8, calls=0, others=0), SETTINGS) is None
    assert refusal(budget(busy=0.8, calls=0, others=1), SETTINGS) is not None


def test_calls_that_do_not_show_yet_count() -> None:
    assert refusal(budget(busy=0.55, unsettled=1), SETTINGS) is None
    assert refusal(budget(busy=0.55, unsettled=2), SETTINGS) is not None


def test_slow_replies_refuse_before_the_processors_are_full() -> None:
    assert refusal(budget(work_s=0.24, calls=1), SETTINGS) is None
    assert "0.52" in (refusal(budget(work_s=0.26, calls=1), SETTINGS) or "")


@given(st.lists(st.sampled_from(["promise", "take", "leave", "wait"]), max_size=60), st.integers(1, 4))
def test_never_more_calls_than_places(steps: list[str], count: int) -> None:
    places, now_s = Places(count), 0.0
    for step in steps:
        match step:
            case "promise":
                places.promise(now_s)
            case "take":
                places.take(now_s)
            case "leave" if places.calls:
                places.leave()
            case "wait":
                now_s += PROMISE_S * 0.7
        assert 0 <= places.calls <= count


def test_two_who_arrive_together_do_not_get_the_same_place() -> None:
    places = Places(1)
    assert places.promise(0.0)
    assert not places.promise(0.0)
    assert places.take(0.1)
    assert not places.promise(0.2)
    places.leave()
    assert places.promise(0.3)


def test_a_promise_that_nobody_keeps_expires() -> None:
    places = Places(1)
    assert places.promise(0.0)
    assert not places.promise(PROMISE_S)
    assert places.promise(PROMISE_S + 0.1)


async def test_arrivals_at_different_agents_see_each_other(redis_server: PrivateRedis) -> None:
    redis = Redis.from_url(redis_server.url, decode_responses=True)
    await redis.flushdb()
    here, there = Neighbourhood(redis, settle_s=5), Neighbourhood(redis, settle_s=5)
    await there.tell(3)
    found = await asyncio.gather(here.queue_up("a"), there.queue_up("b"), here.queue_up("c"))
    assert sorted(each.unsettled for each in found) == [0, 1, 2]
    assert [each.calls for each in found] == [3, 3, 3]
    await here.withdraw("a")
    assert (await there.queue_up("d")).unsettled == 2
    await redis.aclose()


async def test_without_redis_a_process_knows_its_own_calls_only() -> None:
    redis = Redis(host="127.0.0.1", port=1, decode_responses=True)
    neighbourhood = Neighbourhood(redis, settle_s=5)
    assert await neighbourhood.queue_up("a") == Neighbours(0, 0)
    await neighbourhood.tell(1)
    await neighbourhood.withdraw("a")
    await redis.aclose()


def test_old_replies_say_nothing_about_now() -> None:
    now_s = 0.0
    load = Load(busy_now=lambda: 1.0, clock=lambda: now_s)
    load.replied(2.0)
    assert load.work_p95_s() == 2.0
    now_s = 60.0
    assert load.work_p95_s() == 0.0
    load.sample()
    load.sample()
    assert load.busy == pytest.approx(0.4375)
