# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action server works with: the bank's database, the seal of sensitive digits, the clock, and whom
a transfer goes to.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session

from bank.database import Database
from bank.settings import BankSettings
from contracts.sealed import Seal

TRANSFER_VARIABLE = "TELLERLINE_TRANSFER_TARGET"
DEFAULT_TRANSFER_TARGET = "sip:operator@127.0.0.1:5080"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Office:
    """One action server's resources."""

    database: Database
    seal: Seal
    transfer_target: str

    async def ask_bank(self, work: Callable[[Session], T]) -> T:
        """Run one piece of work in a transaction, on a thread: a slow database must not hold up others."""
        return await asyncio.to_thread(self._in_transaction, work)

    def _in_transaction(self, work: Callable[[Session], T]) -> T:
        with self.database.session() as session:
            return work(session)

    def now(self) -> dt.datetime:
        """The time, in UTC."""
        return dt.datetime.now(dt.UTC)


@functools.cache
def office() -> Office:
    """The office of this process, from its environment. Raises RuntimeError when it has no seal key."""
    return Office(
        Database(BankSettings.from_environment().database_url),
        Seal.from_environment(),
        os.environ.get(TRANSFER_VARIABLE) or DEFAULT_TRANSFER_TARGET,
    )
