# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays a scenario over real SIP and RTP, and measures at the caller's ear.

The caller has manners: it waits until the agent has finished before it speaks, unless the turn is an
interruption.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from agent.journal.chain import Entry
from agent.journal.store import JournalReader
from telephony.duplex_recording import Utterance
from telephony.phone_call import CallFailed, PhoneCall
from telephony.softphone import Softphone
from tellerline.scenario.caller_voice import sound_file, speech
from tellerline.scenario.journal_tail import JournalTail
from tellerline.scenario.outcome import CallOutcome, TurnOutcome, as_text, check
from tellerline.scenario.script import Expected, Scenario, Turn

_CONNECT_S = 10.0
_REPLY_S = 10.0
_END_S = 15.0
# The agent's own pauses between sentences stay below this. Milliseconds.
_FLOOR_MS = 650
_AFTERMATH_S = 1.5

Report = Callable[[TurnOutcome], None]


@dataclass(slots=True)
class _Floor:
    """Where the conversation stands on the call's clock, in milliseconds."""

    since_ms: int = 0
    reply_ms: int = 0


class ScenarioRun:
    """One call of one scenario."""

    def __init__(self, scenario: Scenario, phone: Softphone, reader: JournalReader, uri: str) -> None:
        self._scenario = scenario
        self._phone = phone
        self._reader = reader
        self._uri = uri
        self._floor = _Floor()

    def play(self, report: Report) -> tuple[CallOutcome, PhoneCall]:
        """Make the call; `report` gets each turn as it is over. Raises CallFailed when it is not answered."""
        caller = self._scenario.caller
        sounds = {turn: self._sound(turn) for turn in self._scenario.turns}
        call = self._phone.dial(self._uri, caller.number, codec=self._scenario.codec)
        call.wait_connected(_CONNECT_S)
        tail = JournalTail(self._reader, call.sip_call_id)
        turns: list[TurnOutcome] = []
        try:
            for turn in self._scenario.turns:
                outcome = TurnOutcome(_describe(turn))
                turns.append(outcome)
                self._take(turn, sounds[turn], call, outcome)
                self._read_journal(turn, call, tail, outcome)
                report(outcome)
                if outcome.failures and not call.is_up:
                    break
        finally:
            self._hang_up(call)
        tail.until(lambda fresh: any(entry.kind == "call_ended" for entry in fresh), _AFTERMATH_S)
        return CallOutcome(self._scenario.name, tail.call_id, tuple(turns), self._leaks(tail)), call

    # --- what the caller does
    # ---------------------------------------------------------------------------------

    def _sound(self, turn: Turn) -> bytes:
        """What the turn sounds like; made before the call, so that the caller never hesitates."""
        text = turn.say or (turn.interrupt.say if turn.interrupt else None)
        if text is not None:
            return speech(text, self._scenario.caller.voice)
        return sound_file(turn.wav) if turn.wav is not None else b""

    def _take(self, turn: Turn, sound: bytes, call: PhoneCall, outcome: TurnOutcome) -> None:
        try:
            if turn.interrupt is not None:
                self._interrupt(turn, sound, call, outcome)
            else:
                self._speak(turn, sound, call)
            if not any(expected.ends for expected in turn.expect):
                self._hear_reply(call, outcome)
            else:
                with contextlib.suppress(TimeoutError):
                    self._hear_reply(call, outcome)
        except TimeoutError:
            outcome.failures.append(f"no reply in {_REPLY_S:g} s")
        except CallFailed as error:
            outcome.failures.append(f"the call is over: {error}")

    def _speak(self, turn: Turn, sound: bytes, call: PhoneCall) -> None:
        floor = self._floor
        if sound or turn.dtmf:
            call.wait_for_silence(_FLOOR_MS, after_ms=floor.reply_ms)
        if turn.pause_ms:
            call.recording.wait_until(call.now_ms + turn.pause_ms, _END_S + turn.pause_ms / 1000)
        if sound:
            floor.since_ms = self._say(sound, call).speech_end_ms
        elif turn.dtmf:
            call.send_dtmf(turn.dtmf, self._scenario.dtmf)
            floor.since_ms = call.now_ms

    def _interrupt(self, turn: Turn, sound: bytes, call: PhoneCall, outcome: TurnOutcome) -> None:
        assert turn.interrupt is not None
        call.recording.wait_until(self._floor.reply_ms + turn.interrupt.after_ms, _REPLY_S)
        said = self._say(sound, call)
        silent_ms = call.wait_for_silence(200, after_ms=said.speech_start_ms)
        outcome.silence_latency_ms = max(0, silent_ms - said.speech_start_ms)
        self._floor.since_ms = max(said.speech_end_ms, silent_ms)

    @staticmethod
    def _say(sound: bytes, call: PhoneCall) -> Utterance:
        said = call.say(sound)
        call.wait_said(said)
        return said

    def _hear_reply(self, call: PhoneCall, outcome: TurnOutcome) -> None:
        self._floor.reply_ms = call.wait_for_speech(self._floor.since_ms, _REPLY_S)
        outcome.e2e_latency_ms = self._floor.reply_ms - self._floor.since_ms

    def _hang_up(self, call: PhoneCall) -> None:
        """A caller with manners lets the agent finish."""
        if call.is_up:
            with contextlib.suppress(TimeoutError):
                call.wait_for_silence(_FLOOR_MS, after_ms=self._floor.reply_ms)
        call.hangup()
        with contextlib.suppress(TimeoutError):
            call.wait_ended(2.0)

    # --- what came of it
    # --------------------------------------------------------------------------------------

    def _read_journal(self, turn: Turn, call: PhoneCall, tail: JournalTail, outcome: TurnOutcome) -> None:
        outcome.entries = tail.until(_spoken, _AFTERMATH_S)
        for expected in turn.expect:
            if expected.ends:
                outcome.ended = self._ended(expected, call)
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


def _spoken(entries: list[Entry]) -> bool:
    return any(entry.kind == "agent_speaks" for entry in entries)


def _describe(turn: Turn) -> str:
    if turn.interrupt is not None:
        return f"(after {turn.interrupt.after_ms} ms) {turn.interrupt.say}"
    if turn.dtmf is not None:
        # What is keyed may be a PIN, and this line ends up in terminals and CI logs.
        return f"keys {'•' * len(turn.dtmf)}"
    if turn.wav is not None:
        return f"plays {turn.wav.name}"
    return turn.say or "(listens)"
