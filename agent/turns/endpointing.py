# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpointing: how much silence after the caller's words ends the turn.

    caller   ▂▅▇▅▂▁        ▂▅▇▅▂▁
    silence        ········      ··············
                   ^ end_ms      ^ end_ms      ^ end_ms + delay: the turn is committed
                           ^ speech resumes: the commit is cancelled

The delay depends on what the dialogue expects, on the words and on whether they sound finished; both are
known some 30 ms after the speculative recognition has started, well before the delay is over.
"""

from __future__ import annotations

import re

from agent.turns.expectation import Expectation
from agent.turns.settings import EndpointingSettings
from spoken.digits import parse_digits

# Nobody ends an English sentence on these: after them the caller is looking for words.
UNFINISHED = frozenset({
    "a", "an", "and", "or", "but", "so", "because", "if", "to", "for", "of", "the", "my", "your", "with",
    "from", "at", "in", "on", "over", "about", "like", "um", "uh", "er", "well",
})  # fmt: skip

# "I'd like two …" is "I'd like to …" to whoever waits for a verb.
_WANTING = frozenset({"like", "want", "need", "going", "trying", "wish", "love", "have"})
_SOUNDS_LIKE_TO = frozenset({"two", "too"})

# Of a word or two a judge can't tell much, and people who say just these have mostly said what they wanted.
_WHOLE = re.compile(
    r"(?:yes|yeah|yep|no|nope|sure|okay|ok|correct|right|hello|hi|thanks|thank you|goodbye|bye|help|stop)"
    r"(?: (?:yes|no|please|thanks|thank you|sure|okay|that's right|goodbye|bye|correct|do|it is|i do))*"
)


def is_whole_answer(text: str) -> bool:
    """Whether the words are a whole answer by themselves: “yes please”, “no thank you”, “goodbye”."""
    return _WHOLE.fullmatch(text.lower().strip(" .,!?")) is not None


def trails_off(text: str) -> bool:
    """Whether the words end where no English sentence ends."""
    words = [word.strip(".,!?…") for word in text.lower().split()]
    if not words:
        return False
    wanting = len(words) > 1 and words[-2] in _WANTING and words[-1] in _SOUNDS_LIKE_TO
    return words[-1] in UNFINISHED or wanting


def endpointing_delay_ms(
    expectation: Expectation, text: str, finished: float | None, free_ms: int, settings: EndpointingSettings
) -> int:
    """Milliseconds of silence that end a turn whose words so far are `text` (lower case, may be empty).

    `finished` is the probability in [0, 1] that nothing follows (None: nothing judges it), `free_ms` the
    delay for free speech, as this caller's own pauses set it.
    """
    if expectation.kind == "digits" and expectation.digits is not None:
        spoken = parse_digits(text)
        if spoken is not None:
            return settings.full_ms if len(spoken) >= expectation.digits else settings.digits_ms
    if trails_off(text):
        return expectation.turn.unfinished_ms or settings.unfinished_ms
    usual_ms = _usual_ms(expectation, text, free_ms, settings)
    if finished is None or not text:
        return usual_ms
    if is_whole_answer(text):
        return min(usual_ms, settings.sure_ms) if finished >= settings.sure else usual_ms
    if finished < settings.unsure:
        return max(usual_ms, settings.patient_ms)
    return _between_ms(finished, usual_ms, settings)


def _between_ms(finished: float, usual_ms: int, settings: EndpointingSettings) -> int:
    """The delay by probability: `doubtful_ms` at `unsure`, the usual one at `even`, `sure_ms` from `sure`
    on, and straight lines between, so that no small change of a judgement makes a large one of the delay.
    """
    if finished >= settings.even:
        share = min(1.0, (finished - settings.even) / max(settings.sure - settings.even, 1e-6))
        return round(usual_ms + share * (min(usual_ms, settings.sure_ms) - usual_ms))
    share = (settings.even - finished) / max(settings.even - settings.unsure, 1e-6)
    return round(usual_ms + min(1.0, share) * (max(usual_ms, settings.doubtful_ms) - usual_ms))


def _usual_ms(expectation: Expectation, text: str, free_ms: int, settings: EndpointingSettings) -> int:
    if expectation.turn.endpointing_ms is not None:
        return expectation.turn.endpointing_ms
    whole = is_whole_answer(text)
    if expectation.kind == "yes_no" and (whole or not text):
        return settings.yes_no_ms
    if whole:
        return min(free_ms, settings.whole_ms)
    by_kind = {
        "amount": settings.amount_ms,
        "date": settings.date_ms,
        "name": settings.name_ms,
    }
    return by_kind.get(expectation.kind, free_ms)
