# SPDX-License-Identifier: GPL-3.0-or-later
"""Events that cross: a pause and a mark, a cough and an answer, a hold and a reply. Nothing stands still for
ever, nothing is lost, and nobody is hung up on.
"""

from __future__ import annotations

from agent.turns.commands import (
    CommitTurn,
    DropReplies,
    Foresee,
    HangUp,
    IgnoreUtterance,
    PauseSpeaking,
    ResumeSpeaking,
    SpeechEnded,
    StopSpeaking,
)
from agent.turns.events import (
    CallStarted,
    DialogueAnswered,
    PartReached,
    SpeechStarted,
    SpeechStopped,
    TimePassed,
    TranscriptArrived,
)
from agent.turns.machine import TurnMachine
from agent.turns.settings import Prompts, TurnSettings
from contracts.reply import CALL_STARTED, Reply
from tests.agent.turns.line import MS_PER_CHARACTER, Line

ASK = Reply(text="How can I help you?", name="utter_ask")
BALANCE = Reply(text="You have ten dollars. Anything else?", name="utter_balance")
DISCLOSURE = Reply(text="This call is recorded.", name="utter_disclosure", barge_in=False)
WELCOME = {CALL_STARTED: [ASK]}
ASKED_MS = 100 + len(ASK.text) * MS_PER_CHARACTER


def paused_when_the_last_mark_comes(*replies: Reply) -> TurnMachine:
    """A machine that has just paused its first speech, whose mark then turns out to be passed already."""
    machine = TurnMachine()
    machine.handle(CallStarted(0))
    machine.handle(DialogueAnswered(60, 1, replies))
    assert any(isinstance(command, PauseSpeaking) for command in machine.handle(SpeechStarted(1120, 1000)))
    return machine


def test_a_pause_with_nothing_left_to_keep_back_ends() -> None:
    machine = paused_when_the_last_mark_comes(ASK)
    commands = machine.handle(PartReached(1220, 1, 0, played=True))
    assert [type(command) for command in commands] == [SpeechEnded, ResumeSpeaking]


def test_a_pause_that_would_hold_up_a_disclosure_ends() -> None:
    machine = paused_when_the_last_mark_comes(ASK, DISCLOSURE)
    commands = machine.handle(PartReached(1220, 1, 0, played=True))
    assert [type(command) for command in commands] == [SpeechEnded, ResumeSpeaking]
    machine.handle(SpeechStopped(1700, 1600))
    machine.handle(TimePassed(1740))
    machine.handle(TranscriptArrived(1760, 1, 1740, "what is my balance"))
    assert not any(isinstance(command, CommitTurn) for command in machine.handle(TimePassed(2900)))
    commands = machine.handle(PartReached(3000, 2, 0, played=True))
    assert [command.text for command in commands if isinstance(command, CommitTurn)] == ["what is my balance"]


def test_words_over_a_paused_speech_always_clear_it() -> None:
    call = Line(replies={CALL_STARTED: [BALANCE], "stop": [ASK]})
    call.caller("stop", at_ms=1000, lasts_ms=400)
    call.run(4000)
    assert call.of(StopSpeaking)
    assert call.speeches[-1] == ASK.text


def test_a_cough_over_a_filler_does_not_cost_the_answer_behind_it() -> None:
    call = Line(replies={**WELCOME, "my balance": [BALANCE]}, dialogue_ms=1500)
    call.caller("my balance", at_ms=4000, lasts_ms=800)
    committed_ms = call.run(7000).times(CommitTurn)[1]
    call = Line(replies={**WELCOME, "my balance": [BALANCE]}, dialogue_ms=1500)
    call.caller("my balance", at_ms=4000, lasts_ms=800)
    call.caller("", at_ms=committed_ms + 1550, lasts_ms=200)
    call.run(15_000)
    assert Prompts().filler in call.speeches
    assert BALANCE.text in call.logged


def test_a_late_goodbye_does_not_hang_up_on_a_caller_who_goes_on() -> None:
    bye = Reply(text="Goodbye.", action="hangup")
    answers = {**WELCOME, "that is all": [bye], "wait my balance please": [BALANCE]}
    call = Line(replies=answers, dialogue_ms=1800)
    call.caller("that is all", at_ms=4000, lasts_ms=800)
    call.caller("wait my balance please", at_ms=6500, lasts_ms=900)
    call.run(16_000)
    assert not call.of(HangUp)
    assert BALANCE.text in call.logged


def test_an_utterance_that_was_cut_for_its_length_and_then_ends_leaves_no_phantom() -> None:
    call = Line(replies={**WELCOME, "and so on": [BALANCE]}, settings=TurnSettings(max_utterance_ms=2000))
    call.caller("and so on", at_ms=4000, lasts_ms=1900)
    call.run(20_000)
    assert call.turns == ["and so on"]


def test_a_hold_does_not_lose_a_reply_that_waited_for_the_floor() -> None:
    call = Line(replies={**WELCOME, "my balance": [BALANCE]}, dialogue_ms=600)
    call.caller("my balance", at_ms=4000, lasts_ms=800)
    call.caller("er", at_ms=5500, lasts_ms=1500)
    call.hold(at_ms=6600, lasts_ms=2000)
    call.run(14_000)
    assert BALANCE.text in call.logged


def test_an_okay_while_the_dialogue_thinks_lets_the_answer_come() -> None:
    call = Line(replies={**WELCOME, "my balance": [BALANCE]}, dialogue_ms=600)
    call.caller("my balance", at_ms=4000, lasts_ms=800)
    call.caller("okay", at_ms=5450, lasts_ms=600)
    call.run(12_000)
    assert call.turns == ["my balance"]
    assert not call.of(DropReplies)
    assert BALANCE.text in call.logged


def test_speech_that_begins_just_before_the_caller_takes_us_back_is_heard() -> None:
    call = Line(replies={**WELCOME, "my balance": [BALANCE]})
    call.hold(at_ms=4000, lasts_ms=3000)
    call.caller("my balance", at_ms=6900, lasts_ms=800)
    call.run(12_000)
    assert call.turns == ["my balance"]


def test_what_is_dropped_carries_what_was_expected_when_it_was_said() -> None:
    pin = Reply(text="Your PIN, please.", expect="digits", digits=4, sensitive=True)
    call = Line(replies={CALL_STARTED: [pin], "4821": [ASK]})
    call.caller("four eight two one", at_ms=3000, lasts_ms=2500)
    call.keys("4821", at_ms=3400)
    call.run(8000)
    assert [ignored.expectation.sensitive for ignored in call.of(IgnoreUtterance)] == [True]


def test_a_cough_that_the_recogniser_takes_for_a_word_is_still_a_cough() -> None:
    call = Line(replies={CALL_STARTED: [BALANCE], "river": [ASK], "stop": [ASK]})
    call.caller("river", at_ms=600, lasts_ms=140)
    call.run(3000)
    assert call.turns == []
    assert call.of(SpeechEnded)[-1].complete or not call.of(StopSpeaking)
    call = Line(replies={CALL_STARTED: [BALANCE], "stop": [ASK]})
    call.caller("stop", at_ms=600, lasts_ms=260)
    call.run(3000)
    assert call.turns == ["stop"]


def test_a_turn_that_is_due_when_its_words_come_is_not_foreseen_first() -> None:
    judged = {"my balance": 0.9}
    quick = Line(replies={**WELCOME, "my balance": [BALANCE]}, finished=judged, recognition_ms=20)
    slow = Line(replies={**WELCOME, "my balance": [BALANCE]}, finished=judged, recognition_ms=300)
    for call in (quick, slow):
        call.caller("my balance", at_ms=4000, lasts_ms=800)
        call.run(8000)
        assert call.turns == ["my balance"]
    assert [len(call.of(Foresee)) for call in (quick, slow)] == [1, 0]
