# SPDX-License-Identifier: GPL-3.0-or-later
"""Barge-in: when the caller's speech stops the agent's, and what makes it a false alarm."""

from __future__ import annotations

import re

# What listeners say to show that they listen, and what a cleared throat is heard as. It asks for nothing,
# so the agent goes on.
_BACKCHANNEL = re.compile(
    r"(?:m+|m+[ -]?h+m+|uh[ -]?huh|a?ha+|hm+|uh|um|er|eh|ah|oh|okay|ok|right|i see|yeah|yes|sure|good)"
    r"(?: (?:okay|ok|right|yeah|yes|uh|um|hm+))?"
)


def interrupts(now_ms: int, onset_ms: int, barge_in_ms: int) -> bool:
    """Whether speech that began at `onset_ms`, and still goes on, has lasted long enough to interrupt."""
    return now_ms - onset_ms >= barge_in_ms


def is_backchannel(text: str) -> bool:
    """Whether these words, spoken over the agent's speech, only say “I am listening”."""
    return _BACKCHANNEL.fullmatch(text.lower().strip(" .,!?")) is not None


# What people say in a third of a second to take the floor. Other words in so short a sound are a cough's.
_INTERJECTION = re.compile(
    r"(?:no|yes|stop|wait|what|hey|hello|help|pardon|sorry|agent|person|cancel|repeat|again|slower|louder)\b.*"
    r"|hold on|excuse me|go back"
)


def is_interjection(text: str) -> bool:
    """Whether these words may be all that a very short interruption says."""
    return _INTERJECTION.fullmatch(text.lower().strip(" .,!?")) is not None
