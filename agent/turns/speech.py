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

    @property
    def over(self) -> bool:
        return len(self.reached) == len(self.parts)

    @property
    def heard(self) -> tuple[str, ...]:
        return tuple(part for part, played in zip(self.parts, self.reached, strict=False) if played)


class SpeechQueue:
    """The speeches that were handed to the playout and are not over yet, in order."""

    def __init__(self) -> None:
        self._live: dict[int, _Speech] = {}
        self._next = 1
        self._unheard: tuple[tuple[Reply, int, tuple[str, ...]], ...] = ()

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
        for speech in self._live.values():
            speech.interrupted = True
        self._unheard = ()

    def reached(self, speech: int, part: int, played: bool) -> tuple[SpeechEnded, Reply] | None:
        """Note a mark. When it was the speech's last:

        What was heard, and the reply, whose action may now be due.
        """
        live = self._live.get(speech)
        if live is None or part != len(live.reached):
            return None
        live.reached.append(played)
        if not live.over:
            return None
        del self._live[speech]
        complete = all(live.reached)
        if not complete:
            missed = tuple(text for text, heard in zip(live.parts, live.reached, strict=True) if not heard)
            self._unheard = (*self._unheard, (live.reply, live.turn, missed))
        return SpeechEnded(speech, live.heard, complete), live.reply

    def resume(self) -> list[Speak]:
        """Say what the last interruption cut off, from the beginning of the clause that was cut."""
        missed, self._unheard = self._unheard, ()
        spoken = (self.say(reply, turn, parts) for reply, turn, parts in missed)
        return [speak for speak in spoken if speak is not None]
