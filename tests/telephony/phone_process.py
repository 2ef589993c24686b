# SPDX-License-Identifier: GPL-3.0-or-later
"""A second telephone, in its own process: rings, answers with a tone or refuses, tells it in JSON lines."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import threading

from telephony.softphone import CallFailed, PhoneCall, Softphone, SoftphoneSettings
from tests.telephony.signals import loudest_hz, tone


def tell(**event: object) -> None:
    # One write a line: calls tell from threads of their own.
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def take(call: PhoneCall, status: int, ring_s: float, talk_s: float) -> None:
    """One call from ringing to its end."""
    tell(event="ringing", sip_call_id=call.sip_call_id, remote=call.remote_uri)
    with contextlib.suppress(TimeoutError):
        call.wait_ended(ring_s)
    try:
        if not call.is_up:
            call.answer(status)
        call.wait_connected(5)
        tell(event="connected", sip_call_id=call.sip_call_id)
        call.say(tone(30, hz=1000))
        call.wait_ended(talk_s)
    except CallFailed:
        pass
    except TimeoutError:
        call.hangup()
    ended, reason = call.wait_ended(5)
    tell(event="ended", status=ended, reason=reason, heard_hz=loudest_hz(call.received[-8000:] or bytes(16)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rtp", type=int, required=True)
    parser.add_argument("--status", type=int, default=200)
    parser.add_argument("--ring-s", type=float, default=0.1)
    parser.add_argument("--talk-s", type=float, default=60)
    options = parser.parse_args()
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    with Softphone(SoftphoneSettings(sip_port=options.port, rtp_port_base=options.rtp)) as phone:
        tell(event="ready")
        while not done.is_set():
            try:
                call = phone.wait_incoming(0.1)
            except TimeoutError:
                continue
            how = (call, options.status, options.ring_s, options.talk_s)
            threading.Thread(target=take, args=how, daemon=True).start()
    sys.exit(0)


if __name__ == "__main__":
    main()
