# SPDX-License-Identifier: GPL-3.0-or-later
"""The loan: its three values read from the caller's words in any order, the bank's decision told, the
application prepared once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy.orm import Session

from actions.caller import PIN_DIGITS, customer_id, proven_customer
from actions.figures import dollars, percent
from actions.office import office
from actions.purposes import parse_purpose
from actions.turn import LOAN_FORM, Awaiting, Turn, TurnAction, await_answer, go_on_with
from bank.lending.eligibility import Decision, LoanRequest, LoanTerms, Purpose
from bank.lending.quotes import NotEligible, decide_for, reference, store_quote
from spoken.amounts import parse_amount
from spoken.terms import parse_term

SLOTS = ("loan_purpose", "loan_amount", "loan_term")
CHECK = "action_check_loan_eligibility"
# Below this a bare number is more likely "fifty" for fifty thousand than a wish for $50.
SMALLEST_BELIEVED = Decimal(500)
# Words of these intents are answered by their own rules; the form must not read values out of them, unless
# the intent is a guess.
SURE = 0.8
_NOT_ABOUT_THE_LOAN = {
    "affirm", "are_you_human", "ask_balance", "ask_offers", "ask_opening_hours", "ask_person", "block_card",
    "call_started", "cancel", "deny", "goodbye", "greet", "help", "repeat", "thank",
}  # fmt: skip
# "One moment" is no term of one year, however unsure the intent.
_NEVER_A_VALUE = {"ask_language", "change_voice", "go_back", "hold"}
# Years that a key or two can mean; the bank decides which of them it lends for.
_KEYED_YEARS = range(1, 31)


def read_values(turn: Turn, asked: str | None = None) -> dict[str, Any]:
    """The loan's slots that the caller's words name. `asked` is the slot in question: it may be answered in
    fewer words.
    """
    words = turn.words
    values: dict[str, Any] = {}
    amount = parse_amount(words)
    if amount is None and asked == "loan_amount":
        amount = _keyed_amount(turn)
    term = parse_term(words, asked=asked == "loan_term")
    if term is None and asked == "loan_term":
        term = _keyed_term(turn)
    if amount is not None and amount >= SMALLEST_BELIEVED:
        values["loan_amount"] = str(amount)
    if term is not None:
        values["loan_term"] = term
    purpose = parse_purpose(words, asked=asked == "loan_purpose")
    if purpose is not None and (purpose is not Purpose.OTHER or asked == "loan_purpose"):
        values["loan_purpose"] = purpose.value
    return values


def _keyed_amount(turn: Turn) -> Decimal | None:
    """An amount on the keys. Four sealed digits may be a PIN keyed too soon, which no slot may hold."""
    keys = turn.keys(office().seal) or ""
    might_be_pin = turn.keys_are_sealed and len(keys) <= PIN_DIGITS
    return Decimal(keys) if keys.isdigit() and len(keys) > 1 and not might_be_pin else None


def _keyed_term(turn: Turn) -> int | None:
    """Months, from years on the keys."""
    keys = turn.keys(office().seal) or ""
    return int(keys) * 12 if keys.isdigit() and int(keys) in _KEYED_YEARS else None


class ActionReadLoanRequest(TurnAction):
    """A wish for a loan: takes what it names, asks for the rest."""

    action_name = "action_read_loan_request"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Start afresh on a new wish; change what is named of one under way."""
        if await customer_id(turn) is None:
            # Better now than after three questions.
            return [go_on_with("action_start_verification")]
        revising = turn.in_form or turn.intent == "inform"
        known = {slot: turn.slot(slot) for slot in SLOTS} if revising else dict.fromkeys(SLOTS)
        known |= read_values(turn)
        events: list[EventType] = [SlotSet(slot, value) for slot, value in known.items()]
        events += [await_answer(None), SlotSet("loan_paused", None)]
        complete = all(known.values()) and not turn.in_form
        return [*events, go_on_with(CHECK if complete else LOAN_FORM)]


class ValidateLoanForm(Action):  # type: ignore[misc]
    """Fills the form's slots from the caller's words; nothing read means that the words were about something
    else.
    """

    def name(self) -> str:
        """The name that Rasa gives a form's validation."""
        return "validate_loan_form"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        """The slots read in this turn, as events."""
        turn = Turn(dispatcher, tracker)
        asked = turn.slot("requested_slot")
        if turn.intent in _NEVER_A_VALUE or (turn.intent in _NOT_ABOUT_THE_LOAN and turn.confidence >= SURE):
            return []
        return [SlotSet(slot, value) for slot, value in read_values(turn, asked).items()]


class ActionCheckLoanEligibility(TurnAction):
    """Tells a verified caller the bank's decision: terms, or reasons and what would be possible."""

    action_name = CHECK

    async def answer(self, turn: Turn) -> list[EventType]:
        """Verify if needed, then decide."""
        request = loan_request(turn)
        if request is None:
            return [go_on_with(LOAN_FORM)]
        customer = await proven_customer(turn, self.action_name)
        if isinstance(customer, list):
            return customer
        today = office().now().date()
        decision = await office().ask_bank(lambda session: decide_for(session, customer, request, today))
        return _tell(turn, decision)


def loan_request(turn: Turn) -> LoanRequest | None:
    """The loan as it stands, when all of it is known."""
    purpose, amount, term = (turn.slot(slot) for slot in SLOTS)
    if not (purpose and amount and term):
        return None
    return LoanRequest(Purpose(purpose), Decimal(str(amount)), int(term))


def _tell(turn: Turn, decision: Decision) -> list[EventType]:
    if decision.terms is not None:
        _say_terms(turn, "utter_loan_approved", decision.terms)
        turn.say("utter_ask_application")
        return [await_answer(Awaiting.LOAN_APPLICATION)]
    turn.say("utter_loan_declined", reasons=" and ".join(reason.text for reason in decision.reasons))
    if decision.alternative is None:
        return turn.finish()
    _say_terms(turn, "utter_loan_alternative", decision.alternative)
    turn.say("utter_ask_application")
    return [
        SlotSet("other_amount", str(decision.alternative.amount)),
        SlotSet("other_term", decision.alternative.term_months),
        await_answer(Awaiting.OTHER_LOAN),
    ]


def _say_terms(turn: Turn, response: str, terms: LoanTerms) -> None:
    turn.say(response, amount=dollars(terms.amount), months=terms.term_months)
    rate, payment = percent(terms.annual_rate_percent), dollars(terms.monthly_payment)
    turn.say("utter_loan_conditions", rate=rate, payment=payment)


class ActionPrepareApplication(TurnAction):
    """Stores the quote that the caller said yes to, once, and gives its reference."""

    action_name = "action_prepare_application"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Verify if needed, then store."""
        request = _accepted_request(turn)
        if request is None:
            return [go_on_with(LOAN_FORM)]
        customer = await proven_customer(turn, self.action_name)
        if isinstance(customer, list):
            return customer

        def prepare(session: Session) -> str:
            return reference(store_quote(session, customer, turn.call_id, request, office().now()))

        try:
            number = await office().ask_bank(prepare)
        except NotEligible:
            return [await_answer(None), go_on_with(CHECK)]
        turn.say("utter_application_prepared", reference=number)
        return turn.finish()


def _accepted_request(turn: Turn) -> LoanRequest | None:
    if turn.awaiting is Awaiting.OTHER_LOAN:
        return LoanRequest(
            Purpose(turn.slot("loan_purpose")),
            Decimal(str(turn.slot("other_amount"))),
            int(turn.slot("other_term")),
        )
    return loan_request(turn)
