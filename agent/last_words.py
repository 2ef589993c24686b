# SPDX-License-Identifier: GPL-3.0-or-later
"""What the caller had heard of the agent's last words when they took the floor, for the dialogue: a yes to a
question that was cut off is no yes.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.playback import Part
from agent.turns.commands import Speak
from agent.turns.heard import words_heard


class LastWords:
    """The speeches since the caller's last turn."""

    def __init__(self, share_of: Callable[[Part], float]) -> None:
        self._share_of = share_of
        self._speeches: list[Speak] = []

    def add(self, speak: Speak) -> None:
        """The agent says something."""
        self._speeches.append(speak)

    def take(self) -> dict[str, str]:
        """`heard`, the words that were played, and `interrupted`, “true” when some were not; begins anew."""
        speeches, self._speeches = self._speeches, []
        shares = [
            (text, self._share_of((speak.speech, number)))
            for speak in speeches
            for number, text in enumerate(speak.parts)
        ]
        heard = " ".join(words for words in (words_heard(text, share) for text, share in shares) if words)
        cut = any(share < 1.0 for _, share in shares)
        return {"heard": heard, "interrupted": "true" if cut else "false"}
