# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases A.1 to A.18 of a well-mannered conversation, in virtual time: one class a case.

Where sound is the point, the same case is a call over real SIP and RTP too (tests/scenarios, tests/calls).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.clauses import split_clauses
from agent.turns.commands import (
    AbandonRecognition,
    CommitTurn,
    DropReplies,
    HangUp,
    IgnoreUtterance,
    PauseSpeaking,
    Recognize,
    ResumeSpeaking,
    Speak,
    SpeechEnded,
    StopSpeaking,
    TransferCall,
)
from agent.turns.events import CallEnded, DigitPressed, SpeechStarted, TimePassed, TransferEnded
from agent.turns.settings import Prompts, TurnSettings
from contracts.reply import CALL_STARTED, NOT_UNDERSTOOD, Reply
from tests.agent.turns.line import FRAME_MS, MS_PER_CHARACTER, Line

PROMPTS = Prompts()
DISCLOSURE = Reply(
    text="This call is recorded, for your safety and ours.", name="utter_disclosure", barge_in=False
)
ASK = Reply(text="How can I help you?", name="utter_ask")
BALANCE = Reply(text="You have ten dollars. Anything else?", name="utter_balance")
HOURS = Reply(
    text="We are open on weekdays from nine to six. On Saturday from nine to one, and never on Sunday.",
    name="utter_hours",
)
WELCOME = {CALL_STARTED: [ASK]}
# When ASK has been played, with the dialogue's 60 ms before it.
ASKED_MS = 100 + len(ASK.text) * MS_PER_CHARACTER
HOURS_MS = sum(len(part) for part in split_clauses(HOURS.text)) * MS_PER_CHARACTER
# The second of them begins here, after the dialogue's 60 ms and a frame.
SECOND_SENTENCE_MS = 80 + (HOURS.text.index("On Saturday") - 1) * MS_PER_CHARACTER

QUICK = settings(max_examples=20, deadline=None)


def line(replies: dict[str, list[Reply] | None] | None = None, **options: object) -> Line:
    return Line(replies={**WELCOME, **(replies or {})}, **options)  # type: ignore[arg-type]


def telling(replies: dict[str, list[Reply] | None] | None = None, **options: object) -> Line:
    """A call that begins with a long speech that may be interrupted."""
    return line({CALL_STARTED: [HOURS], **(replies or {})}, **options)


def silent_for_good_ms(call: Line) -> int:
    """When the last sound of the agent's first speech was heard."""
    return max(frame.at_ms for frame in call.ear if frame.speech == 1)


class TestA01ACoughOverThePrompt:
    @pytest.mark.parametrize("lasts_ms", [120, 300, 500, 800])
    def test_speech_goes_on_where_it_stopped_within_two_seconds(self, lasts_ms: int) -> None:
        call = telling()
        begins_ms = SECOND_SENTENCE_MS + 400
        call.caller("", at_ms=begins_ms, lasts_ms=lasts_ms)
        call.run(begins_ms + HOURS_MS + 3000)
        assert call.turns == []
        assert not call.of(StopSpeaking)
        assert call.longest_silence_ms(begins_ms, begins_ms + 3000) <= 2000
        assert call.played_ms(1) >= HOURS_MS - FRAME_MS, "nothing of it was lost"
        assert call.of(SpeechEnded)[0].complete
        assert call.logged[0] == HOURS.text

    def test_it_pauses_at_once_and_repeats_no_more_than_a_word(self) -> None:
        call = telling()
        call.caller("", at_ms=2000, lasts_ms=400)
        call.run(8000)
        assert call.times(PauseSpeaking)[0] - 2000 <= 240
        resumed_ms = call.times(ResumeSpeaking)[0]
        assert resumed_ms - 2000 <= 2000
        before = next(frame for frame in reversed(call.ear) if frame.at_ms <= resumed_ms)
        after = next(frame for frame in call.ear if frame.at_ms > resumed_ms)
        assert 0 <= before.offset_ms + FRAME_MS - after.offset_ms <= 500

    @QUICK
    @given(begins_ms=st.integers(200, HOURS_MS - 500), lasts_ms=st.integers(80, 900))
    def test_no_cough_stops_the_agent_for_good(self, begins_ms: int, lasts_ms: int) -> None:
        call = telling()
        call.caller("", at_ms=begins_ms, lasts_ms=lasts_ms)
        call.run(HOURS_MS + 5000)
        assert call.turns == []
        assert call.played_ms(1) >= HOURS_MS - FRAME_MS
        assert call.of(SpeechEnded)[0].complete

    @pytest.mark.parametrize("after_ms", [150, 500, 900])
    def test_a_real_turn_in_that_time_wins_and_nothing_resumes(self, after_ms: int) -> None:
        call = telling({"block my card": [ASK]})
        call.caller("", at_ms=2000, lasts_ms=300)
        speaks_ms = 2300 + after_ms
        call.caller("block my card", at_ms=speaks_ms, lasts_ms=900)
        call.run(9000)
        assert call.turns == ["block my card"]
        assert call.speeches == [HOURS.text, ASK.text]
        assert silent_for_good_ms(call) <= speaks_ms + 300, "the interrupted speech does not come back"
        assert not call.of(SpeechEnded)[0].complete

    @pytest.mark.parametrize("said", ["uh", "um", "oh"])
    def test_a_lone_hesitation_over_the_prompt_is_no_turn(self, said: str) -> None:
        call = telling()
        call.caller(said, at_ms=2000, lasts_ms=400)
        call.run(HOURS_MS + 6000)
        assert call.turns == []
        assert call.longest_silence_ms(2000, 5000) <= 2000
        assert call.logged[0] == HOURS.text

    def test_two_coughs_are_two_pauses(self) -> None:
        call = telling()
        call.caller("", at_ms=1500, lasts_ms=300)
        call.caller("", at_ms=4500, lasts_ms=300)
        call.run(HOURS_MS + 6000)
        assert call.turns == []
        assert call.logged[0] == HOURS.text


class TestA02Backchannels:
    @pytest.mark.parametrize("said", ["mm-hm", "mhm", "uh huh", "okay", "right", "yeah", "i see"])
    def test_mm_hm_lets_the_agent_go_on_and_the_journal_keeps_it(self, said: str) -> None:
        call = telling()
        call.caller(said, at_ms=2000, lasts_ms=400)
        call.run(HOURS_MS + 4000)
        assert call.turns == []
        assert call.logged[0] == HOURS.text
        assert call.longest_silence_ms(2000, 5000) <= 1000
        assert [(kept.text, kept.reason) for kept in call.of(IgnoreUtterance)] == [(said, "backchannel")]

    @pytest.mark.parametrize("said", ["stop", "agent", "no wait", "a person please"])
    def test_stop_halts_it_within_300_ms(self, said: str) -> None:
        call = telling({said: [ASK]})
        call.caller(said, at_ms=2000, lasts_ms=600)
        call.run(6000)
        assert silent_for_good_ms(call) - 2000 <= 300
        assert call.turns == [said]
        assert call.speeches[-1] == ASK.text

    def test_a_yes_to_a_question_that_is_being_asked_is_an_answer(self) -> None:
        question = Reply(text="Shall I block the card now, or do you want to wait for it?", expect="yes_no")
        call = line({CALL_STARTED: [question], "yes": [BALANCE]})
        call.caller("yes", at_ms=3000, lasts_ms=350)
        call.run(6000)
        assert call.turns == ["yes"]


class TestA03AThoughtWithAHole:
    @pytest.mark.parametrize("model", [True, False])
    def test_one_reply_to_the_whole_thought(self, model: bool) -> None:
        judged = {"i'd like to": 0.03, "i'd like to borrow money": 0.95} if model else {}
        call = line({"i'd like to borrow money": [BALANCE]}, finished=judged)
        call.caller("i'd like to", at_ms=3000, lasts_ms=700)
        call.caller("borrow money", at_ms=3700 + 3000, lasts_ms=900)
        call.run(14_000)
        assert call.turns == ["i'd like to borrow money"]
        assert call.speeches == [ASK.text, BALANCE.text]

    def test_a_model_hears_the_hole_where_the_words_do_not_tell_it(self) -> None:
        judged = {"i want to move money": 0.1, "i want to move money to savings": 0.9}
        call = line({"i want to move money to savings": [BALANCE]}, finished=judged)
        call.caller("i want to move money", at_ms=3000, lasts_ms=1100)
        call.caller("to savings", at_ms=4100 + 1400, lasts_ms=600)
        call.run(12_000)
        assert call.turns == ["i want to move money to savings"]

    def test_a_thought_that_is_never_finished_is_answered_all_the_same(self) -> None:
        call = line({"i'd like to": [ASK]}, finished={"i'd like to": 0.02})
        call.caller("i'd like to", at_ms=3000, lasts_ms=700)
        call.run(9000)
        assert call.turns == ["i'd like to"]


class TestA04DictatedDigits:
    CARD = Reply(text="Your card number, please.", expect="digits", digits=16, sensitive=True)
    GROUPS = ("four eight two one", "five five oh nine", "one two three four", "seven seven six eight")

    def dictate(self, groups: Sequence[str], pauses_ms: Sequence[int]) -> tuple[Line, int]:
        """The call, and when the last group ended."""
        call = line({CALL_STARTED: [self.CARD], " ".join(groups): [BALANCE]})
        at_ms = 2500
        for group, pause_ms in zip(groups, [*pauses_ms, 0], strict=True):
            lasts_ms = 350 * len(group.split())
            call.caller(group, at_ms=at_ms, lasts_ms=lasts_ms)
            at_ms += lasts_ms + pause_ms
        return call.run(at_ms + 4000), at_ms

    def test_two_seconds_between_groups_do_not_cut_and_the_full_count_ends_it(self) -> None:
        call, end_ms = self.dictate(self.GROUPS, [2000] * 3)
        assert call.turns == [" ".join(self.GROUPS)]
        assert call.times(CommitTurn)[1] - end_ms <= 300

    @QUICK
    @given(
        cuts=st.sets(st.integers(1, 15), min_size=1, max_size=6),
        pause_ms=st.integers(250, 2000),
    )
    def test_whatever_the_groups(self, cuts: set[int], pause_ms: int) -> None:
        digits = " ".join(self.GROUPS).split()
        bounds = [0, *sorted(cuts), len(digits)]
        groups = [" ".join(digits[start:end]) for start, end in pairwise(bounds)]
        call, end_ms = self.dictate(groups, [pause_ms] * (len(groups) - 1))
        assert call.turns == [" ".join(digits)]
        assert call.times(CommitTurn)[1] - end_ms <= 300

    def test_an_incomplete_row_ends_too(self) -> None:
        call = line({CALL_STARTED: [self.CARD]})
        call.caller("four eight two one", at_ms=2500, lasts_ms=1400)
        call.run(3900 + 4500)
        assert call.turns == ["four eight two one"]


class TestA05SpeechResumesDuringTheDelay:
    def test_the_commit_is_cancelled_and_the_work_thrown_away(self) -> None:
        call = line({"my balance please and my loan": [BALANCE]})
        call.caller("my balance please", at_ms=3000, lasts_ms=1000)
        call.caller("and my loan", at_ms=4000 + 320, lasts_ms=800)
        call.run(9000)
        assert call.of(Recognize), "it had begun to work"
        assert call.of(AbandonRecognition)
        assert call.turns == ["my balance please and my loan"]
        assert call.speeches == [ASK.text, BALANCE.text]

    @QUICK
    @given(pause_ms=st.integers(120, 480))
    def test_never_two_turns_for_one_thought(self, pause_ms: int) -> None:
        call = line()
        call.caller("my balance please", at_ms=3000, lasts_ms=1000)
        call.caller("and my loan", at_ms=4000 + pause_ms, lasts_ms=800)
        call.run(9000)
        assert " ".join(call.turns) == "my balance please and my loan"
        cut_off = len(call.turns) == 2
        # Silence of that length ended the turn only when it had lasted as long as the delay says.
        assert not cut_off or pause_ms >= TurnSettings().endpointing.sure_ms


class TestA06ALateTranscript:
    def test_of_a_pause_does_not_end_the_turn_early(self) -> None:
        call = line(recognition_ms=900)
        call.caller("borrow", at_ms=3000, lasts_ms=500)
        call.caller("some money", at_ms=3500 + 300, lasts_ms=1500)
        call.run(5300)
        assert call.turns == [], "the caller still speaks"
        call.run(9000)
        assert call.turns == ["borrow some money"]

    def test_of_a_turn_that_was_given_up_does_not_leak_into_the_next(self) -> None:
        timeout_ms = TurnSettings().recognition_timeout_ms
        call = line({NOT_UNDERSTOOD: [ASK]}, recognition_ms=timeout_ms + 1500)
        call.caller("the first words", at_ms=3000, lasts_ms=900)
        call.run(3900 + timeout_ms + 200)
        assert call.turns == [NOT_UNDERSTOOD]
        call.recognition_ms = 80
        next_ms = call.now_ms + len(ASK.text) * MS_PER_CHARACTER + 400
        call.caller("the second words", at_ms=next_ms, lasts_ms=900)
        call.run(next_ms + 5000)
        assert call.turns == [NOT_UNDERSTOOD, "the second words"]


class TestA07NoWords:
    def test_speech_without_words_is_told_to_the_dialogue_each_time(self) -> None:
        sorry = Reply(text="I didn't catch that.")
        call = line({NOT_UNDERSTOOD: [sorry]})
        call.caller("", at_ms=3000, lasts_ms=1100)
        call.caller("", at_ms=7500, lasts_ms=1100)
        call.run(12_000)
        assert call.turns == [NOT_UNDERSTOOD, NOT_UNDERSTOOD]
        assert call.speeches == [ASK.text, sorry.text, sorry.text]

    def test_a_broken_recogniser_is_a_caller_who_is_asked_again(self) -> None:
        sorry = Reply(text="I didn't catch that.")
        call = line({NOT_UNDERSTOOD: [sorry]}, recogniser_breaks=True)
        call.caller("what is my balance", at_ms=3000, lasts_ms=900)
        call.run(6000)
        assert call.speeches[-1] == sorry.text
        said_ms = call.times(Speak)[-1]
        assert said_ms - 3900 <= 2000


class TestA08InterruptedBeforeTheFirstSound:
    def test_a_reply_that_nobody_heard_is_logged_as_not_heard(self) -> None:
        call = line({"my balance": [BALANCE], "no my loan": [ASK]}, synthesis_ms=700)
        call.caller("my balance", at_ms=4000, lasts_ms=800)
        call.run(6000)
        ordered_ms = call.times(Speak)[1]
        call = line({"my balance": [BALANCE], "no my loan": [ASK]}, synthesis_ms=700)
        call.caller("my balance", at_ms=4000, lasts_ms=800)
        call.caller("no my loan", at_ms=ordered_ms + 100, lasts_ms=900)
        call.run(12_000)
        assert call.turns == ["my balance", "no my loan"]
        ended = {over.speech: over for over in call.of(SpeechEnded)}
        assert ended[2].heard == ()
        assert not ended[2].complete
        assert not [frame for frame in call.ear if frame.speech == 2]

    def test_a_reply_that_was_not_even_ordered_is_dropped(self) -> None:
        call = line({"my balance": [BALANCE], "no my loan": [ASK]}, dialogue_ms=900)
        call.caller("my balance", at_ms=4000, lasts_ms=800)
        call.caller("no my loan", at_ms=4800 + 750, lasts_ms=800)
        call.run(12_000)
        assert call.turns == ["my balance", "no my loan"]
        assert call.of(DropReplies)
        assert BALANCE.text not in call.speeches


class TestA09InterruptedInTheMiddle:
    @QUICK
    @given(begins_ms=st.integers(300, HOURS_MS - 800))
    def test_the_log_holds_the_words_that_were_played_and_no_other(self, begins_ms: int) -> None:
        call = telling({"stop": [ASK]})
        call.caller("stop", at_ms=begins_ms, lasts_ms=500)
        call.run(begins_ms + 4000)
        logged = call.logged[0]
        assert HOURS.text.startswith(logged)
        # Sixty milliseconds a character: a word that was not played to its end does not count.
        played = call.played_ms(1) // MS_PER_CHARACTER
        assert len(logged) <= played + 1
        longest_word = max(len(word) for word in HOURS.text.split())
        assert len(logged) >= played - longest_word - 2

    def test_what_is_heard_twice_is_logged_once(self) -> None:
        call = telling({"stop": [ASK]})
        call.caller("", at_ms=1500, lasts_ms=300)
        call.caller("stop", at_ms=5000, lasts_ms=500)
        call.run(9000)
        assert HOURS.text.startswith(call.logged[0])
        assert len(call.logged[0]) <= call.played_ms(1) // MS_PER_CHARACTER + 1


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
