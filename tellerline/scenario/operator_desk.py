# SPDX-License-Identifier: GPL-3.0-or-later
"""The person that a scenario's caller is transferred to: a second telephone, in a process of its own since
PJSIP is one a process.

`python -m tellerline.scenario.operator_desk PORT` answers every call on the SIP port and says hello, until
its input is closed; it tells of each call that is over how much speech was heard in it, a JSON line each. In
an attended transfer the first of them is the briefing, the second the caller.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO

import numpy as np

from telephony.phone_call import CallFailed, PhoneCall
from telephony.softphone import Softphone, SoftphoneSettings
from telephony.speech_gate import SpeechGate
from tellerline.configuration import ROOT
from tellerline.scenario.caller_voice import speech

_HELLO = "Hello, this is the service desk. How can I help you?"
# Away from the caller's own ports.
_RTP_PORT_BASE = 20800
_READY_S = 10.0
_RING_S = 0.3
_CALL_S = 120.0


class OperatorDesk:
    """A desk that answers, as the scenario sees it."""

    def __init__(self, output: IO[str]) -> None:
        self._heard: queue.SimpleQueue[int] = queue.SimpleQueue()
        threading.Thread(target=self._follow, args=(output,), daemon=True).start()

    def _follow(self, output: IO[str]) -> None:
        for line in output:
            self._heard.put(int(json.loads(line)["speech_ms"]))

    def briefed_ms(self, timeout_s: float = 3.0) -> int | None:
        """The speech heard in the first call that is over and was not told of yet; None when none is."""
        try:
            return self._heard.get(timeout=timeout_s)
        except queue.Empty:
            return None


@contextlib.contextmanager
def operator_desk(port: int) -> Iterator[OperatorDesk]:
    """A desk that answers on `port` for as long as the context lasts.

    Raises RuntimeError when it does not come up.
    """
    command = [sys.executable, "-m", "tellerline.scenario.operator_desk", str(port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as desk:
        assert desk.stdout is not None
        assert desk.stdin is not None
        if desk.stdout.readline().strip() != "ready":
            raise RuntimeError(f"no operator's telephone on port {port}: is another program using it?")
        try:
            yield OperatorDesk(desk.stdout)
        finally:
            desk.stdin.close()
            desk.wait(_READY_S)


def main() -> int:
    """Answer calls until the input ends."""
    port = int(sys.argv[1])
    hello = speech(_HELLO)
    closed = threading.Event()
    with Softphone(SoftphoneSettings(sip_port=port, rtp_port_base=_RTP_PORT_BASE)) as phone:
        threading.Thread(target=_answer, args=(phone, hello, closed), daemon=True).start()
        print("ready", flush=True)
        sys.stdin.read()
        closed.set()
    return 0


def _answer(phone: Softphone, hello: bytes, closed: threading.Event) -> None:
    while not closed.is_set():
        with contextlib.suppress(TimeoutError):
            call = phone.wait_incoming(0.5)
            threading.Thread(target=_take, args=(call, hello), daemon=True).start()


def _take(call: PhoneCall, hello: bytes) -> None:
    with contextlib.suppress(TimeoutError, CallFailed):
        # A call that replaces another is answered already.
        with contextlib.suppress(TimeoutError):
            call.wait_connected(_RING_S)
        if not call.is_up:
            call.answer()
        call.wait_connected()
        call.say(hello)
        call.wait_ended(_CALL_S)
    heard_ms = int(np.count_nonzero(SpeechGate().active(call.received)))
    print(json.dumps({"speech_ms": heard_ms}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
