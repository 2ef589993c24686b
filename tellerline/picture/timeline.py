# SPDX-License-Identifier: GPL-3.0-or-later
"""What a journal tells about a conversation, as spans and points in time. Pure.

All times are the journal's: milliseconds of the agent's audio clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.journal.chain import Entry
from contracts.reply import CALL_STARTED


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasted, and what there is to say about it."""

    from_ms: int
    until_ms: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Speech:
    """A speech of the agent's at the gateway: `heard` of its `text` was played."""

    from_ms: int
    until_ms: int
    text: str
    heard: str
    complete: bool
    protected: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened at once."""

    at_ms: int
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A whole conversation.

    `vad` are the spans in which the VAD heard the caller, `words` what was recognised of them so far and at
    last, `turns` the commits, `ignored` what was no turn, `keys` key presses (the keys themselves are in no
    journal), `pauses` the agent's silences because of a noise, `holds` the caller's.
    """

    vad: tuple[Span, ...]
    words: tuple[Moment, ...]
    turns: tuple[Moment, ...]
    ignored: tuple[Moment, ...]
    keys: tuple[Moment, ...]
    speeches: tuple[Speech, ...]
    pauses: tuple[Span, ...]
    holds: tuple[Span, ...]
    ends_ms: int


def timeline_of(entries: Sequence[Entry]) -> Timeline:
    """The conversation of a journal, in order, whole or up to now."""
    ends_ms = max((entry.at_ms for entry in entries), default=0)
    return Timeline(
        vad=_between(entries, "speech_started", "onset_ms", "speech_stopped", "end_ms", ends_ms),
        words=_words(entries),
        turns=_moments(entries, "turn_committed", _turn_text),
        ignored=_moments(
            entries, "utterance_ignored", lambda data: f"{data['text']} ({data['reason']})".strip()
        ),
        keys=_moments(entries, "key_pressed", lambda data: "•"),
        speeches=_speeches(entries, ends_ms),
        pauses=_between(entries, "agent_pauses", "", "agent_resumes", "", ends_ms),
        holds=_between(entries, "held", "", "taken_back", "", ends_ms),
        ends_ms=ends_ms,
    )


def playing(timeline: Timeline) -> tuple[Span, ...]:
    """When the agent's sound was on the line, as far as the journal tells: speeches without their pauses."""
    silences = sorted((*timeline.pauses, *timeline.holds), key=lambda span: span.from_ms)
    spans: list[Span] = []
    for speech in timeline.speeches:
        from_ms = speech.from_ms
        for silence in silences:
            if silence.until_ms > from_ms and silence.from_ms < speech.until_ms:
                spans.append(Span(from_ms, max(from_ms, silence.from_ms)))
                from_ms = silence.until_ms
        spans.append(Span(from_ms, max(from_ms, speech.until_ms)))
    return tuple(span for span in spans if span.until_ms > span.from_ms)


def _speeches(entries: Sequence[Entry], ends_ms: int) -> tuple[Speech, ...]:
    """The speeches in the order in which they were played, one after another."""
    said = {entry.data["speech"]: entry for entry in entries if entry.kind == "agent_speaks"}
    sounded = {entry.data["speech"]: entry.at_ms for entry in entries if entry.kind == "first_sound"}
    over = {entry.data["speech"]: entry for entry in entries if entry.kind == "agent_spoke"}
    speeches: list[Speech] = []
    free_ms = 0
    for number, entry in sorted(said.items()):
        from_ms = max(free_ms, sounded.get(number, entry.at_ms))
        ended = over.get(number)
        free_ms = max(from_ms, ended.at_ms if ended is not None else ends_ms)
        heard = str(ended.data["heard"]) if ended is not None else ""
        complete = ended is not None and bool(ended.data["complete"])
        if number in sounded or heard:
            text, protected = str(entry.data["text"]), bool(entry.data["protected"])
            speeches.append(Speech(from_ms, free_ms, text, heard, complete, protected))
    return tuple(speeches)


def _between(
    entries: Sequence[Entry], begins: str, begin_key: str, ends: str, end_key: str, last_ms: int
) -> tuple[Span, ...]:
    """Spans from one kind of entry to the next of the other; a barge-in ends a pause too."""
    spans: list[Span] = []
    since: int | None = None
    for entry in entries:
        if entry.kind == begins and since is None:
            since = int(entry.data.get(begin_key, entry.at_ms))
        elif since is not None and entry.kind in (ends, "barge_in" if begins == "agent_pauses" else ends):
            spans.append(Span(since, int(entry.data.get(end_key, entry.at_ms))))
            since = None
    if since is not None:
        spans.append(Span(since, last_ms))
    return tuple(spans)


def _words(entries: Sequence[Entry]) -> tuple[Moment, ...]:
    """Recognised words at the moment up to which they reach, with the judgement of the turn-end model."""
    found: list[Moment] = []
    for entry in entries:
        if entry.kind in ("partial", "transcript") and entry.data["text"]:
            text = str(entry.data["text"])
            finished = entry.data.get("finished")
            if finished is not None:
                text += f"  [{finished:.2f}]"
            found.append(Moment(int(entry.data["until_ms"]), text, entry.kind))
    return tuple(found)


def _moments(entries: Sequence[Entry], kind: str, text: Any) -> tuple[Moment, ...]:
    return tuple(
        Moment(entry.at_ms, text(entry.data), kind)
        for entry in entries
        if entry.kind == kind and entry.data.get("text") != CALL_STARTED
    )


def _turn_text(data: Any) -> str:
    return f"keys {data['keys']}" if "keys" in data else str(data["text"])
