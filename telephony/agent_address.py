# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the agent listens: `unix:///path/to/socket` or `ws://host:port[/path]`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

# sockaddr_un holds 108 bytes on Linux; beyond that bind() and connect() fail with an unhelpful message. The
# margin leaves room for a suffix a supervisor may add for a second worker.
UNIX_PATH_LIMIT_BYTES = 100


@dataclass(frozen=True, slots=True)
class AgentAddress:
    """An agent address; `unix_path` is set for a Unix socket; `url` is the WebSocket URL in either case."""

    url: str
    unix_path: str | None = None

    def __str__(self) -> str:
        return f"unix://{self.unix_path}" if self.unix_path else self.url


def parse_agent_address(text: str) -> AgentAddress:
    """Parse an agent address. Raises ValueError with what to write instead."""
    if text.startswith("unix://"):
        return _unix_address(text.removeprefix("unix://"))
    if not text.startswith("ws://"):
        raise ValueError(f"agent address {text!r}: write unix:///path/to/socket or ws://host:port")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"agent address {text!r}: {error}; write ws://host:port") from None
    if not parts.hostname or port is None:
        raise ValueError(f"agent address {text!r}: host and port are both needed, as in ws://127.0.0.1:8970")
    return AgentAddress(url=text)


def _unix_address(path: str) -> AgentAddress:
    if not path:
        raise ValueError("agent address unix://: the path is missing; write unix:///path/to/socket")
    size = len(path.encode())
    if size > UNIX_PATH_LIMIT_BYTES:
        raise ValueError(
            f"agent address: the Unix socket path has {size} bytes, {UNIX_PATH_LIMIT_BYTES} are possible; "
            f"put the socket in a shorter folder, for example under /tmp or /run ({path!r})"
        )
    return AgentAddress(url="ws://agent/", unix_path=path)
