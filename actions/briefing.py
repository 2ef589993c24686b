# SPDX-License-Identifier: GPL-3.0-or-later
"""What a colleague is told before a caller is put through: who calls, whether verified, what they want, what
was done. Two or three short sentences, and never a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# What was said tells what was done; in the order of the call.
_DONE = {
    "utter_balance": "heard their balance",
    "utter_card_blocked": "had a card blocked",
    "utter_application_prepared": "had a loan application prepared",
    "utter_application_declined": "did not want the loan that was quoted",
    "utter_loan_declined": "was declined a loan",
    "utter_offer_accepted": "accepted an offer",
    "utter_offer_declined": "declined an offer",
    "utter_pin_locked": "was locked out after three wrong PINs",
}
_OPEN = {
    "pin": "was asked for the PIN",
    "offer": "was being told an offer",
    "loan_application": "was deciding on a loan application",
    "other_loan": "was deciding on a loan application",
    "card_choice": "wanted to block a card",
    "card_confirm": "wanted to block a card",
}


@dataclass(frozen=True, slots=True)
class Handover:
    """What is known of the call.

    `name` is that of the customer with the caller's number, `open_question` what was being asked
    (`Awaiting`), `loan` the loan under way in words, `said` the names of all replies so far.
    """

    name: str | None
    verified: bool
    said: tuple[str, ...] = ()
    open_question: str | None = None
    loan: str | None = None


def briefing(call: Handover) -> str:
    """The sentences."""
    return " ".join(part for part in (_who(call), _done(call.said), _wants(call)) if part)


def _who(call: Handover) -> str:
    if call.name is None:
        return "A caller whose number we don't know."
    state = "verified by PIN" if call.verified else "not verified"
    return f"{call.name}, {state}."


def _done(said: Iterable[str]) -> str:
    done = list(dict.fromkeys(_DONE[name] for name in said if name in _DONE))
    return f"The caller {_listed(done)}." if done else ""


def _wants(call: Handover) -> str:
    if call.said and "utter_fallback_person" in call.said[-2:]:
        return "I could not understand them."
    if "utter_language" in call.said:
        return "They would like to speak Chinese."
    if call.open_question in _OPEN:
        return f"The caller {_OPEN[call.open_question]}, and asked for a person."
    if call.loan:
        return f"The caller was asking for {call.loan}, and asked for a person."
    return "" if "utter_pin_locked" in call.said else "The caller asked for a person."


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
