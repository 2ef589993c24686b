# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted agent for the telephony tests:

a real WebSocket server that records what a gateway sends and says what it is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self, TypeVar

from pydantic import BaseModel
from websockets.asyncio.server import Server, ServerConnection, serve, unix_serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from contracts.media_stream import (
    GatewayMessage,
    Start,
    Stop,
    decode_from_gateway,
    encode,
)

M = TypeVar("M", bound=BaseModel)


@dataclass
class AgentCall:
    """One media stream as the agent saw it: messages and frames in the order of arrival."""

    start: Start
    socket: ServerConnection
    loop: asyncio.AbstractEventLoop
    frames: list[bytes] = field(default_factory=list)
    messages: list[GatewayMessage] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    closed: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def audio(self) -> bytes:
        return b"".join(self.frames)

    def send(self, *messages: BaseModel | bytes) -> None:
        """Send frames and control messages in this order."""
        raw = [m if isinstance(m, bytes) else encode(m) for m in messages]

        async def deliver() -> None:
            for item in raw:
                await self.socket.send(item)

        asyncio.run_coroutine_threadsafe(deliver(), self.loop).result(5)

    def send_text(self, text: str) -> None:
        asyncio.run_coroutine_threadsafe(self.socket.send(text), self.loop).result(5)

    def of(self, kind: type[M]) -> list[M]:
        """All messages of one kind so far."""
        return [m for m in self.messages if isinstance(m, kind)]

    def wait_for(self, kind: type[M], count: int = 1, timeout_s: float = 10.0) -> M:
        """The count-th message of a kind."""
        self.wait_until(lambda: len(self.of(kind)) >= count, timeout_s, f"{count} {kind.__name__}")
        return self.of(kind)[count - 1]

    def wait_frames(self, count: int, timeout_s: float = 10.0) -> None:
        self.wait_until(lambda: len(self.frames) >= count, timeout_s, f"{count} frames")

    def wait_until(self, ready: Callable[[], bool], timeout_s: float, what: str) -> None:
        with self.changed:
            if not self.changed.wait_for(ready, timeout_s):
                raise TimeoutError(f"no {what} in {timeout_s} s; {len(self.frames)} frames, {self.messages}")

    @property
    def stop(self) -> Stop | None:
        stops = self.of(Stop)
        return stops[0] if stops else None


class ScriptedAgent:
    """Serves media streams on ws://127.0.0.1:port or a Unix socket, in a thread of its own."""

    def __init__(
        self, port: int | None = None, path: str | None = None, greeting: bytes = b"", echo: bool = False
    ) -> None:
        self.port, self.path, self.greeting, self.echo = port, path, greeting, echo
        # Set: upgrades are refused with 503 and this Retry-After ("": without).
        self.refuse: str | None = None
        self.calls: list[AgentCall] = []
        self._arrived = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: Server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    @property
    def address(self) -> str:
        return f"unix://{self.path}" if self.path else f"ws://127.0.0.1:{self.port}"

    async def _serve(self) -> Server:
        if self.path:
            return await unix_serve(self._handle, self.path, compression=None)
        return await serve(self._handle, "127.0.0.1", self.port, compression=None, process_request=self._gate)

    def _gate(self, socket: ServerConnection, request: Request) -> Response | None:
        if self.refuse is None:
            return None
        answer = socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "full\n")
        if self.refuse:
            answer.headers["Retry-After"] = self.refuse
        return answer

    async def _handle(self, socket: ServerConnection) -> None:
        start = decode_from_gateway(str(await socket.recv()))
        assert isinstance(start, Start)
        call = AgentCall(start, socket, self._loop)
        with self._arrived:
            self.calls.append(call)
            self._arrived.notify_all()
        if self.greeting:
            await socket.send(self.greeting)
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                await self._take(call, message)
        with call.changed:
            call.closed = True
            call.changed.notify_all()

    async def _take(self, call: AgentCall, message: bytes | str) -> None:
        with call.changed:
            if isinstance(message, bytes):
                call.frames.append(message)
                call.arrivals.append(time.monotonic())
            else:
                call.messages.append(decode_from_gateway(message))
            call.changed.notify_all()
        if self.echo and isinstance(message, bytes):
            await call.socket.send(message)

    def wait_call(self, sip_call_id: str = "", timeout_s: float = 10.0, resumed: bool = False) -> AgentCall:
        """The media stream of a SIP call, or the first one."""

        def found() -> list[AgentCall]:
            return [
                c
                for c in self.calls
                if sip_call_id in ("", c.start.sip_call_id) and c.start.resumed == resumed
            ]

        with self._arrived:
            if not self._arrived.wait_for(lambda: bool(found()), timeout_s):
                raise TimeoutError(f"no media stream for {sip_call_id}")
            return found()[0]

    def hang_up_stream(self, call: AgentCall) -> None:
        """Break one stream, as a crashed handler would."""
        self._loop.call_soon_threadsafe(call.socket.transport.abort)

    def close(self) -> None:
        """Stop as a killed process would: sockets break without a closing handshake."""

        async def stop() -> None:
            self._server.close(close_connections=False)
            for call in self.calls:
                call.socket.transport.abort()
            await asyncio.sleep(0.05)

        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
