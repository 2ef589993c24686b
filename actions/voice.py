# SPDX-License-Identifier: GPL-3.0-or-later
"""How the agent should speak: slower, faster, louder, softer, or as before."""

from __future__ import annotations

import re

from rasa_sdk.events import EventType

from actions.questions import ask_again
from actions.turn import Turn, TurnAction, go_on_with
from contracts.reply import VoiceChange

# In this order: "not so fast" must not be taken for "fast".
_WORDS: tuple[tuple[VoiceChange, str], ...] = (
    ("normal", r"normal\w*|(?:way|like|as) you (?:spoke|talked|did)|as before|your usual"),
    ("slower", r"too (?:\w+ )?(?:fast|quick\w*)|(?:not|less) (?:so |that )?(?:fast|quick\w*)"),
    ("faster", r"too (?:\w+ )?slow\w*|(?:not|less) (?:so |that )?slow\w*"),
    ("softer", r"too (?:\w+ )?(?:loud\w*|noisy)|(?:not|less) (?:so |that )?loud\w*|so loud|down a bit"),
    ("louder", r"too (?:\w+ )?(?:quiet\w*|soft\w*|low|faint)|(?:so|very|bit) (?:quiet|soft|low|faint)"),
    ("louder", r"(?:hardly|barely|not|can't|cannot) hear"),
    ("softer", r"quiet\w*|soft\w*|volume down|turn (?:\w+ )?(?:\w+ )?down"),
    ("slower", r"slow\w*"),
    ("faster", r"fast\w*|quick\w*|speed"),
    ("louder", r"loud\w*|lauder|speak up|volume|up a bit|turn (?:\w+ )?(?:\w+ )?up|allowed her"),
)
_PATTERNS = tuple((change, re.compile(rf"\b(?:{words})\b")) for change, words in _WORDS)


def parse_voice_change(words: str) -> VoiceChange | None:
    """What the words ask of the voice, None when they don't say."""
    return next((change for change, pattern in _PATTERNS if pattern.search(words)), None)


class ActionChangeVoice(TurnAction):
    """Says so in the new voice, and asks the open question again. Words that name no change were taken for a
    wish by mistake.
    """

    action_name = "action_change_voice"

    async def answer(self, turn: Turn) -> list[EventType]:
        """Change, or ask again."""
        change = parse_voice_change(turn.words)
        if change is None:
            return [go_on_with("action_fallback")]
        turn.say(f"utter_voice_{change}")
        return ask_again(turn)
