# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations on the turn machine in virtual time;

Each is a timeline of a few seconds, run in milliseconds.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from agent.turns.events import CallEnded, TranscriptArrived, TransferEnded
from agent.turns.settings import Prompts, TurnSettings
from contracts.reply import CALL_STARTED, Reply
from tests.agent.turns.line import MS_PER_CHARACTER, Line

DISCLOSURE = Reply(text="This call is recorded.", name="utter_disclosure", barge_in=False)
ASK = Reply(text="How can I help you?", name="utter_ask")
BALANCE = Reply(text="You have ten dollars. Anything else?", name="utter_balance")
WELCOME = {CALL_STARTED: [ASK]}
# When ASK has been played, with the dialogue's 60 ms before it.
ASKED_MS = 100 + len(ASK.text) * MS_PER_CHARACTER


def line(replies: dict[str, list[Reply] | None] | None = None, **options: object) -> Line:
    return Line(replies={**WELCOME, **(replies or {})}, **options)  # type: ignore[arg-type]


class TestEndOfTurn:
    def test_a_sentence_is_one_turn_and_gets_one_answer(self) -> None:
        call = line({"what is my balance": [BALANCE]})
        call.caller("what is my balance", at_ms=ASKED_MS + 500, lasts_ms=1200)
        call.run(ASKED_MS + 8000)
        assert call.turns == ["what is my balance"]
        assert call.speeches == [ASK.text, BALANCE.text]
        end_ms = ASKED_MS + 500 + 1200
        commit_ms = call.times(CommitTurn)[1]
        assert 0 <= commit_ms - end_ms - TurnSettings().endpointing.free_ms <= 40

    def test_recognition_starts_before_the_turn_is_over(self) -> None:
        call = line()
        call.caller("my balance", at_ms=3000, lasts_ms=1000)
        call.run(6000)
        assert call.times(Recognize)[0] - 4000 <= TurnSettings().speculate_ms + 20

    def test_speech_that_resumes_cancels_the_commit(self) -> None:
        call = line()
        call.caller("i'd like to", at_ms=3000, lasts_ms=700)
        call.caller("borrow money", at_ms=3700 + 450, lasts_ms=900)
        call.run(9000)
        assert call.turns == ["i'd like to borrow money"]
        assert call.of(AbandonRecognition)

    def test_a_trailing_to_waits_for_the_rest(self) -> None:
        call = line()
        call.caller("i'd like to", at_ms=3000, lasts_ms=700)
        call.caller("borrow money", at_ms=3700 + 1100, lasts_ms=900)
        call.run(9000)
        assert call.turns == ["i'd like to borrow money"]

    def test_a_yes_ends_sooner_than_free_speech(self) -> None:
        question = Reply(text="Shall I?", expect="yes_no")
        call = Line(replies={CALL_STARTED: [question]})
        call.caller("yes", at_ms=2000, lasts_ms=400)
        call.run(5000)
        assert call.turns == ["yes"]
        assert call.times(CommitTurn)[1] - 2400 <= 300

    def test_dictated_digits_end_when_the_count_is_full_and_not_in_a_pause(self) -> None:
        ask = Reply(text="Your code?", expect="digits", digits=4)
        call = Line(replies={CALL_STARTED: [ask]})
        call.caller("four eight", at_ms=2000, lasts_ms=800)
        call.caller("two one", at_ms=2800 + 1700, lasts_ms=700)
        call.run(8000)
        assert call.turns == ["four eight two one"]
        assert call.times(CommitTurn)[1] - 5200 <= 300

    def test_a_late_transcript_of_an_earlier_pause_is_not_the_turn(self) -> None:
        call = line()
        call.caller("borrow", at_ms=3000, lasts_ms=500)
        call.run(3700)
        asked = call.of(Recognize)[0]
        call.caller("money", at_ms=3720, lasts_ms=2000)
        call.schedule(TranscriptArrived(4500, asked.utterance, asked.until_ms, "borrow"))
        call.run(5000)
        assert call.turns == []
        call.run(8000)
        assert call.turns == ["borrow money"]

    def test_speech_without_end_is_recognised_in_time(self) -> None:
        call = line(settings=TurnSettings(max_utterance_ms=5000))
        call.caller("and so on and on my dear", at_ms=3000, lasts_ms=60_000)
        call.run(12_000)
        assert call.turns == ["and so on and on my dear"]


class TestNoWords:
    def test_a_long_utterance_without_words_is_told_to_the_dialogue(self) -> None:
        call = line()
        call.caller("", at_ms=3000, lasts_ms=900)
        call.run(6000)
        assert call.turns == ["/nlu_fallback"]

    def test_a_short_noise_is_nothing(self) -> None:
        call = line()
        call.caller("", at_ms=3000, lasts_ms=200)
        call.run(6000)
        assert call.turns == []
        assert [ignored.reason for ignored in call.of(IgnoreUtterance)] == ["noise"]

    def test_a_broken_recogniser_makes_the_dialogue_ask_again(self) -> None:
        call = line(recogniser_breaks=True)
        call.caller("what is my balance", at_ms=3000, lasts_ms=900)
        call.run(6000)
        assert call.turns == ["/nlu_fallback"]


class TestBargeIn:
    LONG = Reply(text="First I tell you this long sentence. Then I tell you another one.")

    def test_speech_stops_the_agent_and_becomes_the_turn(self) -> None:
        call = Line(replies={CALL_STARTED: [self.LONG]})
        call.caller("what is my balance", at_ms=1000, lasts_ms=1200)
        call.run(4000)
        assert call.times(PauseSpeaking)[0] - 1000 <= 200
        assert call.of(StopSpeaking)
        assert call.turns == ["what is my balance"]
        assert len(call.of(Speak)) == 1

    def test_the_log_knows_what_was_heard(self) -> None:
        call = Line(replies={CALL_STARTED: [self.LONG]})
        first, second = call.run(200).of(Speak)[0].parts
        begins_ms = 80 + len(first) * MS_PER_CHARACTER + 400
        call.caller("stop", at_ms=begins_ms, lasts_ms=500)
        call.run(begins_ms + 2000)
        heard_of_first, *cut = call.of(SpeechEnded)[0].heard
        assert heard_of_first == first
        assert not call.of(SpeechEnded)[0].complete
        assert cut == ["Then I"]
        assert second.startswith("Then I")

    def test_a_cough_pauses_the_speech_which_then_goes_on_where_it_stopped(self) -> None:
        call = Line(replies={CALL_STARTED: [self.LONG]})
        first, second = call.run(200).of(Speak)[0].parts
        begins_ms = 80 + len(first) * MS_PER_CHARACTER + 400
        call.caller("", at_ms=begins_ms, lasts_ms=300)
        call.run(begins_ms + 4000)
        assert call.turns == []
        assert call.times(ResumeSpeaking)[0] - begins_ms <= 600
        assert len(call.of(Speak)) == 1
        assert call.of(SpeechEnded)[0].heard == (first, second)

    def test_a_noise_that_goes_on_without_words_does_not_keep_the_agent_silent(self) -> None:
        call = Line(replies={CALL_STARTED: [self.LONG]})
        call.caller("", at_ms=1000, lasts_ms=9000)
        call.run(6000)
        assert call.times(ResumeSpeaking)[0] - 1000 <= 2000
        assert len(call.of(PauseSpeaking)) == 1
        assert call.of(SpeechEnded)[0].complete

    def test_mm_hm_is_no_turn(self) -> None:
        call = Line(replies={CALL_STARTED: [self.LONG]})
        call.caller("mm hm", at_ms=1000, lasts_ms=350)
        call.run(9000)
        assert call.turns == []
        assert [ignored.reason for ignored in call.of(IgnoreUtterance)] == ["backchannel"]
        assert call.of(SpeechEnded)[-1].complete

    def test_a_disclosure_is_heard_in_full_and_what_was_said_over_it_is_answered_after(self) -> None:
        call = Line(replies={CALL_STARTED: [DISCLOSURE, ASK], "what is my balance": [BALANCE]})
        call.caller("what is my balance", at_ms=200, lasts_ms=700)
        call.run(9000)
        ended = call.of(SpeechEnded)
        assert ended[0].complete
        assert ended[0].heard == (DISCLOSURE.text,)
        assert not ended[1].complete
        assert call.turns == ["what is my balance"]
        assert call.speeches[-1] == BALANCE.text

    def test_an_answer_overtaken_by_the_caller_is_dropped(self) -> None:
        call = line({"my balance": [BALANCE], "no my loan": [ASK]}, dialogue_ms=400)
        call.caller("my balance", at_ms=3000, lasts_ms=800)
        call.caller("no my loan", at_ms=3800 + 650, lasts_ms=800)
        call.run(9000)
        assert call.turns == ["my balance", "no my loan"]
        assert call.of(DropReplies)
        assert BALANCE.text not in call.speeches

    def test_a_disclosure_does_not_wait_for_a_caller_who_says_hello_first(self) -> None:
        call = Line(replies={CALL_STARTED: [DISCLOSURE, ASK]})
        call.caller("hello", at_ms=0, lasts_ms=600)
        call.run(4000)
        assert call.of(SpeechEnded)[0].heard == (DISCLOSURE.text,)

    def test_what_a_turn_interrupted_does_not_come_back_with_a_later_cough(self) -> None:
        bye = Reply(text="Thank you for calling. Goodbye and have a nice day.", action="hangup")
        call = Line(replies={CALL_STARTED: [bye], "block my card": [ASK]})
        call.caller("block my card", at_ms=1000, lasts_ms=900)
        call.caller("", at_ms=7000, lasts_ms=200)
        call.run(12_000)
        assert call.speeches == [bye.text, ASK.text]
        assert not call.of(HangUp)

    def test_an_okay_right_after_the_question_is_an_answer(self) -> None:
        call = line({"okay": [BALANCE]})
        call.caller("okay", at_ms=ASKED_MS - 100, lasts_ms=500)
        call.run(ASKED_MS + 3000)
        assert call.turns == ["okay"]

    def test_speech_that_was_too_long_goes_on_in_a_second_utterance(self) -> None:
        call = line({"and so on": [BALANCE]}, settings=TurnSettings(max_utterance_ms=5000))
        call.caller("and so on", at_ms=3000, lasts_ms=9000)
        call.run(14_000)
        assert len(call.turns) >= 2
        assert Prompts().check_in not in call.speeches


class TestKeys:
    PIN = Reply(text="Your PIN, please.", expect="digits", digits=4, sensitive=True)

    def test_the_full_count_ends_the_turn_at_once(self) -> None:
        call = Line(replies={CALL_STARTED: [self.PIN]})
        call.keys("4821", at_ms=2000)
        call.run(4000)
        assert call.turns == ["4821"]
        assert call.times(CommitTurn)[1] <= 2000 + 3 * 200 + 40
        assert call.of(CommitTurn)[1].expectation.sensitive

    @pytest.mark.parametrize(("typed", "taken"), [("48#", "48"), ("9*48#", "48"), ("#48#", "48")])
    def test_hash_ends_and_star_starts_anew(self, typed: str, taken: str) -> None:
        call = Line(replies={CALL_STARTED: [self.PIN]})
        call.keys(typed, at_ms=2000)
        call.run(4000)
        assert call.turns == [taken]

    def test_a_pause_ends_the_row(self) -> None:
        call = Line(replies={CALL_STARTED: [self.PIN]})
        call.keys("48", at_ms=2000)
        call.run(6100)
        assert call.turns == []
        call.run(6400)
        assert call.turns == ["48"]

    def test_a_key_stops_the_agent_but_not_its_disclosure(self) -> None:
        call = Line(replies={CALL_STARTED: [DISCLOSURE, self.PIN]})
        call.keys("4", at_ms=500)
        call.run(600)
        assert not call.of(StopSpeaking)
        call.keys("821", at_ms=1800)
        call.run(4000)
        assert call.times(StopSpeaking)[0] <= 1840
        assert call.turns == ["4821"]


class TestSilence:
    def test_two_check_ins_then_goodbye_fully_played_then_one_hang_up(self) -> None:
        prompts = Prompts()
        call = line().run(60_000)
        assert call.speeches == [ASK.text, prompts.check_in, prompts.check_in, prompts.no_input_goodbye]
        assert len(call.of(HangUp)) == 1
        assert call.of(SpeechEnded)[-1].complete
        assert call.log[-1].command == HangUp("goodbye")
        assert call.times(Speak)[1] - ASKED_MS == pytest.approx(8000, abs=60)

    def test_an_answer_to_the_check_in_starts_the_count_anew(self) -> None:
        call = line({"yes i am here": [ASK]})
        call.caller("yes i am here", at_ms=ASKED_MS + 9800, lasts_ms=900)
        call.run(ASKED_MS + 9800 + 12_000)
        assert call.speeches.count(Prompts().check_in) == 2
        assert not call.of(HangUp)

    def test_nobody_checks_in_while_the_dialogue_thinks(self) -> None:
        call = line({"my balance": [BALANCE]}, dialogue_ms=20_000)
        call.caller("my balance", at_ms=21_500, lasts_ms=800)
        call.run(40_000)
        assert Prompts().check_in not in call.speeches[1:]


class TestActions:
    PERSON = Reply(text="I will connect you.", action="transfer", target="sip:desk@bank")

    def test_a_transfer_waits_for_the_words_and_a_failed_one_brings_the_caller_back(self) -> None:
        call = line({"a person": [self.PERSON]})
        call.caller("a person", at_ms=3000, lasts_ms=600)
        call.run(9000)
        assert call.of(TransferCall) == [TransferCall("sip:desk@bank")]
        assert call.times(TransferCall)[0] >= call.times(SpeechEnded)[-1]
        call.run(30_000)
        assert Prompts().check_in not in call.speeches
        call.schedule(TransferEnded(30_010, 486))
        call.run(31_000)
        assert call.speeches[-1] == Prompts().transfer_failed

    def test_goodbye_is_played_before_the_line_drops(self) -> None:
        bye = Reply(text="Goodbye.", action="hangup", barge_in=False)
        call = line({"bye": [bye]})
        call.caller("bye", at_ms=3000, lasts_ms=400)
        call.run(9000)
        assert call.of(SpeechEnded)[-1].heard == ("Goodbye.",)
        assert call.log[-1].command == HangUp("goodbye")

    @pytest.mark.parametrize("said", ["okay", ""])
    def test_an_okay_or_a_cough_over_the_last_words_does_not_lose_the_transfer(self, said: str) -> None:
        call = line({"a person": [self.PERSON]})
        call.caller("a person", at_ms=3000, lasts_ms=600)
        call.run(4500)
        spoken_ms = call.times(Speak)[-1] + len(self.PERSON.text) * MS_PER_CHARACTER
        call.caller(said, at_ms=spoken_ms - 120, lasts_ms=200)
        call.run(spoken_ms + 4000)
        assert call.of(TransferCall) == [TransferCall("sip:desk@bank")]

    def test_a_failure_of_the_dialogue_does_not_open_a_secret(self) -> None:
        pin = Reply(text="Your PIN, please.", expect="digits", digits=4, sensitive=True)
        call = line({"my balance": [pin], "four eight": None})
        call.caller("my balance", at_ms=3000, lasts_ms=700)
        call.caller("four eight", at_ms=8000, lasts_ms=700)
        call.run(14_000)
        assert call.speeches[-1] == Prompts().dialogue_failed
        assert call.machine.expectation.sensitive

    def test_what_is_asked_after_an_agent_was_lost_may_be_a_secret(self) -> None:
        call = Line(resumed=True)
        call.run(1000)
        assert call.speeches == [Prompts().resumed]
        assert call.machine.expectation.sensitive

    def test_repeat_says_the_last_answer_again(self) -> None:
        call = line({"my balance": [BALANCE], "repeat": [Reply(action="repeat")]})
        call.caller("my balance", at_ms=3000, lasts_ms=700)
        call.caller("repeat", at_ms=9000, lasts_ms=500)
        call.run(12_000)
        assert call.speeches[1:] == [BALANCE.text, BALANCE.text]

    def test_the_dialogue_fails_once_then_again(self) -> None:
        call = line({"my balance": None})
        call.caller("my balance", at_ms=3000, lasts_ms=700)
        call.caller("my balance", at_ms=12_000, lasts_ms=700)
        call.run(25_000)
        prompts = Prompts()
        assert call.speeches[1:] == [prompts.dialogue_failed, prompts.dialogue_failed_again]
        assert call.of(TransferCall) == [TransferCall(None)]

    def test_nothing_happens_after_the_end(self) -> None:
        call = line({"my balance": [BALANCE]})
        call.caller("my balance", at_ms=3000, lasts_ms=700)
        call.schedule(CallEnded(3900))
        call.run(20_000)
        assert max(said.at_ms for said in call.log) <= 3900


_MOMENTS = st.lists(
    st.tuples(
        st.integers(0, 200),
        st.integers(1, 60),
        st.sampled_from(["", "yes", "mm hm", "stop", "my balance and"]),
    ),
    max_size=8,
)


class TestProperties:
    @settings(max_examples=30, deadline=None)
    @given(_MOMENTS, st.text("0123456789#*", max_size=6))
    def test_whatever_the_caller_does_every_turn_is_in_order_and_the_call_ends(
        self, moments: list[tuple[int, int, str]], keys: str
    ) -> None:
        call = Line(replies={CALL_STARTED: [DISCLOSURE, ASK], "my balance and": [BALANCE], "stop": None})
        at_ms = 0
        for gap, lasts, text in moments:
            at_ms += gap * 50
            call.caller(text, at_ms, lasts * 50)
            at_ms += lasts * 50 + 200
        call.keys(keys, at_ms=1000)
        call.run(at_ms + 75_000)
        turns = [turn.turn for turn in call.of(CommitTurn)]
        assert turns == list(range(1, len(turns) + 1))
        ended = [(end.speech, end.complete) for end in call.of(SpeechEnded)]
        assert len(ended) == len(dict(ended)), "a speech ends once"
        disclosure = call.of(SpeechEnded)[0]
        assert disclosure.heard == (DISCLOSURE.text,)
        assert call.of(HangUp) or call.of(TransferCall), "silence ends every call"
