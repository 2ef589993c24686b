# SPDX-License-Identifier: GPL-3.0-or-later
"""The balance of the caller's accounts, or of the one they named."""

from __future__ import annotations

from decimal import Decimal

from rasa_sdk.events import EventType
from sqlalchemy.orm import Session

from actions.caller import proven_customer
from actions.figures import dollars
from actions.office import office
from actions.turn import Turn, TurnAction
from bank.accounts import accounts_of


class ActionTellBalance(TurnAction):
    """Tells each account's balance to a verified caller."""

    action_name = "action_tell_balance"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Verify if needed, then tell."""
        customer = await proven_customer(turn, self.action_name)
        if isinstance(customer, list):
            return customer

        def balances(session: Session) -> list[tuple[str, Decimal]]:
            return [(account.kind.value, account.balance) for account in accounts_of(session, customer)]

        every = await office().ask_bank(balances)
        named = [(kind, balance) for kind, balance in every if kind in turn.words]
        for kind, balance in named or every:
            turn.say("utter_balance", account=kind, balance=dollars(balance))
        if not every:
            turn.say("utter_no_account")
        return turn.finish()
