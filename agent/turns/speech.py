# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's side of the floor: what is being said, whether it may be interrupted, and how much of it was
heard.

Truth comes from the gateway's marks alone: a part counts as heard when its mark was played, not when it was
sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.clauses import split_clauses
from agent.turns.commands import Speak, SpeechEnded
from contracts.reply import Reply


@dataclass(slots=True)
class _Speech:
    reply: Reply
    turn: int
    parts: tuple[str, ...]
    reached: list[bool] = field(default_factory=list)
    interrupted: bool = False
    forgotten: bool = False

    @property
    def over(self) -> bool:
        return len(self.reached) == len(self.parts)

    @property
    def heard(self) -> tuple[str, ...]:
        return tuple(part for part, played in zip(self.parts, self.reached, strict=False) if played)


@dataclass(frozen=True, slots=True)
class SpeechOver:
    """A speech that is over:

    What was heard, the reply it spoke, and whether it ran to its end uninterrupted.
    """

    ended: SpeechEnded
    reply: Reply
    to_the_end: bool


class SpeechQueue:
    """The speeches that were handed to the playout and are not over yet, in order."""

    def __init__(self) -> None:
        self._live: dict[int, _Speech] = {}
        self._next = 1
        self._unheard: tuple[tuple[Reply, int, tuple[str, ...]], ...] = ()
        self._resuming = False

    @property
    def speaking(self) -> bool:
        """Whether something is being said that nobody has interrupted."""
        return any(not speech.interrupted for speech in self._live.values())

    @property
    def protected(self) -> bool:
        """Whether the part being heard now must be heard in full."""
        for speech in self._live.values():
            if not speech.interrupted:
                return not speech.reply.barge_in
        return False

    def say(self, reply: Reply, turn: int, parts: Iterable[str] | None = None) -> Speak | None:
        """Queue a reply (or only these `parts` of it). None when it has nothing to say."""
        chosen = split_clauses(reply.text) if parts is None else tuple(parts)
        if not chosen:
            return None
        number, self._next = self._next, self._next + 1
        self._live[number] = _Speech(reply, turn, chosen)
        return Speak(number, chosen, turn, reply.name, protected=not reply.barge_in)

    def interrupt(self) -> None:
        """Everything queued is dropped; what the caller missed can be said again with `resume`."""
        self.forget()
        for speech in self._live.values():
            speech.forgotten = speech.interrupted
            speech.interrupted = True

    def forget(self) -> None:
        """The caller has taken the floor: what they missed will not be said again."""
        self._unheard = ()
        self._resuming = False
        for speech in self._live.values():
            speech.forgotten = speech.interrupted

    def reached(self, speech: int, part: int, played: bool) -> SpeechOver | None:
        """Note a mark; when it was the speech's last, how the speech ended."""
        live = self._live.get(speech)
        if live is None or part != len(live.reached):
            return None
        live.reached.append(played)
        if not live.over:
            return None
        del self._live[speech]
        complete = all(live.reached)
        if live.interrupted and not complete and not live.forgotten:
            missed = tuple(text for text, heard in zip(live.parts, live.reached, strict=True) if not heard)
            self._unheard = (*self._unheard, (live.reply, live.turn, missed))
        ended = SpeechEnded(speech, live.heard, complete)
        # A clause that could not be spoken must not keep a promised transfer from happening.
        return SpeechOver(ended, live.reply, to_the_end=complete or not live.interrupted)

    def resume(self) -> None:
        """Say again what the last interruption cut off, as far as it is known already and as it becomes
        known.
        """
        self._resuming = True

    def resumed(self) -> list[Speak]:
        """What is to be said again now, from the beginning of the clause that was cut."""
        if not self._resuming or any(live.interrupted for live in self._live.values()):
            return []
        self._resuming = False
        missed, self._unheard = self._unheard, ()
        spoken = (self.say(reply, turn, parts) for reply, turn, parts in missed)
        return [speak for speak in spoken if speak is not None]
