# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays generated timelines and judges them, in this process or in several.

A timeline is played by all policies in one process, whose engines have then heard its sounds already, and
timelines know nothing of each other: so the scores are the same however many processes there are.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from agent.settings import AgentSettings
from bench.turns.engines import BenchEngines, find_end_of_turn
from bench.turns.generate import Generator
from bench.turns.played import Played
from bench.turns.policies import Policy
from bench.turns.score import Score, score
from bench.turns.virtual_call import VirtualCall

_MOST_PROCESSES = 4


def usual_processes() -> int:
    """As many as there are cores, up to 4."""
    return min(_MOST_PROCESSES, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Bench:
    """What makes a player: the engines' settings, the turn-end model's folder, the timelines' seed."""

    settings: AgentSettings
    model: Path | None
    echo_gate: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A timeline's kinds of line, and its score by each policy."""

    lines: tuple[str, ...]
    scores: tuple[Score, ...]


class Player:
    """Engines and a generator of timelines. Raises FileNotFoundError for a missing model."""

    def __init__(self, bench: Bench) -> None:
        end_of_turn = find_end_of_turn(bench.model)
        self._engines = BenchEngines(bench.settings, end_of_turn, echo_gate=bench.echo_gate)
        self._generator = Generator(bench.seed)

    def play(self, number: int, policy: Policy) -> Played:
        """The timeline with that number, played. Raises NoCallerVoice."""
        timeline = self._generator.timeline(number)
        return VirtualCall(timeline, self._engines, policy.settings, judged=policy.judges).play()

    def judge(self, number: int, policies: Sequence[Policy]) -> Judged:
        """The timeline with that number, played by each of the policies. Raises NoCallerVoice."""
        played = [self.play(number, policy) for policy in policies]
        return Judged(played[0].timeline.lines, tuple(map(score, played)))


def judge_all(bench: Bench, policies: Sequence[Policy], timelines: int, processes: int) -> Iterator[Judged]:
    """The first so many timelines, in order. Raises FileNotFoundError and NoCallerVoice as `Player` does."""
    processes = min(processes, timelines)
    if processes == 1:
        player = Player(bench)
        return (player.judge(number, policies) for number in range(timelines))
    # Forked, since the `tellerline` script, which others would run again in every process, has no guard. That
    # is safe as long as this process has no engine, and so no thread of one: `map` forks at once, and engines
    # are loaded after that.
    context = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(processes, context, _begin, (bench,))
    return _all_of(pool, pool.map(partial(_judge, policies=policies), range(timelines)))


def _all_of(pool: ProcessPoolExecutor, judged: Iterator[Judged]) -> Iterator[Judged]:
    with pool:
        yield from judged


_bench: list[Bench] = []


def _begin(bench: Bench) -> None:
    _bench.append(bench)


@cache
def _player() -> Player:
    """This process's player, made by its first task, whose caller then gets what goes wrong."""
    return Player(_bench[0])


def _judge(number: int, policies: Sequence[Policy]) -> Judged:
    return _player().judge(number, policies)
