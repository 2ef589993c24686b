# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process really serves: Redis is pinged, HTTP servers are asked, the gateway gets a SIP OPTIONS.

A running process is not a healthy one; each probe does what the process is there for, with a short timeout.
"""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import redis

TIMEOUT_S = 1.5
# All that is asked here is plain HTTP on this machine; loading the system's certificates for each question
# would cost more than the question.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class Health:
    """What a probe found; `detail` is empty when all is well."""

    ok: bool
    detail: str = ""
    version: str = ""


Probe = Callable[[], Health]


def redis_probe(url: str) -> Probe:
    """PING, and the server's version."""

    def probe() -> Health:
        try:
            with redis.Redis.from_url(
                url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
            ) as client:
                client.ping()
                info = client.info("server")
        except (redis.RedisError, OSError) as error:
            return Health(False, f"no PING answer: {_short(error)}")
        assert isinstance(info, dict)
        return Health(True, version=str(info.get("redis_version", "")))

    return probe


def consumer_group_probe(url: str, stream: str, group: str) -> Probe:
    """Whether the consumer group reads the stream."""

    def probe() -> Health:
        try:
            with redis.Redis.from_url(
                url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
            ) as client:
                groups = client.xinfo_groups(stream)
        except (redis.RedisError, OSError) as error:
            return Health(False, f"stream {stream}: {_short(error)}")
        assert isinstance(groups, list)
        names = {_text(entry["name"]) for entry in groups}
        return Health(True) if group in names else Health(False, f"no consumer group {group} on {stream}")

    return probe


def http_probe(address: str, path: str, version_path: str | None = None, version: str = "") -> Probe:
    """GET `path` at `http://host:port` or `unix:///socket`; the version is `version` or a JSON answer's
    `version`.
    """

    def probe() -> Health:
        try:
            with _client(address) as client:
                answer = client.get(path)
                if answer.status_code != httpx.codes.OK:
                    return Health(False, f"GET {path} answered {answer.status_code}")
                found = version
                if version_path is not None:
                    found = str(client.get(version_path).json().get("version", ""))
        except (httpx.HTTPError, OSError, ValueError) as error:
            return Health(False, f"GET {path}: {_short(error)}")
        return Health(True, version=found)

    return probe


def sip_probe(host: str, port: int, version: str = "") -> Probe:
    """A real OPTIONS over UDP. 486 counts as health: all lines are taken, and the worker says so."""

    def probe() -> Health:
        try:
            status = sip_options(host, port)
        except OSError as error:
            return Health(False, f"no answer to OPTIONS: {_short(error)}")
        return Health(status in (200, 486), "" if status in (200, 486) else f"OPTIONS got {status}", version)

    return probe


def sip_options(host: str, port: int, timeout_s: float = TIMEOUT_S) -> int:
    """The status code that a SIP server answers to OPTIONS over UDP. Raises OSError (TimeoutError when it is
    silent).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout_s)
        sock.connect((host, port))
        here, source = sock.getsockname()
        token = secrets.token_hex(8)
        lines = (
            f"OPTIONS sip:health@{host}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {here}:{source};rport;branch=z9hG4bK{token}",
            "Max-Forwards: 70",
            f"From: <sip:health@{here}:{source}>;tag={token}",
            f"To: <sip:health@{host}:{port}>",
            f"Call-ID: {token}@{here}",
            "CSeq: 1 OPTIONS",
            f"Contact: <sip:health@{here}:{source}>",
            "Accept: application/sdp",
            "Content-Length: 0",
        )
        sock.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        while True:
            words = sock.recv(65535).split(b" ", 2)
            if words[0] == b"SIP/2.0" and len(words) > 1 and words[1].isdigit() and int(words[1]) >= 200:
                return int(words[1])


def _client(address: str) -> httpx.Client:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        return httpx.Client(
            transport=httpx.HTTPTransport(uds=parts.path, verify=_NO_TLS),
            base_url="http://agent",
            timeout=TIMEOUT_S,
        )
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return httpx.Client(
        base_url=f"{scheme}://{parts.netloc}", timeout=TIMEOUT_S, trust_env=False, verify=_NO_TLS
    )


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 100 else text[:97] + "..."


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
