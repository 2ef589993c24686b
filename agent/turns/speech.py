# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's side of the floor: what is being said, whether it may be interrupted, and how much of it was
heard.

Truth comes from the gateway's marks alone: a part counts as heard when its mark was played, not when it was
sent, and of a part that was cut only the words count that were played.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.clauses import split_clauses
from agent.turns.commands import Speak, SpeechEnded
from agent.turns.heard import words_heard
from contracts.reply import Reply

# The name of what is said to bridge a wait: worth nothing once somebody speaks.
FILLER = "filler"


@dataclass(slots=True)
class _Speech:
    reply: Reply
    parts: tuple[str, ...]
    shares: list[float] = field(default_factory=list)
    interrupted: bool = False

    @property
    def over(self) -> bool:
        return len(self.shares) == len(self.parts)

    @property
    def complete(self) -> bool:
        return all(share == 1.0 for share in self.shares)

    @property
    def heard(self) -> tuple[str, ...]:
        cut = (words_heard(part, share) for part, share in zip(self.parts, self.shares, strict=False))
        return tuple(words for words in cut if words)


@dataclass(frozen=True, slots=True)
class SpeechOver:
    """A speech that is over: what was heard, the reply it spoke, and whether it ran to its end
    uninterrupted.
    """

    ended: SpeechEnded
    reply: Reply
    to_the_end: bool


class SpeechQueue:
    """The speeches that were handed to the playout and are not over yet, in order."""

    def __init__(self) -> None:
        self._live: dict[int, _Speech] = {}
        self._next = 1
        self._paused = False

    @property
    def speaking(self) -> bool:
        """Whether something is being said that nobody has cut off; a pause in it does not end it."""
        return any(not speech.interrupted for speech in self._live.values())

    @property
    def paused(self) -> bool:
        """Whether speech is kept back because the caller may want the floor."""
        return self._paused

    @property
    def protected(self) -> bool:
        """Whether the part being heard now must be heard in full."""
        current = self._current()
        return current is not None and not current.reply.barge_in

    @property
    def fills(self) -> bool:
        """Whether what is being heard only bridges a wait."""
        current = self._current()
        return current is not None and current.reply.name == FILLER

    def behind_filler(self) -> tuple[Reply, ...]:
        """The replies that wait for a filler to end."""
        waiting = (speech for speech in self._live.values() if not speech.interrupted)
        return tuple(speech.reply for speech in waiting if speech.reply.name != FILLER)

    def say(self, reply: Reply, turn: int) -> Speak | None:
        """Queue a reply. None when it has nothing to say."""
        parts = split_clauses(reply.text)
        if not parts:
            return None
        number, self._next = self._next, self._next + 1
        self._live[number] = _Speech(reply, parts)
        return Speak(number, parts, turn, reply.name, protected=not reply.barge_in)

    def pause(self) -> None:
        """Keep what is queued back."""
        self._paused = True

    def resume(self) -> None:
        """Go on with what was kept back."""
        self._paused = False

    def interrupt(self) -> None:
        """Everything queued is dropped for good."""
        self._paused = False
        for speech in self._live.values():
            speech.interrupted = True

    def reached(self, speech: int, part: int, share: float) -> SpeechOver | None:
        """Note a mark; when it was the speech's last, how the speech ended."""
        live = self._live.get(speech)
        if live is None or part != len(live.shares):
            return None
        live.shares.append(share)
        if not live.over:
            return None
        del self._live[speech]
        ended = SpeechEnded(speech, live.heard, live.complete)
        # A clause that could not be spoken must not keep a promised transfer from happening.
        return SpeechOver(ended, live.reply, to_the_end=live.complete or not live.interrupted)

    def _current(self) -> _Speech | None:
        return next((speech for speech in self._live.values() if not speech.interrupted), None)
