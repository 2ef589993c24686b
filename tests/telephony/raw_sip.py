# SPDX-License-Identifier: GPL-3.0-or-later
"""SIP by hand over a UDP socket, for what no telephone would send."""

from __future__ import annotations

import re
import secrets
import socket
from typing import Self

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 33998 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


class RawSip:
    """A UDP socket that speaks to one gateway."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.port = port
        self._last = ""
        self.answered = 0
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((host, 0))
        self._udp.connect(("127.0.0.1", port))
        self.own_port = self._udp.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._udp.close()

    def request(
        self,
        method: str,
        call_id: str = "",
        body: str = "",
        to_tag: str = "",
        extra: str = "",
        sequence: int = 1,
    ) -> bytes:
        """A well-formed request outside of a dialog, or inside one when `to_tag` is given."""
        call_id = call_id or secrets.token_hex(6)
        tag = f";tag={to_tag}" if to_tag else ""
        branch = f"z9hG4bK{call_id}{sequence}" + ("" if method in ("INVITE", "CANCEL") else method)
        return (
            f"{method} sip:hotline@127.0.0.1:{self.port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.own_port};branch={branch}\r\n"
            f"From: <sip:raw@127.0.0.1>;tag=f{call_id}\r\nTo: <sip:hotline@127.0.0.1>{tag}\r\n"
            f"Call-ID: {call_id}\r\nCSeq: {sequence} {method}\r\n"
            f"Contact: <sip:raw@127.0.0.1:{self.own_port}>\r\nMax-Forwards: 70\r\n{extra}"
            + ("Content-Type: application/sdp\r\n" if body else "")
            + f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def send(self, data: bytes) -> None:
        self._udp.send(data)

    def receive(self, timeout_s: float = 1.0) -> str | None:
        """The next datagram, or None."""
        self._udp.settimeout(timeout_s)
        try:
            self._last = self._udp.recv(65535).decode(errors="replace")
            return self._last
        except (TimeoutError, ConnectionRefusedError):
            return None

    def answer_last(self, body: str = "") -> None:
        """200 to the request received last."""
        echoed = re.findall(r"^(?:Via|From|To|Call-ID|CSeq):.*$", self._last, re.MULTILINE)
        lines = ["SIP/2.0 200 OK", *(line.strip() for line in echoed)]
        if body:
            lines += [f"Contact: <sip:raw@127.0.0.1:{self.own_port}>", "Content-Type: application/sdp"]
        lines.append(f"Content-Length: {len(body)}")
        self.send(("\r\n".join(lines) + f"\r\n\r\n{body}").encode())

    def ask(self, data: bytes, timeout_s: float = 1.0) -> str:
        """Send, and the first final answer; an empty string when there is none."""
        wanted = call_id_of(data.decode())
        self.send(data)
        while (answer := self.receive(timeout_s)) is not None:
            if re.match(r"SIP/2\.0 [2-6]", answer) and call_id_of(answer) == wanted:
                return answer
        return ""


def call_id_of(message: str) -> str:
    """The Call-ID."""
    found = re.search(r"^Call-ID: *(\S+)", message, re.MULTILINE | re.IGNORECASE)
    return found.group(1) if found else ""


def status(answer: str) -> int:
    """The status of a response, 0 when it is none."""
    found = re.match(r"SIP/2\.0 (\d{3})", answer)
    return int(found.group(1)) if found else 0


def tag_of(answer: str) -> str:
    """The tag in To."""
    found = re.search(r"^To:.*;tag=([^;\r\n]+)", answer, re.MULTILINE)
    return found.group(1) if found else ""
