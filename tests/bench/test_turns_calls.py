# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated timelines, and calls in virtual time through the real ears, recogniser and turn machine."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from agent.settings import AgentSettings
from bench.turns.acts import CallerActs
from bench.turns.callers import Callers, Pause
from bench.turns.engines import BenchEngines, find_end_of_turn
from bench.turns.generate import Generator
from bench.turns.played import Played
from bench.turns.policies import policies, silence_only
from bench.turns.score import score
from bench.turns.sounds import PER_MS, EchoPath, level, white
from bench.turns.timeline import TURNS, Act, Kind, Span, Start, Timeline
from bench.turns.virtual_call import VirtualCall
from contracts.reply import Reply
from tellerline.configuration import ROOT

pytestmark = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="the callers speak with espeak-ng")

VOICE = "espeak:en-us+f5"
OPENING = Reply(text="This call is recorded. What can I do for you today?", barge_in=False)
LONG = Reply(
    text="Our branches are open from nine in the morning until five in the afternoon. On Saturdays we close "
    "at noon, and on Sundays you can use the cash machines outside."
)


@pytest.fixture(scope="module")
def callers() -> Callers:
    return Callers()


@pytest.fixture(scope="module")
def engines() -> BenchEngines:
    settings = AgentSettings()
    return BenchEngines(settings, find_end_of_turn(settings.end_of_turn.model), echo_gate=True)


def act(kind: Kind, sound: np.typing.NDArray[np.float32], start: Start, wait_ms: int) -> Act:
    return Act(kind, str(kind), start, wait_ms, (Span(0, len(sound) // PER_MS),), sound)


def timeline(*acts: Act, echo: EchoPath | None = None) -> Timeline:
    hiss = white(8000, np.random.default_rng(0)) * np.float32(5e-4)
    return Timeline(0, VOICE, acts, (OPENING, LONG, LONG), LONG, "hiss", hiss, None, echo)


def play(wanted: Timeline, engines: BenchEngines) -> Played:
    settings = AgentSettings().turns
    return VirtualCall(wanted, engines, settings, judged=engines.end_of_turn is not None).play()


def test_timelines_are_a_function_of_the_seed_and_their_number(callers: Callers) -> None:
    first, again, other = Generator(3, callers), Generator(3, callers), Generator(4, callers)
    assert [first.timeline(n) for n in range(4)] == [again.timeline(n) for n in range(4)]
    assert first.timeline(0) != other.timeline(0)


def test_the_truth_of_a_timeline_is_in_its_sound(callers: Callers) -> None:
    for number in range(12):
        for spoken in Generator(5, callers).timeline(number).acts:
            assert spoken.spans[-1].until_ms == spoken.lasts_ms
            for before, after in pairwise(spoken.spans):
                silent = spoken.sound[before.until_ms * PER_MS : after.from_ms * PER_MS]
                assert not silent.any(), "a pause is silent"
            assert all(pause >= 80 for pause in spoken.pauses_ms)


def test_a_pause_is_cut_between_two_words(callers: Callers) -> None:
    text = "i want to borrow twenty thousand dollars"
    whole = callers.say(text, VOICE)
    sound, spans = callers.say_with_pauses(text, VOICE, [Pause(3, 700)])
    assert len(sound) == len(whole) + 700 * PER_MS
    first, last = spans
    assert last.from_ms - first.until_ms == pytest.approx(700, abs=2)
    assert 0.3 < first.until_ms / (len(whole) / PER_MS) < 0.6


def test_a_sentence_is_one_turn_and_stop_silences_the_agent(callers: Callers, engines: BenchEngines) -> None:
    sentence = act(Kind.SENTENCE, callers.say("what is my balance please", VOICE), Start.AGENT_SILENT, 400)
    halt = act(Kind.HALT, callers.say("stop please", VOICE), Start.AGENT_SPEAKING, 1500)
    played = play(timeline(sentence, halt), engines)
    found = score(played)
    assert found.turns == 2
    assert (found.cut_offs, found.never_ended, found.missed_barge_ins) == (0, 0, 0)
    assert found.barge_ins_ms[0] < 400


def test_the_reply_to_the_last_turn_is_played_to_its_end_but_no_longer_than_six_seconds(
    callers: Callers, engines: BenchEngines
) -> None:
    sentence = act(Kind.SENTENCE, callers.say("what is my balance please", VOICE), Start.AGENT_SILENT, 400)
    wanted = timeline(sentence)
    brief = replace(wanted, replies=(OPENING, Reply(text="Two hundred dollars and five cents.")))
    watched = [
        call.lasted_ms - call.commits[0].at_ms for call in (play(wanted, engines), play(brief, engines))
    ]
    assert watched[0] == 6000
    said_ms = len(engines.voice("Two hundred dollars and five cents.")) // PER_MS
    assert said_ms <= watched[1] < said_ms + 300


def test_several_processes_find_what_one_finds() -> None:
    command = [
        sys.executable,
        "-m",
        "tellerline",
        "bench",
        "turns",
        "--timelines",
        "3",
        "--json",
        "--processes",
    ]
    alone, shared = (
        subprocess.run([*command, number], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for number in ("1", "2")
    )
    assert json.loads(alone.splitlines()[-1])["timelines"] == 3
    assert alone == shared


def test_other_voices_come_within_12_db_of_the_caller(callers: Callers) -> None:
    generator = Generator(1, callers)
    lines = [generator._background(random.Random(number), 1.0) for number in range(300)]
    behind = [snr_db for name, snr_db, _ in lines if name == "another voice" and snr_db is not None]
    assert 6 <= min(behind) < 12 < max(behind) <= 20
    text = "what is my balance please"
    acts = CallerActs(random.Random(1), VOICE, 0.0, callers, [text])
    sounds = [acts.over_agent(Kind.CROSSTALK).sound for _ in range(30)]
    own = level(callers.say(text, VOICE))
    below = [-20 * np.log10(level(sound) / own) for sound in sounds]
    assert 5 < min(below) < 11 < max(below) < 24, "voices differ by some dB at the same telephone level"


def test_a_cough_never_stops_the_agent_for_good(callers: Callers, engines: BenchEngines) -> None:
    generator = Generator(1, callers)
    noisy = (placed for n in range(40) for placed in generator.timeline(n).acts)
    cough = next(one for one in noisy if one.kind is Kind.THROAT)
    sentence = act(Kind.SENTENCE, callers.say("what is my balance please", VOICE), Start.AGENT_SILENT, 400)
    found = score(play(timeline(sentence, replace(cough, wait_ms=1500)), engines))
    assert (found.false_interruptions, found.stopped_for_good_by_a_cough) == (0, 0)


def test_the_agents_own_echo_interrupts_nothing(callers: Callers, engines: BenchEngines) -> None:
    sentence = act(Kind.SENTENCE, callers.say("what is my balance please", VOICE), Start.AGENT_SILENT, 400)
    later = act(Kind.SENTENCE, callers.say("no thank you", VOICE), Start.AGENT_SILENT, 400)
    played = play(timeline(sentence, later, echo=EchoPath(-20.0, 150)), engines)
    assert score(played).false_interruptions == 0
    assert played.silenced == []
    assert len(played.commits) == 2


def test_silence_only_ends_every_turn_after_the_same_silence() -> None:
    settings = AgentSettings().turns
    fixed = silence_only(800, settings).settings.endpointing
    assert {fixed.yes_no_ms, fixed.digits_ms, fixed.free_ms, fixed.unfinished_ms, fixed.free_shortest_ms} == {
        800
    }
    assert fixed.cut_off_ms == settings.endpointing.cut_off_ms
    assert [p.judges for p in policies(settings, compare=True, model=True)][-2:] == [False, True]
    assert {Kind.COUGH, Kind.BACKCHANNEL}.isdisjoint(TURNS)
