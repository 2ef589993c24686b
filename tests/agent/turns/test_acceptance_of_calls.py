# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases A.10 to A.18 in virtual time: disclosures, waits, silence, keys, transfers and ends.

The first nine stand in test_acceptance.py.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns.commands import (
    CommitTurn,
    HangUp,
    Recognize,
    Speak,
    SpeechEnded,
    TransferCall,
)
from agent.turns.events import CallEnded, DigitPressed, SpeechStarted, TimePassed, TransferEnded
from contracts.reply import CALL_STARTED, Reply
from tests.agent.turns.line import FRAME_MS, MS_PER_CHARACTER, Line
from tests.agent.turns.talk import (
    ASK,
    ASKED_MS,
    BALANCE,
    DISCLOSURE,
    HOURS,
    HOURS_MS,
    PROMPTS,
    QUICK,
    line,
    silent_for_good_ms,
    telling,
)


class TestA10Disclosures:
    DISCLOSURE_MS = len(DISCLOSURE.text) * MS_PER_CHARACTER

    def call(self) -> Line:
        return line({CALL_STARTED: [DISCLOSURE, ASK], "stop": [BALANCE]})

    @pytest.mark.parametrize("at_ms", [100, 900, 2000])
    def test_words_do_not_interrupt_it_and_are_answered_after(self, at_ms: int) -> None:
        call = self.call()
        call.caller("stop", at_ms=at_ms, lasts_ms=600)
        call.run(9000)
        assert call.logged[0] == DISCLOSURE.text
        assert call.of(SpeechEnded)[0].complete
        assert call.longest_silence_ms(100, 80 + self.DISCLOSURE_MS) <= 2 * FRAME_MS, "it did not even pause"
        assert call.turns == ["stop"]

    def test_keys_do_not_interrupt_it(self) -> None:
        call = self.call()
        call.keys("1", at_ms=800)
        call.run(5000)
        assert call.of(SpeechEnded)[0].complete

    def test_a_hold_in_it_loses_nothing(self) -> None:
        call = self.call()
        call.hold(at_ms=1000, lasts_ms=15_000)
        call.run(25_000)
        assert call.played_ms(1) >= self.DISCLOSURE_MS
        assert call.logged[0] == DISCLOSURE.text
        assert call.of(SpeechEnded)[0].complete
        assert PROMPTS.check_in not in call.speeches[:2]

    @QUICK
    @given(said=st.lists(st.tuples(st.integers(0, 3000), st.integers(100, 900)), max_size=3))
    def test_nothing_that_a_caller_does_cuts_it(self, said: list[tuple[int, int]]) -> None:
        call = self.call()
        at_ms = 0
        for gap_ms, lasts_ms in said:
            at_ms += gap_ms + 300
            call.caller("stop", at_ms=at_ms, lasts_ms=lasts_ms)
            at_ms += lasts_ms
        call.run(15_000)
        first = next(over for over in call.of(SpeechEnded) if over.speech == 1)
        assert first.complete
        assert call.played_ms(1) >= self.DISCLOSURE_MS


class TestA11ASlowBackEnd:
    def asked(self, dialogue_ms: int, greeting_ms: int = 0) -> tuple[Line, int]:
        """A caller whose question takes that long; when it was committed."""
        call = line({"my balance": [BALANCE], "hello": [ASK]})
        call.caller("my balance", at_ms=4000, lasts_ms=800)
        call.run(2000)
        call.dialogue_ms = dialogue_ms
        while not call.turns:
            call.run(call.now_ms + FRAME_MS)
        return call, call.now_ms

    def test_one_short_filler_and_then_the_answer(self) -> None:
        call, asked_ms = self.asked(3000)
        call.run(asked_ms + 9000)
        assert call.speeches[1:] == [PROMPTS.filler, BALANCE.text]
        assert 1200 <= call.times(Speak)[1] - asked_ms <= 1400

    def test_one_even_when_it_takes_very_long(self) -> None:
        call, asked_ms = self.asked(9000)
        call.run(asked_ms + 14_000)
        assert call.speeches.count(PROMPTS.filler) == 1
        assert call.speeches[-1] == BALANCE.text

    def test_none_when_the_answer_is_quick(self) -> None:
        call, asked_ms = self.asked(1000)
        call.run(asked_ms + 6000)
        assert call.speeches[1:] == [BALANCE.text]

    def test_the_caller_cancels_it_and_the_result_is_not_lost(self) -> None:
        call, asked_ms = self.asked(4000)
        speaks_ms = asked_ms + 1400
        call.caller("hello", at_ms=speaks_ms, lasts_ms=700)
        call.run(asked_ms + 16_000)
        filler = next(speak.speech for speak in call.of(Speak) if " ".join(speak.parts) == PROMPTS.filler)
        assert max(frame.at_ms for frame in call.ear if frame.speech == filler) - speaks_ms <= 300
        assert not next(over for over in call.of(SpeechEnded) if over.speech == filler).complete
        assert BALANCE.text in call.speeches

    def test_none_over_a_caller_who_speaks(self) -> None:
        call, asked_ms = self.asked(4000)
        call.caller("hello", at_ms=asked_ms + 900, lasts_ms=1200)
        call.run(asked_ms + 16_000)
        assert not [frame for frame in call.ear if asked_ms + 1060 <= frame.at_ms <= asked_ms + 2100]
        assert BALANCE.text in call.speeches

    def test_repeat_does_not_repeat_a_filler(self) -> None:
        call, asked_ms = self.asked(3000)
        call.replies = {**call.replies, "repeat": [Reply(action="repeat")]}
        call.run(asked_ms + 8000)
        call.dialogue_ms = 60
        call.caller("repeat", at_ms=call.now_ms + 100, lasts_ms=500)
        call.run(call.now_ms + 4000)
        assert call.speeches[-1] == BALANCE.text


class TestA12Silence:
    def test_two_check_ins_then_a_goodbye_in_full_then_one_hang_up(self) -> None:
        call = line().run(70_000)
        assert call.speeches == [ASK.text, PROMPTS.check_in, PROMPTS.check_in, PROMPTS.no_input_goodbye]
        assert call.times(Speak)[1] - ASKED_MS == pytest.approx(8000, abs=80)
        assert len(call.of(HangUp)) == 1
        assert call.of(SpeechEnded)[-1].complete
        assert call.logged[-1] == PROMPTS.no_input_goodbye
        assert call.times(HangUp)[0] >= call.times(SpeechEnded)[-1]

    def test_a_caller_who_speaks_is_there_again(self) -> None:
        call = line({"yes": [ASK]})
        call.caller("yes", at_ms=ASKED_MS + 8000 + 1800, lasts_ms=500)
        call.run(ASKED_MS + 22_000)
        assert not call.of(HangUp)

    def test_not_while_on_hold(self) -> None:
        call = line()
        call.hold(at_ms=ASKED_MS + 2000, lasts_ms=60_000)
        call.run(ASKED_MS + 62_000)
        assert call.speeches == [ASK.text]
        call.run(ASKED_MS + 62_000 + 8500)
        assert call.speeches[1:] == [PROMPTS.check_in], "eight seconds count from the return"

    def test_not_while_transferring(self) -> None:
        person = Reply(text="I will connect you.", action="transfer")
        call = line({CALL_STARTED: [person]}).run(60_000)
        assert call.of(TransferCall)
        assert call.speeches == [person.text]
        assert not call.of(HangUp)

    def test_a_caller_who_asked_for_a_moment_gets_it(self) -> None:
        moment = Reply(text="Of course, take your time.", action="hold")
        call = line({"one moment": [moment]})
        call.caller("one moment", at_ms=4000, lasts_ms=700)
        call.run(40_000)
        assert PROMPTS.check_in not in call.speeches
        call.run(100_000)
        assert PROMPTS.check_in in call.speeches, "but not for ever"


class TestA13Keys:
    PIN = Reply(text="Please key in your PIN, with as many digits as you like.", expect="digits", digits=4)
    OPEN = Reply(text="Please key in your reference number.", expect="digits")

    def test_a_full_count_ends_it_at_once(self) -> None:
        call = line({CALL_STARTED: [self.PIN]})
        call.keys("4821", at_ms=5000)
        call.run(7000)
        assert call.turns == ["4821"]
        assert call.times(CommitTurn)[1] <= 5000 + 3 * 200 + 40

    def test_the_hash_ends_it(self) -> None:
        call = line({CALL_STARTED: [self.OPEN]})
        call.keys("90210#", at_ms=5000)
        call.run(6200)
        assert call.turns == ["90210"]

    def test_four_seconds_without_a_key_end_it(self) -> None:
        call = line({CALL_STARTED: [self.OPEN]})
        call.keys("90210", at_ms=5000)
        last_ms = 5000 + 4 * 200
        call.run(last_ms + 3900)
        assert call.turns == []
        call.run(last_ms + 4100)
        assert call.turns == ["90210"]

    def test_a_key_silences_the_agent(self) -> None:
        call = line({CALL_STARTED: [self.PIN]})
        call.keys("4821", at_ms=1000)
        call.run(4000)
        assert silent_for_good_ms(call) - 1000 <= 100
        assert call.turns == ["4821"]
        assert call.of(SpeechEnded)[0].heard != (self.PIN.text,)

    def test_a_key_while_the_speech_is_paused_ends_it_for_good(self) -> None:
        call = line({CALL_STARTED: [HOURS]})
        call.caller("", at_ms=2000, lasts_ms=300)
        call.run(2240)
        call.schedule(DigitPressed(2260, "1"))
        call.run(8000)
        assert call.turns == ["1"]
        assert silent_for_good_ms(call) <= 2300


class TestA14RepeatAndTakeYourTime:
    def test_repeat_says_it_again(self) -> None:
        call = line({"my balance": [BALANCE], "repeat that": [Reply(action="repeat")]})
        call.caller("my balance", at_ms=4000, lasts_ms=700)
        call.caller("repeat that", at_ms=9000, lasts_ms=700)
        call.run(14_000)
        assert call.speeches[1:] == [BALANCE.text, BALANCE.text]

    def test_what_was_expected_is_still_expected_after_a_check_in(self) -> None:
        question = Reply(text="Shall I?", expect="yes_no")
        call = line({CALL_STARTED: [question], "yes": [BALANCE]}).run(11_000)
        assert PROMPTS.check_in in call.speeches
        call.caller("yes", at_ms=12_500, lasts_ms=400)
        call.run(15_000)
        assert call.times(CommitTurn)[1] - 12_900 <= 300
        assert call.machine.expectation.kind == "free"


class TestA15TransferAndHold:
    PERSON = Reply(
        text="I will connect you.",
        action="transfer",
        target="sip:desk@bank",
        briefing="A caller about a loan.",
    )

    def test_it_waits_for_the_words_and_carries_the_summary(self) -> None:
        call = line({"a person": [self.PERSON]})
        call.caller("a person", at_ms=4000, lasts_ms=600)
        call.run(9000)
        [transfer] = call.of(TransferCall)
        assert transfer.target == "sip:desk@bank"
        assert transfer.briefing == self.PERSON.briefing
        assert call.times(TransferCall)[0] >= call.times(SpeechEnded)[-1]

    @pytest.mark.parametrize("status", [408, 480, 486, 603])
    def test_no_answer_brings_the_caller_back(self, status: int) -> None:
        call = line({"a person": [self.PERSON], "my balance": [BALANCE]})
        call.caller("a person", at_ms=4000, lasts_ms=600)
        call.run(20_000)
        call.schedule(TransferEnded(20_020, status))
        call.caller("my balance", at_ms=28_000, lasts_ms=700)
        call.run(32_000)
        assert call.speeches[2:] == [PROMPTS.transfer_failed, BALANCE.text]

    def test_on_hold_nothing_is_said_and_nothing_lost(self) -> None:
        call = telling({"my balance": [BALANCE]})
        call.hold(at_ms=2000, lasts_ms=5000)
        call.run(HOURS_MS + 7000)
        assert not [frame for frame in call.ear if 2020 < frame.at_ms < 7000]
        assert call.played_ms(1) >= HOURS_MS - FRAME_MS
        assert call.logged[0] == HOURS.text

    def test_music_on_hold_is_no_turn(self) -> None:
        call = line({"la la la": [BALANCE]})
        call.hold(at_ms=4000, lasts_ms=6000)
        call.caller("la la la", at_ms=5000, lasts_ms=2000)
        call.run(14_000)
        assert call.turns == []

    def test_after_the_hold_the_conversation_goes_on(self) -> None:
        call = line({"my balance": [BALANCE]})
        call.hold(at_ms=4000, lasts_ms=3000)
        call.caller("my balance", at_ms=8000, lasts_ms=800)
        call.run(12_000)
        assert call.turns == ["my balance"]


class TestA16TwoCallers:
    def test_share_no_state(self) -> None:
        def first() -> Line:
            call = line({"my balance": [BALANCE]})
            call.caller("my balance", at_ms=4000, lasts_ms=800)
            return call

        def second() -> Line:
            call = telling({"stop": [ASK]})
            call.caller("", at_ms=1500, lasts_ms=300)
            call.caller("stop", at_ms=6000, lasts_ms=500)
            return call

        alone = [first().run(12_000), second().run(12_000)]
        together = [first(), second()]
        for now_ms in range(0, 12_000, FRAME_MS):
            for call in together:
                call.run(now_ms + FRAME_MS)
        assert [call.log for call in together] == [call.log for call in alone]


class TestA17TheCallerHangsUp:
    @QUICK
    @given(at_ms=st.integers(0, 14_000))
    def test_anywhere_and_nothing_is_wanted_afterwards(self, at_ms: int) -> None:
        call = line({"my balance": [BALANCE], "a person": [TestA15TransferAndHold.PERSON]}, dialogue_ms=1500)
        call.caller("my balance", at_ms=3000, lasts_ms=800)
        call.caller("", at_ms=7000, lasts_ms=300)
        call.caller("a person", at_ms=10_000, lasts_ms=600)
        call.hang_up(at_ms)
        call.run(max(at_ms, FRAME_MS) + FRAME_MS)
        wanted = len(call.log)
        call.run(at_ms + 20_000)
        assert len(call.log) == wanted

    def test_events_after_the_end_are_ignored(self) -> None:
        call = line().run(3000)
        assert call.machine.handle(CallEnded(3000)) == []
        assert call.machine.handle(SpeechStarted(3100, 3000)) == []
        assert call.machine.handle(TimePassed(60_000)) == []


class TestA18TheReplyComesSoon:
    """What the machine adds to the delay at the caller's ear; `tellerline bench latency` measures it."""

    def test_a_thought_that_is_surely_finished_ends_after_200_ms(self) -> None:
        call = line({"what is my balance": [BALANCE]}, finished={"what is my balance": 0.97})
        call.caller("what is my balance", at_ms=4000, lasts_ms=1200)
        call.run(8000)
        assert call.times(CommitTurn)[1] - 5200 <= 260

    def test_a_yes_ends_after_250_ms(self) -> None:
        question = Reply(text="Shall I?", expect="yes_no")
        call = line({CALL_STARTED: [question]})
        call.caller("yes", at_ms=2000, lasts_ms=400)
        call.run(5000)
        assert call.times(CommitTurn)[1] - 2400 <= 300

    def test_recognition_does_not_wait_for_the_end_of_the_delay(self) -> None:
        call = line()
        call.caller("my balance", at_ms=4000, lasts_ms=800)
        call.run(7000)
        assert call.times(Recognize)[0] - 4800 <= 180
