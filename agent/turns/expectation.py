# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dialogue expects the caller to answer: it decides how long a pause ends the turn, how the agent
listens, and what must be sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.reply import Expect, Reply, TurnKnobs

_AS_SET = TurnKnobs()


@dataclass(frozen=True, slots=True)
class Expectation:
    """The kind of answer, how many digits complete it (None: unknown), whether it must be kept from every
    store, and the turn-taking of this step where it differs from the settings.
    """

    kind: Expect = "free"
    digits: int | None = None
    sensitive: bool = False
    turn: TurnKnobs = _AS_SET


def expectation_of(replies: Sequence[Reply]) -> Expectation | None:
    """What is expected after these replies: the last one that says anything decides. None: as before."""
    for reply in reversed(replies):
        if reply.text:
            return Expectation(reply.expect, reply.digits, reply.sensitive, reply.turn)
    return None
