# SPDX-License-Identifier: GPL-3.0-or-later
"""A process of measuring callers: as many lines as one PJSIP holds, calling at the same time.

`python -m bench.load.caller_process` reads one JSON object (see `Job`) from its standard input, says `ready`,
waits for a line, calls, and only when all calls are over works out what was heard: one JSON object a line.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.load.ear import TimedEar
from bench.load.script import Line
from telephony.duplex_recording import Utterance
from telephony.phone_call import CallFailed, PhoneCall
from telephony.softphone import Softphone, SoftphoneSettings

_CONNECT_S, _REPLY_S, _GREETING_S, _SPEECH_S = 10.0, 8.0, 20.0, 40.0
_LAST_REPLY_S = 0.15
_BETWEEN_CALLS_S = 0.5
# Media of a telephone do not wait for the machine that is measured: it is another machine.
_NICE = -10


@dataclass(frozen=True, slots=True)
class Job:
    """What a process has to do.

    `sounds`: a file of 16-bit PCM at 8 kHz for each text; `floor_ms`: the silence after which the caller
    takes the floor.
    """

    lines: list[Line]
    sounds: dict[str, str]
    floor_ms: int
    rtp_port_base: int

    @classmethod
    def from_json(cls, text: str) -> Job:
        """The job of its JSON object."""
        values = json.loads(text)
        lines = [Line(**{**line, "calls": tuple(map(tuple, line["calls"]))}) for line in values.pop("lines")]
        return cls(lines=lines, **values)

    def to_json(self) -> str:
        """The job as one line."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing said, and what was heard of the reply.

    Times of day in seconds of the epoch. `e2e_latency_ms` counts on the call's own clock from the end of the
    sound to the reply's first sound; None: nothing came. `premature`: sound came before the caller had
    finished.
    """

    text: str
    began: float
    ended: float
    heard: float | None
    e2e_latency_ms: int | None
    premature: bool


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call: how it ended, when, and its replies.

    `status` is 200, a refusal's status, or 0 for none and for a call that ended before all was said.

    `latest_tick_s` is how late the caller's own media clock came at worst.
    """

    sip_call_id: str
    status: int
    began: float
    ended: float
    latest_tick_s: float
    replies: list[Reply]


@dataclass(slots=True)
class _Call:
    """A call in progress."""

    ear: TimedEar
    began: float
    status: int = 0
    sip_call_id: str = ""
    ended: float = 0.0
    said: list[tuple[str, Utterance]] = field(default_factory=list)


class Callers:
    """The lines of one process."""

    def __init__(self, job: Job, phone: Softphone) -> None:
        self._job = job
        self._phone = phone
        self._sounds = {text: Path(path).read_bytes() for text, path in job.sounds.items()}
        self._calls: list[_Call] = []

    def call(self) -> None:
        """Make all calls of all lines."""
        began = time.monotonic()
        threads = [threading.Thread(target=self._live, args=(line, began)) for line in self._job.lines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def reports(self) -> list[CallReport]:
        """What was heard in the calls, worked out now."""
        return [_report(call) for call in self._calls]

    def _live(self, line: Line, began: float) -> None:
        time.sleep(max(0.0, began + line.starts_s - time.monotonic()))
        for texts in line.calls:
            call = _Call(TimedEar(), time.time())
            self._calls.append(call)
            try:
                self._hold(call, line, texts)
                status = 200
            except CallFailed as error:
                status = error.status
            except TimeoutError:
                status = 200
            call.status = status_of(status, sum(said.begun for _, said in call.said), len(texts))
            call.ended = time.time()
            _tell(event="over", status=call.status)
            time.sleep(_BETWEEN_CALLS_S)

    def _hold(self, call: _Call, line: Line, texts: tuple[str, ...]) -> None:
        leg = self._dial(line, call.ear)
        try:
            leg.wait_connected(_CONNECT_S)
            call.sip_call_id = leg.sip_call_id
            ear = call.ear
            ear.await_sound(0, _GREETING_S)
            for text in texts:
                ear.await_silence(self._job.floor_ms, _SPEECH_S)
                said = leg.say(self._sounds[text])
                call.said.append((text, said))
                ear.await_clock(said.end_ms, _SPEECH_S)
                ear.await_sound(said.speech_end_ms, _REPLY_S)
            time.sleep(_LAST_REPLY_S)
        finally:
            leg.hangup()
            with contextlib.suppress(TimeoutError):
                leg.wait_ended(2.0)

    def _dial(self, line: Line, ear: TimedEar) -> PhoneCall:
        """Dial with an ear of ours; in the SIP thread, so that no media can come before it is there."""

        def command() -> PhoneCall:
            leg = self._phone.dial(line.uri, line.number)
            leg.recording = ear
            return leg

        return self._phone.do(command)


def status_of(status: int, said: int, wanted: int) -> int:
    """The status of a call that ended with `status`: 0 when it was taken and less was said than wanted."""
    return status if said >= wanted or status >= 300 else 0


def _report(call: _Call) -> CallReport:
    replies = [_reply(text, said, call.ear) for text, said in call.said if said.begun]
    latest_s = call.ear.latest_s if call.ear.now_ms else 0.0
    return CallReport(call.sip_call_id, call.status, call.began, call.ended, latest_s, replies)


def _reply(text: str, said: Utterance, ear: TimedEar) -> Reply:
    gate, began = ear.gate, ear.began
    first = gate.first_speech_ms(ear.received, said.speech_start_ms)
    heard = ear.reply_delay_ms(said)
    return Reply(
        text,
        began + said.speech_start_ms / 1000,
        began + said.speech_end_ms / 1000,
        None if heard is None else began + (said.speech_end_ms + heard) / 1000,
        heard,
        first is not None and first < said.speech_end_ms,
    )


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _tell(**event: Any) -> None:
    print(json.dumps(event), flush=True)


def main() -> None:
    """Do one job."""
    job = Job.from_json(sys.stdin.readline())
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    with Softphone(SoftphoneSettings(rtp_port_base=job.rtp_port_base, rtp_port_count=200)) as phone:
        callers = Callers(job, phone)
        _tell(event="ready")
        if not sys.stdin.readline():
            return
        before_s = _cpu_s()
        callers.call()
        _tell(event="cpu", cpu_s=_cpu_s() - before_s)
        for report in callers.reports():
            _tell(event="call", **asdict(report))


if __name__ == "__main__":
    main()
