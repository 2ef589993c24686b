# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases A.1 to A.9 of a well-mannered conversation, in virtual time: one class a case. The rest stands in
test_acceptance_of_calls.py.

Where sound is the point, the same case is a call over real SIP and RTP too (tests/scenarios, tests/calls).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns.commands import (
    AbandonRecognition,
    CommitTurn,
    DropReplies,
    IgnoreUtterance,
    PauseSpeaking,
    Recognize,
    ResumeSpeaking,
    Speak,
    SpeechEnded,
    StopSpeaking,
)
from agent.turns.settings import TurnSettings
from contracts.reply import CALL_STARTED, NOT_UNDERSTOOD, Reply
from tests.agent.turns.line import FRAME_MS, MS_PER_CHARACTER, Line
from tests.agent.turns.talk import (
    ASK,
    BALANCE,
    HOURS,
    HOURS_MS,
    QUICK,
    SECOND_SENTENCE_MS,
    line,
    silent_for_good_ms,
    telling,
)


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
