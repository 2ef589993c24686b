# SPDX-License-Identifier: GPL-3.0-or-later
"""A brake on TCP connections that come faster than PJSIP can forget the ones before.

PJSIP's I/O queue holds 64 sockets, a closed one keeps its place for half a second, and when no place is
left an assertion ends the process: 64 connects in half a second are enough. While the brake is on, the
kernel drops new connection requests (a socket filter on the listening socket); an honest client's kernel
asks again after a second. Open connections go on.
"""

from __future__ import annotations

import ctypes
import logging
import os
import socket
import struct
from collections import deque

log = logging.getLogger(__name__)

# Connections in a window a little longer than PJSIP's half second; as many again may wait in the listening
# queue.
WINDOW_S = 0.6
MOST_IN_WINDOW = 20

# linux/asm-generic/socket.h, not in Python's socket module.
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_RETURN_CONSTANT = 0x06  # BPF_RET | BPF_K


class ConnectionRate:
    """Counts connections in a sliding window. Pure; times are given in seconds of any steady clock."""

    def __init__(self, window_s: float = WINDOW_S, most: int = MOST_IN_WINDOW) -> None:
        self._window_s = window_s
        self._most = most
        self._times: deque[float] = deque()

    def too_many(self, now_s: float) -> bool:
        """Count a connection; whether the window is full with it."""
        self._times.append(now_s)
        while self._times[0] <= now_s - self._window_s:
            self._times.popleft()
        return len(self._times) >= self._most


class AcceptBrake:
    """The brake on the process's own listening socket of an address. Linux only; does nothing elsewhere."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = listening_socket(host, port)
        if self._socket is None:
            log.warning("TCP connections are not limited: the listening socket was not found")

    def on(self) -> None:
        """Drop connection requests from now on."""
        if self._socket is None:
            return
        program = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN_CONSTANT, 0, 0, 0))
        described = struct.pack("HL", 1, ctypes.addressof(program))
        self._set(_SO_ATTACH_FILTER, described)

    def off(self) -> None:
        """Take connections again."""
        self._set(_SO_DETACH_FILTER, struct.pack("i", 0))

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _set(self, option: int, value: bytes) -> None:
        if self._socket is None:
            return
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, option, value)
        except OSError as error:
            log.warning("the limit on TCP connections could not be changed: %s", error)


def listening_socket(host: str, port: int) -> socket.socket | None:
    """A duplicate of this process's listening TCP socket on host:port, or None."""
    try:
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        return None
    for descriptor in descriptors:
        found = _listener(descriptor, host, port)
        if found is not None:
            return found
    return None


def _listener(descriptor: int, host: str, port: int) -> socket.socket | None:
    try:
        candidate = socket.socket(fileno=os.dup(descriptor))
    except OSError:
        return None
    try:
        listens = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if listens and candidate.getsockname()[:2] == (host, port):
            return candidate
    except OSError:
        pass
    candidate.close()
    return None
