# SPDX-License-Identifier: GPL-3.0-or-later
"""The person that a scenario's caller is transferred to: a second telephone, in a process of its own since
PJSIP is one a process.

`python -m tellerline.scenario.operator_desk PORT` answers every call on the SIP port and says hello, until
its input is closed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator

from telephony.phone_call import CallFailed
from telephony.softphone import Softphone, SoftphoneSettings
from tellerline.configuration import ROOT
from tellerline.scenario.caller_voice import speech

_HELLO = "Hello, this is the service desk. How can I help you?"
# Away from the caller's own ports.
_RTP_PORT_BASE = 20800
_READY_S = 10.0


@contextlib.contextmanager
def operator_desk(port: int) -> Iterator[None]:
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
            yield
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
        with contextlib.suppress(TimeoutError, CallFailed):
            call = phone.wait_incoming(0.5)
            call.answer()
            call.wait_connected()
            call.say(hello)


if __name__ == "__main__":
    sys.exit(main())
