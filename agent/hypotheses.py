# SPDX-License-Identifier: GPL-3.0-or-later
"""Dialogue-aware listening: among the recogniser's hypotheses, the one that answers what was asked.

The beam search ends with several readings of the same sound. A reading that fits the question gets a
bonus, so that after “Shall I?” a doubtful “know thank you” is heard as “no thank you”; a clear reading of
anything else still wins by its own score.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.turns.expectation import Expectation
from spoken.amounts import parse_amount
from spoken.digits import parse_digits

# Log probability: a reading that fits may be e² ≈ 7 times less likely and still win.
BONUS = 2.0
_YES_NO = re.compile(
    r"(?:yes|yeah|yep|no|nope|sure|okay|ok|correct|right|please|not|don't|wrong|never|absolutely)\b"
)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One reading of a sound: the sum of its tokens' log probabilities, and their mean."""

    text: str
    logprob: float
    mean_logprob: float


def most_fitting(hypotheses: Sequence[Hypothesis], expectation: Expectation) -> Hypothesis | None:
    """The reading that is most likely, given what is expected; None of none."""
    if not hypotheses:
        return None
    return max(hypotheses, key=lambda each: each.logprob + (BONUS if fits(each.text, expectation) else 0.0))


def fits(text: str, expectation: Expectation) -> bool:
    """Whether the words answer what was asked, as far as that can be told from the words."""
    match expectation.kind:
        case "yes_no":
            return _YES_NO.match(text.lower()) is not None
        case "digits":
            digits = parse_digits(text, expectation.digits)
            return digits is not None and (expectation.digits is None or len(digits) == expectation.digits)
        case "amount":
            return parse_amount(text) is not None
        case _:
            return False
