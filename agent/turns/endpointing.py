# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpointing: how much silence after the caller's words ends the turn.

    caller   ▂▅▇▅▂▁        ▂▅▇▅▂▁
    silence        ········      ··············
                   ^ end_ms      ^ end_ms      ^ end_ms + delay: the turn is committed
                           ^ speech resumes: the commit is cancelled

The delay depends on what the dialogue expects and on the words themselves, which are known about 100 ms after
the speculative recognition has started, well before the delay is over.
"""

from __future__ import annotations

from agent.turns.expectation import Expectation
from agent.turns.settings import EndpointingSettings
from spoken.digits import parse_digits

# Nobody ends an English sentence on these: after them the caller is looking for words.
UNFINISHED = frozenset({
    "a", "an", "and", "or", "but", "so", "because", "if", "to", "for", "of", "the", "my", "your", "with",
    "from", "at", "in", "on", "over", "about", "like", "um", "uh", "er", "well",
})  # fmt: skip


def endpointing_delay_ms(
    expectation: Expectation, text: str, free_ms: int, settings: EndpointingSettings
) -> int:
    """Milliseconds of silence that end a turn whose words so far are `text` (lower case, may be empty).

    `free_ms` is the delay for free speech, as this caller's own pauses set it.
    """
    if expectation.kind == "digits" and expectation.digits is not None:
        spoken = parse_digits(text)
        if spoken is not None:
            return settings.yes_no_ms if len(spoken) >= expectation.digits else settings.digits_ms
    words = text.lower().split()
    if words and words[-1].strip(".,!?…") in UNFINISHED:
        return settings.unfinished_ms
    by_kind = {
        "yes_no": settings.yes_no_ms,
        "amount": settings.amount_ms,
        "date": settings.date_ms,
        "name": settings.name_ms,
    }
    return by_kind.get(expectation.kind, free_ms)
