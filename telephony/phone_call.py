# SPDX-License-Identifier: GPL-3.0-or-later
"""A call of the softphone, for use from any thread:

commands go to the SIP thread, waiting is done on conditions.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import pjsua2 as pj

from telephony.call import Leg
from telephony.duplex_recording import DuplexRecording, Utterance
from telephony.endpoint import SipEndpoint
from telephony.media_port import MediaPort
from telephony.speech_gate import SpeechGate

T = TypeVar("T")

DtmfMethod = Literal["rfc4733", "info"]
_COMMAND_S = 5.0


class CallFailed(RuntimeError):
    """The call was refused or ended; `status` is its final SIP status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


class SipThread(Protocol):
    """Where commands are done."""

    endpoint: SipEndpoint

    def do(self, command: Callable[[], T]) -> T: ...


class PhoneCall:
    """One call of a softphone: what happens to it, what is said and heard in it."""

    def __init__(self, thread: SipThread, gate: SpeechGate | None = None) -> None:
        self._thread = thread
        self.recording = DuplexRecording(gate)
        self.sip_call_id = ""
        self.remote_uri = ""
        self.keys: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._leg: Leg | None = None
        self._port: MediaPort | None = None
        self._connected: Future[None] = Future()
        self._ended: Future[tuple[int, str]] = Future()
        self._progress = 0

    # --- what happens ---

    @property
    def progress(self) -> int:
        """The last provisional status: 180 ringing, 183 early media, 0 none yet."""
        return self._progress

    @property
    def is_up(self) -> bool:
        """Answered and not over."""
        return self._connected.done() and not self._ended.done()

    @property
    def final_status(self) -> int | None:
        """The status the call ended with (200 after a BYE), or None while it lives."""
        return self._ended.result()[0] if self._ended.done() else None

    def wait_connected(self, timeout_s: float = 10.0) -> None:
        """Wait for the answer. Raises CallFailed with the final status, or TimeoutError."""
        self._connected.result(timeout_s)

    def wait_ended(self, timeout_s: float = 10.0) -> tuple[int, str]:
        """Wait for the end; its status and reason. Raises TimeoutError."""
        return self._ended.result(timeout_s)

    # --- what the person at this phone does ---

    def answer(self, status: int = 200) -> None:
        """Answer an incoming call, let it ring (180), or refuse it (a status from 300 on)."""
        self._command(lambda leg: leg.respond(status))

    def hangup(self) -> None:
        """Hang up; harmless when the call is over."""

        def command() -> None:
            if self._leg is not None:
                self._leg.bye()

        self._thread.do(command)

    def say(self, pcm: bytes) -> Utterance:
        """Speak 16-bit 8 kHz PCM from the next tick of the media clock on.

        Raises CallFailed when the call is not up.
        """
        if not self.is_up:
            status, reason = (
                self._ended.result() if self._ended.done() else (0, "the call is not answered yet")
            )
            raise CallFailed(status, reason)
        return self.recording.say(pcm)

    def wait_said(self, utterance: Utterance, timeout_s: float = 60.0) -> None:
        """Wait until the last sample of an utterance has gone out. Raises TimeoutError."""
        self.recording.wait_until(utterance.end_ms, timeout_s)

    def send_dtmf(self, digits: str, method: DtmfMethod = "rfc4733", duration_ms: int = 100) -> None:
        """Press keys one after another. Raises CallFailed when the call is over."""
        prm = pj.CallSendDtmfParam()
        prm.method = pj.PJSUA_DTMF_METHOD_SIP_INFO if method == "info" else pj.PJSUA_DTMF_METHOD_RFC2833
        prm.digits, prm.duration = digits, duration_ms
        self._command(lambda leg: leg.sendDtmf(prm))

    def hold(self) -> None:
        """Put the other party on hold (re-INVITE, sendonly). Raises CallFailed when the call is over."""
        self._command(lambda leg: leg.hold(True))

    def unhold(self) -> None:
        """Take the other party back. Raises CallFailed when the call is over."""
        self._command(lambda leg: leg.hold(False))

    # --- what the person hears ---

    @property
    def now_ms(self) -> int:
        """The call's clock, which starts when its audio does."""
        return self.recording.now_ms

    @property
    def received(self) -> bytes:
        """Everything heard so far."""
        return self.recording.received

    def wait_for_speech(self, after_ms: int = 0, timeout_s: float = 10.0) -> int:
        """The ms at which the far end begins to speak at or after `after_ms`. Raises TimeoutError."""
        return self.recording.wait_for_speech(after_ms, timeout_s)

    def wait_for_silence(self, for_ms: int, timeout_s: float = 30.0, after_ms: int = 0) -> int:
        """The ms at which the far end fell silent, once it has been so for `for_ms`. Raises TimeoutError."""
        return self.recording.wait_for_silence(for_ms, timeout_s, after_ms)

    def reply_delay_ms(self, utterance: Utterance) -> int | None:
        """End of the sound of what was said, to the first sound of the reply, at the caller's ear (ms)."""
        return self.recording.reply_delay_ms(utterance)

    def save_wav(self, path: Path) -> None:
        """Stereo WAV: left what was said, right what was heard."""
        self.recording.save(path)

    # --- SIP thread ---

    def adopt(self, leg: Leg) -> None:
        """Take this leg as the call's own."""
        self._leg = leg
        leg.takes_transfers = True

    def on_progress(self, status: int) -> None:
        self._progress = status

    def on_confirmed(self) -> None:
        if not self._connected.done():
            self._connected.set_result(None)

    def on_media(self) -> None:
        if self._leg is None:
            return
        if self._port is None:
            self._port = self._thread.endpoint.ports.lend(self.recording)
        self._leg.connect(self._port)

    def on_key(self, key: str, by_info: bool) -> None:
        self.keys.put(key)

    def on_transfer_status(self, status: int, reason: str, final: bool) -> None: ...

    def on_disconnected(self, status: int, reason: str) -> None:
        self._leg = None
        if self._port is not None:
            self._thread.endpoint.ports.take_back(self._port)
            self._port = None
        self.fail(status, reason)

    def fail(self, status: int, reason: str) -> None:
        """The call is over, or never was."""
        self.recording.close()
        if not self._ended.done():
            self._ended.set_result((status, reason))
        if not self._connected.done():
            self._connected.set_exception(CallFailed(status, reason))

    def _command(self, command: Callable[[Leg], None]) -> None:
        def checked() -> None:
            if self._leg is None:
                raise CallFailed(self.final_status or 0, "the call is over")
            command(self._leg)

        self._thread.do(checked)
