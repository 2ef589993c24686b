# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a SIP server alive? An OPTIONS request over UDP, as a SIP proxy sends it, without any SIP library."""

from __future__ import annotations

import re
import secrets
import socket
import time

_STATUS = re.compile(rb"SIP/2\.0 (\d{3}) ")
# RFC 3261's T1: a lost UDP request is sent again after this long.
_RESEND_S = 0.5


def options_request(host: str, port: int, local: tuple[str, int], call_id: str) -> bytes:
    """An OPTIONS request for sip:host:port, sent from `local` (address, port)."""
    here = f"{local[0]}:{local[1]}"
    lines = [
        f"OPTIONS sip:{host}:{port} SIP/2.0",
        f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{call_id};rport",
        f"From: <sip:health@{here}>;tag={call_id}",
        f"To: <sip:{host}:{port}>",
        f"Call-ID: {call_id}",
        "CSeq: 1 OPTIONS",
        "Max-Forwards: 70",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def ping(host: str, port: int, timeout_s: float = 2.0) -> int | None:
    """The status that sip:host:port answers to OPTIONS (200: healthy), or None: no answer in time."""
    call_id = secrets.token_hex(8)
    deadline = time.monotonic() + timeout_s
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            udp.connect((host, port))
            request = options_request(host, port, udp.getsockname(), call_id)
            while (left := deadline - time.monotonic()) > 0:
                status = _ask(udp, request, call_id.encode(), min(left, _RESEND_S))
                if status is not None:
                    return status
        except OSError:
            return None
    return None


def _ask(udp: socket.socket, request: bytes, call_id: bytes, wait_s: float) -> int | None:
    udp.settimeout(wait_s)
    try:
        udp.send(request)
        answer = udp.recv(65535)
    except ConnectionRefusedError:
        # Nobody listens yet; a server that is starting will within a moment.
        time.sleep(min(wait_s, 0.1))
        return None
    except TimeoutError:
        return None
    found = _STATUS.match(answer)
    return int(found.group(1)) if found and call_id in answer else None
