# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays a scenario over real SIP and RTP, and measures at the caller's ear.

The caller has manners: it waits until the agent has finished before it does something, unless the turn is an
interruption.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from agent.journal.chain import Entry
from agent.journal.store import JournalReader
from contracts.media_stream import SAMPLE_RATE_HZ
from telephony.phone_call import CallFailed, PhoneCall
from telephony.softphone import Softphone
from tellerline.scenario.caller_voice import sound_file, speech
from tellerline.scenario.journal_tail import JournalTail
from tellerline.scenario.listening import SILENCE_MS, first_gap
from tellerline.scenario.noises import noise
from tellerline.scenario.operator_desk import OperatorDesk
from tellerline.scenario.outcome import CallOutcome, TurnOutcome, as_text, check
from tellerline.scenario.script import Deed, Expected, Scenario, Turn

_CONNECT_S = 10.0
_REPLY_S = 12.0
_END_S = 15.0
# The longest reply takes about as long to be heard.
_SPEECH_S = 15.0
# The agent's own pauses between sentences stay below this. Milliseconds.
_FLOOR_MS = 650
_AFTERMATH_S = 1.5
_POLL_S = 0.01

Report = Callable[[TurnOutcome], None]


@dataclass(slots=True)
class _Floor:
    """Where the conversation stands on the call's clock, in milliseconds: since when the caller waits for the
    agent, and when the agent last began to speak.
    """

    since_ms: int = 0
    reply_ms: int = 0


@dataclass(frozen=True, slots=True)
class _Done:
    """When the caller's deed began and ended, on the call's clock."""

    from_ms: int
    until_ms: int


class ScenarioRun:
    """One call of one scenario. `desk` is the person to whom it may be transferred."""

    def __init__(
        self,
        scenario: Scenario,
        phone: Softphone,
        reader: JournalReader,
        uri: str,
        desk: OperatorDesk | None = None,
    ) -> None:
        self._scenario = scenario
        self._phone = phone
        self._reader = reader
        self._uri = uri
        self._desk = desk
        self._floor = _Floor()

    def play(self, report: Report) -> tuple[CallOutcome, PhoneCall]:
        """Make the call; `report` gets each turn as it is over. Raises CallFailed when it is not answered."""
        caller = self._scenario.caller
        sounds = [self._sound(turn.deed) for turn in self._scenario.turns]
        call = self._phone.dial(self._uri, caller.number, codec=self._scenario.codec)
        call.wait_connected(_CONNECT_S)
        tail = JournalTail(self._reader, call.sip_call_id)
        turns: list[TurnOutcome] = []
        try:
            for turn, sound in zip(self._scenario.turns, sounds, strict=True):
                outcome = TurnOutcome(_describe(turn), is_reply=bool(turn.deed.deeds()))
                turns.append(outcome)
                self._take(turn, sound, call, tail, outcome)
                self._read_journal(turn, call, tail, outcome)
                report(outcome)
                if not call.is_up:
                    break
        finally:
            self._hang_up(call)
        tail.until(lambda fresh: any(entry.kind == "call_ended" for entry in fresh), _AFTERMATH_S)
        return CallOutcome(self._scenario.name, tail.call_id, tuple(turns), self._leaks(tail)), call

    # --- what the caller does

    def _sound(self, deed: Deed) -> bytes:
        """What the deed sounds like; made before the call, so that the caller never hesitates."""
        if deed.wav is not None:
            return sound_file(deed.wav)
        if deed.noise is not None:
            return noise(deed.noise.kind, deed.noise.peak_dbfs)
        if deed.say is None:
            return b""
        pieces = (deed.say,) if isinstance(deed.say, str) else deed.say
        return b"".join(
            speech(piece, self._scenario.caller.voice) if isinstance(piece, str) else _silence(piece)
            for piece in pieces
        )

    def _take(
        self, turn: Turn, sound: bytes, call: PhoneCall, tail: JournalTail, outcome: TurnOutcome
    ) -> None:
        try:
            self._wait_for_the_moment(turn, call)
            done = self._do(turn.deed, sound, call)
            self._listen(turn, done, call, tail, outcome)
        except TimeoutError as error:
            if turn.awaits_reply and not any(expected.ends for expected in turn.expect):
                outcome.failures.append(f"no reply: {error}")
        except CallFailed as error:
            outcome.failures.append(f"the call is over: {error}")

    def _wait_for_the_moment(self, turn: Turn, call: PhoneCall) -> None:
        floor = self._floor
        if turn.interrupt is not None:
            call.recording.wait_until(floor.reply_ms + turn.interrupt.after_ms, _REPLY_S)
        elif floor.reply_ms:
            floor.since_ms = call.wait_for_silence(_FLOOR_MS, after_ms=floor.reply_ms)
        if turn.pause_ms:
            call.recording.wait_until(call.now_ms + turn.pause_ms, _END_S + turn.pause_ms / 1000)

    def _do(self, deed: Deed, sound: bytes, call: PhoneCall) -> _Done:
        began_ms = call.now_ms
        if deed.is_sound:
            said = call.say(sound)
            call.wait_said(said)
            return _Done(said.speech_start_ms, said.speech_end_ms)
        if deed.dtmf is not None:
            call.send_dtmf(deed.dtmf, self._scenario.dtmf)
        elif deed.hold is not None:
            call.hold()
            call.recording.wait_until(began_ms + deed.hold.for_ms, _END_S + deed.hold.for_ms / 1000)
            call.unhold()
        elif deed.hangup:
            call.hangup()
        else:
            return _Done(self._floor.since_ms, self._floor.since_ms)
        return _Done(began_ms, call.now_ms)

    # --- what the caller hears

    def _listen(
        self, turn: Turn, done: _Done, call: PhoneCall, tail: JournalTail, outcome: TurnOutcome
    ) -> None:
        if turn.deed.hangup:
            self._await_seal(tail, outcome)
            return
        resumes = [wanted.resumes_within_ms for wanted in turn.expect if wanted.resumes_within_ms is not None]
        if resumes:
            self._hear_resumption(done, max(resumes), call, outcome)
            return
        since_ms = done.until_ms
        if turn.interrupt is not None:
            silent_ms = call.wait_for_silence(SILENCE_MS, after_ms=done.from_ms)
            outcome.silence_latency_ms = max(0, silent_ms - done.from_ms)
            since_ms = max(since_ms, silent_ms)
        self._floor.since_ms = since_ms
        if turn.awaits_reply:
            self._floor.reply_ms = call.wait_for_speech(since_ms, _REPLY_S)
            outcome.e2e_latency_ms = self._floor.reply_ms - since_ms
        else:
            call.recording.wait_until(since_ms + int(_AFTERMATH_S * 1000), _END_S)

    def _hear_resumption(self, done: _Done, limit_ms: int, call: PhoneCall, outcome: TurnOutcome) -> None:
        """Whether the agent fell silent from the deed on, and went on; its own next gap is not waited for."""
        until_ms = max(done.until_ms + SILENCE_MS, done.from_ms + limit_ms) + SILENCE_MS
        call.recording.wait_until(until_ms, _END_S + until_ms / 1000)
        gap = first_gap(call.received, done.from_ms)
        if gap is None:
            outcome.resume_latency_ms = 0
        elif gap.until_ms is not None:
            outcome.silence_latency_ms = gap.from_ms - done.from_ms
            outcome.resume_latency_ms = gap.until_ms - done.from_ms
            self._floor.reply_ms = gap.until_ms

    def _await_seal(self, tail: JournalTail, outcome: TurnOutcome) -> None:
        """Wait for the journal's seal, as long as that makes sense."""
        began = time.monotonic()
        while (waited_s := time.monotonic() - began) < _END_S:
            outcome.entries += tail.poll()
            if tail.call_id and self._reader.summary(tail.call_id).get("state") == "ended":
                outcome.sealed_ms = round(waited_s * 1000)
                return
            time.sleep(_POLL_S)

    def _hang_up(self, call: PhoneCall) -> None:
        """A caller with manners lets the agent finish."""
        if call.is_up:
            with contextlib.suppress(TimeoutError):
                call.wait_for_silence(_FLOOR_MS, after_ms=self._floor.reply_ms)
        call.hangup()
        with contextlib.suppress(TimeoutError):
            call.wait_ended(2.0)

    # --- what came of it

    def _read_journal(self, turn: Turn, call: PhoneCall, tail: JournalTail, outcome: TurnOutcome) -> None:
        timeout_s = _SPEECH_S if any(expected.spoke for expected in turn.expect) else _AFTERMATH_S
        known = outcome.entries
        outcome.entries = known + tail.until(lambda fresh: _is_told(turn, known + fresh), timeout_s)
        for expected in turn.expect:
            if expected.ends:
                outcome.ended = self._ended(expected, call)
                outcome.briefed_ms = self._desk.briefed_ms() if self._desk and outcome.ended else None
                outcome.entries += tail.poll()
            outcome.failures += check(expected, outcome, as_text(tail.entries))

    def _ended(self, expected: Expected, call: PhoneCall) -> str | None:
        """How the call really ended, waiting for it."""
        try:
            if expected.ends == "transfer":
                successor = self._phone.wait_incoming(_END_S)
                successor.wait_connected(_CONNECT_S)
                successor.wait_for_speech(timeout_s=_REPLY_S)
                successor.hangup()
                return "transfer"
            call.wait_ended(_END_S)
        except (TimeoutError, CallFailed):
            return None
        return "hangup"

    def _leaks(self, tail: JournalTail) -> tuple[str, ...]:
        """What must not be in the journal must not be in its end either."""
        everything = as_text(tail.entries)
        absent = [
            expected.absent for turn in self._scenario.turns for expected in turn.expect if expected.absent
        ]
        return tuple(f"{secret!r} is in the journal" for secret in absent if secret in everything)


def _is_told(turn: Turn, entries: list[Entry]) -> bool:
    """Whether the journal holds what this turn's expectations need."""
    kinds = {entry.kind for entry in entries}
    wanted = {kind for expected in turn.expect for kind in expected.journal}
    if turn.awaits_reply:
        wanted.add("agent_speaks")
    if any(expected.spoke for expected in turn.expect):
        wanted.add("agent_spoke")
    return wanted <= kinds


def _silence(seconds: float) -> bytes:
    return bytes(2 * int(seconds * SAMPLE_RATE_HZ))


def _describe(turn: Turn) -> str:
    deed = turn.deed
    if deed.dtmf is not None:
        # What is keyed may be a PIN, and this line ends up in terminals and CI logs.
        done = f"keys {'•' * len(deed.dtmf)}"
    elif deed.wav is not None:
        done = f"plays {deed.wav.name}"
    elif deed.noise is not None:
        done = f"({deed.noise.kind})"
    elif deed.hold is not None:
        done = f"(holds for {deed.hold.for_ms} ms)"
    elif deed.hangup:
        done = "(hangs up)"
    else:
        done = deed.words or "(listens)"
    return f"(after {turn.interrupt.after_ms} ms) {done}" if turn.interrupt is not None else done
