# SPDX-License-Identifier: GPL-3.0-or-later
"""What the callers of the latency benchmark say.

Their replies are short, but for the last one of a call: after its first sound the caller hangs up. So a call
of four measured replies takes some 22 s. Short and long questions, a yes or no, numbers, replies that stay
the same and prompts of a form. Replies with a customer's figures need a PIN, and begin with a fixed clause.
"""

from __future__ import annotations

from dataclasses import dataclass

SCRIPTS = (
    ("i would like a loan", "for a renovation", "twenty thousand dollars", "three years"),
    ("hello", "thank you", "yes", "could you please tell me when your branches are open"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One caller's calls, one after another: what is said in each, whom it calls, when it begins (seconds
    after all lines are ready).
    """

    uri: str
    number: str
    starts_s: float
    calls: tuple[tuple[str, ...], ...]


def lines_of(uris: list[str], callers: int, calls_each: int, starts_s: list[float]) -> list[Line]:
    """`callers` lines spread over the URIs in turn; no line and no call says what its neighbour does.

    Raises ValueError when there are fewer starting times than callers.
    """
    return [
        Line(
            uris[number % len(uris)],
            f"+8613800{number + 1:06}",
            starts_s[number],
            tuple(SCRIPTS[(number + call) % len(SCRIPTS)] for call in range(calls_each)),
        )
        for number in range(callers)
    ]
