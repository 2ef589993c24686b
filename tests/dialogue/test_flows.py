# SPDX-License-Identifier: GPL-3.0-or-later
"""The five conversations that Tellerline exists for, from greeting to end, over the agent's channel."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from decimal import Decimal

import pytest
from sqlalchemy import select

from bank.lending.annuity import monthly_payment
from bank.models import CardBlock, LoanQuote, Offer, OfferState
from contracts.reply import DialogueTurn, Reply
from tests.dialogue.conftest import PIN, ROOT, TRANSFER_TARGET, Dialogue

pytestmark = pytest.mark.timeout(400)
ALEX = "+8613800000001"
ALEX_PIN = "4821"


def texts(turn: DialogueTurn) -> str:
    return " ".join(reply.text for reply in turn.replies)


def names(turn: DialogueTurn) -> list[str]:
    return [reply.name for reply in turn.replies]


def test_disclosure_comes_first_cannot_be_interrupted_and_names_nobody(dialogue: Dialogue) -> None:
    first = dialogue.call(ALEX).heard[0]
    assert names(first) == ["utter_disclosure", "utter_how_can_help"]
    assert "automated" in first.replies[0].text
    assert "recorded" in first.replies[0].text
    assert first.replies[0].barge_in is False
    assert first.replies[1].barge_in is True
    assert "Alex" not in texts(first)
    assert first.actions == ("action_call_started",)


def test_balance(dialogue: Dialogue) -> None:
    call = dialogue.call(ALEX)
    asked = call.say("what is my balance")
    assert asked.intent.name == "ask_balance"
    assert asked.intent.confidence > 0.5
    assert asked.actions == ("action_tell_balance", "action_start_verification")
    assert asked.replies[-1] == Reply(
        text="To verify you, please key in your four digit PIN.",
        name="utter_ask_pin",
        expect="digits",
        digits=4,
        sensitive=True,
    )
    told = call.key_sealed(ALEX_PIN)
    assert "$4,310.55" in texts(told)
    assert "$28,750" in texts(told)
    assert "Alex" in texts(told)
    ended = call.say("no thanks")
    assert ended.replies[-1].action == "hangup"


def test_thanks_in_answer_to_anything_else_end_the_call_and_before_it_they_do_not(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    assert names(call.say("thank you")) == ["utter_youre_welcome", "utter_anything_else"]
    ended = call.say("thank you")
    assert names(ended) == ["utter_youre_welcome", "utter_goodbye"]
    assert ended.replies[-1].action == "hangup"


def test_verified_once_serves_the_whole_call(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    call.say("what is my balance")
    call.key_sealed(PIN)
    again = call.say("how much is in my savings account")
    assert "$15,000" in texts(again)
    assert "$1,204.50" not in texts(again), "only the account that was named"


def test_loan_in_one_sentence(dialogue: Dialogue) -> None:
    customer = dialogue.customer(income="12000.00", score=780)
    call = dialogue.call(customer.phone)
    asked = call.say("i'd like to borrow two hundred thousand for renovation over five years")
    assert names(asked) == ["utter_ask_pin"], "nothing is asked that was said"
    told = call.key_sealed(PIN)
    payment = monthly_payment(Decimal(200_000), Decimal("5.9"), 60)
    assert "$200,000" in texts(told)
    assert "60 months" in texts(told)
    assert "5.9 %" in texts(told)
    assert f"${payment:,.2f}" in texts(told)
    assert told.replies[-1].expect == "yes_no"
    prepared = call.say("yes please")
    with dialogue.database.session() as session:
        quotes = list(session.scalars(select(LoanQuote).where(LoanQuote.customer_id == customer.id)))
        assert [(q.amount, q.term_months, q.purpose, q.call_id) for q in quotes] == [
            (Decimal("200000.00"), 60, "renovation", call.call_id)
        ]
    assert str(700_000 + quotes[0].id) in texts(prepared)


def test_loan_value_by_value_in_any_order(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer().phone)
    assert names(call.say("i want a loan"))[-1] == "utter_ask_loan_purpose"
    # Answers the term instead of the purpose.
    assert names(call.say("over three years"))[-1] == "utter_ask_loan_purpose"
    asked = call.say("it's for a car")
    assert asked.replies[-1].name == "utter_ask_loan_amount"
    assert asked.replies[-1].expect == "amount"
    assert names(call.say("twenty no wait fifteen thousand dollars")) == ["utter_ask_pin"]
    told = call.key_sealed(PIN)
    assert "$15,000 over 36 months" in texts(told)
    assert names(call.say("no thank you")) == ["utter_application_declined", "utter_anything_else"]
    with dialogue.database.session() as session:
        assert not list(session.scalars(select(LoanQuote).where(LoanQuote.call_id == call.call_id)))


def test_yes_said_twice_prepares_one_application(dialogue: Dialogue) -> None:
    customer = dialogue.customer()
    call = dialogue.call(customer.phone)
    for _ in range(2):
        call.say("i'd like to borrow ten thousand for a wedding over two years")
        if not call.tracker()["slots"]["verified"]:
            call.key_sealed(PIN)
        call.say("yes")
    with dialogue.database.session() as session:
        assert len(list(session.scalars(select(LoanQuote).where(LoanQuote.customer_id == customer.id)))) == 1


def test_declined_loan_names_the_reason_and_what_is_possible(dialogue: Dialogue) -> None:
    customer = dialogue.customer(income="2000.00", score=700)
    call = dialogue.call(customer.phone)
    call.say("i need a loan of ninety thousand for a car over three years")
    told = call.key_sealed(PIN)
    assert names(told)[1:] == [
        "utter_loan_declined", "utter_loan_alternative", "utter_loan_conditions", "utter_ask_application",
    ]  # fmt: skip
    assert "too high for your income" in texts(told)
    call.say("yes")
    with dialogue.database.session() as session:
        quote = session.scalars(select(LoanQuote).where(LoanQuote.customer_id == customer.id)).one()
        assert quote.monthly_payment <= Decimal("800.00")


def test_declined_without_alternative_goes_on(dialogue: Dialogue) -> None:
    call = dialogue.call(dialogue.customer(score=480).phone)
    call.say("i need a loan of ninety thousand for a car over three years")
    told = call.key_sealed(PIN)
    assert names(told)[1:] == ["utter_loan_declined", "utter_anything_else"]


def test_offer_made_by_an_event_is_told_and_accepted_once(dialogue: Dialogue) -> None:
    customer = dialogue.customer()
    environment = dialogue.environment | {"TELLERLINE_REDIS_URL": dialogue.redis_url}
    command = [sys.executable, "-m", "bank.offers.publish", "salary_credited", "--customer", str(customer.id)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=60)
    consumer = subprocess.Popen([sys.executable, "-m", "bank.offers.consumer"], cwd=ROOT, env=environment)
    try:
        _wait_for_offer(dialogue, customer.id)
    finally:
        consumer.terminate()
        assert consumer.wait(10) == 0, "the consumer ends cleanly"
    call = dialogue.call(customer.phone)
    assert names(call.say("do you have any offers for me")) == ["utter_ask_pin"]
    told = call.key_sealed(PIN)
    assert "monthly saver plan" in texts(told)
    assert told.replies[-1].expect == "yes_no"
    assert names(call.say("yes i'd like that"))[0] == "utter_offer_accepted"
    assert names(call.say("what offers do you have"))[0] == "utter_no_offers"
    with dialogue.database.session() as session:
        offer = session.scalars(select(Offer).where(Offer.customer_id == customer.id)).one()
        assert offer.state is OfferState.ACCEPTED


def _wait_for_offer(dialogue: Dialogue, customer_id: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with dialogue.database.session() as session:
            if session.scalars(select(Offer).where(Offer.customer_id == customer_id)).first():
                return
        time.sleep(0.1)
    pytest.fail("the event made no offer within 30 s")


def test_declined_offer_is_not_told_again(dialogue: Dialogue) -> None:
    call = dialogue.call("+8613800000003")
    call.say("offers please")
    assert "twelve month fixed deposit" in texts(call.key_sealed(ALEX_PIN))
    assert names(call.say("no thank you"))[0] == "utter_offer_declined"
    assert names(call.say("any offers for me"))[0] == "utter_no_offers"


@pytest.mark.parametrize("by_voice", [True, False])
def test_the_last_digits_choose_the_card_and_are_no_wrong_pin(dialogue: Dialogue, by_voice: bool) -> None:
    call = dialogue.call(dialogue.customer().phone)
    asked = call.say("my card was stolen")
    assert (asked.replies[-1].expect, asked.replies[-1].digits) == ("digits", 4)
    confirm = call.say("the one ending in nine oh three two") if by_voice else call.key("9032")
    assert "credit card ending in 9032" in texts(confirm)
    call.say("no")
    call.say("my card was stolen")
    # Keyed in unasked, as sealed keys, it is still an answer to the open question.
    assert "credit card ending in 9032" in texts(call.key_sealed("9032"))


def test_card_block_needs_no_pin_but_a_yes(dialogue: Dialogue) -> None:
    customer = dialogue.customer()
    call = dialogue.call(customer.phone)
    asked = call.say("my card was stolen")
    assert asked.replies[-1].name == "utter_ask_which_card"
    assert "4417" in texts(asked)
    confirm = call.say("the credit card")
    assert confirm.replies[-1].name == "utter_ask_block"
    assert confirm.replies[-1].expect == "yes_no"
    assert "credit card ending in 9032" in texts(confirm)
    done = call.say("yes")
    assert done.actions == ("action_affirm", "action_confirm_block")
    promised = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=7)
    assert promised.isoformat() in texts(done)
    with dialogue.database.session() as session:
        block = session.scalars(select(CardBlock).where(CardBlock.card_id == customer.cards[1].id)).one()
        assert block.reason == "stolen"
    # The other card is the only one left, so it needs no name.
    assert "debit card ending in 4417" in texts(call.say("block my card"))
    assert names(call.say("no"))[0] == "utter_card_not_blocked"


def test_person(dialogue: Dialogue) -> None:
    transferred = dialogue.call(ALEX).say("i want to speak to a person")
    assert transferred.replies[-1].action == "transfer"
    assert transferred.replies[-1].target == TRANSFER_TARGET
