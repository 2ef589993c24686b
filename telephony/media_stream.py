# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway's side of the media stream: a WebSocket client a call, all in one asyncio loop with a thread
of its own.

The media clock's thread only appends to the loop's ready list; framing and writing to the socket happen
here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from contracts.media_stream import (
    FRAME_MS,
    AgentMessage,
    MalformedMessage,
    Start,
    Stop,
    decode_from_agent,
    encode,
)
from telephony.agent_address import AgentAddress

log = logging.getLogger(__name__)

# Largest message an agent may send: a minute of speech. What is larger is a fault, not an utterance.
MAX_MESSAGE_BYTES = 60 * 16000
# Frames that may wait for an agent that does not read (10 s) before it counts as lost.
BACKLOG_FRAMES = 10_000 // FRAME_MS
# Seconds for the last messages and the closing handshake at the end of a call.
_FAREWELL_S = 1.0
# Seconds between attempts to reach an agent again.
_RETRY_S = 0.25
_HTTP_UNAVAILABLE = 503


class AgentUnreachable(ConnectionError):
    """No agent accepted the media stream."""


class AgentBusy(AgentUnreachable):
    """The agent is there and refused this call for now (HTTP 503 with Retry-After, in seconds)."""

    def __init__(self, where: str, retry_after: str) -> None:
        super().__init__(f"{where}: the agent takes no more calls for now")
        self.retry_after = retry_after


class StreamListener(Protocol):
    """What a call does with what its agent says. Called in the loop's thread; must not block."""

    def on_agent_audio(self, pcm: bytes) -> None: ...

    def on_agent_message(self, message: AgentMessage) -> None: ...

    def on_agent_lost(self, stream: AgentStream, reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class AgentLink:
    """How an agent is reached: address, and seconds for connecting, between keepalive pings, and until an
    unanswered one shows that the agent hangs.
    """

    address: AgentAddress
    connect_timeout_s: float
    ping_s: float
    silence_s: float


class AgentStream:
    """One open media stream. `send` may be called from any thread; everything else in the loop's thread."""

    def __init__(self, socket: ClientConnection, listener: StreamListener, call_id: str) -> None:
        self._socket = socket
        self._listener = listener
        self._call_id = call_id
        self._loop = asyncio.get_running_loop()
        self._outgoing: asyncio.Queue[bytes | str | None] = asyncio.Queue()
        self._over = False
        self._tasks = [self._loop.create_task(self._write()), self._loop.create_task(self._read())]

    def send(self, message: bytes | str) -> None:
        """Queue a frame or the JSON of a message, in order. After the end of the stream it is dropped."""
        with contextlib.suppress(RuntimeError):  # the loop has been closed at the end of the process
            self._loop.call_soon_threadsafe(self._enqueue, message)

    def _enqueue(self, message: bytes | str | None) -> None:
        if self._over:
            return
        if self._outgoing.qsize() > BACKLOG_FRAMES:
            self._lose(f"the agent has read nothing for {BACKLOG_FRAMES * FRAME_MS // 1000} s")
            return
        self._outgoing.put_nowait(message)

    async def finish(self, stop: Stop) -> None:
        """Send `stop` after everything queued and close; what takes longer than a second is given up."""
        if self._over:
            return
        self._enqueue(encode(stop))
        self._enqueue(None)
        self._over = True
        with contextlib.suppress(TimeoutError, ConnectionClosed):
            await asyncio.wait_for(self._tasks[0], _FAREWELL_S)
        self._tasks[1].cancel()
        with contextlib.suppress(TimeoutError, WebSocketException, OSError):
            await asyncio.wait_for(self._socket.close(), _FAREWELL_S)

    async def _write(self) -> None:
        try:
            while (message := await self._outgoing.get()) is not None:
                await self._socket.send(message)
        except ConnectionClosed as closed:
            self._lose(_why(closed))

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if isinstance(message, bytes):
                    self._listener.on_agent_audio(message)
                else:
                    self._receive_text(message)
            self._lose("the agent closed the media stream")
        except ConnectionClosed as closed:
            self._lose(_why(closed))

    def _receive_text(self, text: str) -> None:
        try:
            message = decode_from_agent(text)
        except MalformedMessage as error:
            log.warning("%s agent sent a malformed message, ignored: %s", self._call_id, error)
            return
        self._listener.on_agent_message(message)

    def _lose(self, reason: str) -> None:
        if self._over:
            return
        self._over = True
        self._outgoing.put_nowait(None)
        self._socket.transport.abort()
        self._listener.on_agent_lost(self, reason)


def _why(closed: ConnectionClosed) -> str:
    frame = closed.rcvd or closed.sent
    return f"closed with {frame.code} {frame.reason}".strip() if frame else "the connection broke"


async def open_stream(link: AgentLink, start: Start, listener: StreamListener) -> AgentStream:
    """Connect to the agent and send `start`.

    Raises AgentBusy when it refuses, AgentUnreachable otherwise, at latest after the timeout.
    """
    options: dict[str, Any] = {
        "compression": None,
        "max_size": MAX_MESSAGE_BYTES,
        "ping_interval": link.ping_s,
        "ping_timeout": link.silence_s,
        "open_timeout": link.connect_timeout_s,
        "close_timeout": _FAREWELL_S,
    }
    path = link.address.unix_path
    try:
        socket = await (
            unix_connect(path, link.address.url, **options) if path else connect(link.address.url, **options)
        )
        await socket.send(encode(start))
    except InvalidStatus as refused:
        answer = refused.response
        seconds = answer.headers.get("Retry-After", "")
        if answer.status_code == _HTTP_UNAVAILABLE and seconds.isdecimal():
            raise AgentBusy(str(link.address), seconds) from None
        raise AgentUnreachable(f"{link.address}: HTTP {answer.status_code}") from None
    except (OSError, TimeoutError, WebSocketException, EOFError) as error:
        raise AgentUnreachable(f"{link.address}: {error or type(error).__name__}") from None
    return AgentStream(socket, listener, start.call_id)


async def reopen_stream(
    link: AgentLink, start: Start, listener: StreamListener, budget_s: float
) -> AgentStream:
    """Try to connect again and again for `budget_s` seconds. Raises AgentUnreachable when that is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + budget_s
    while True:
        try:
            return await open_stream(link, start, listener)
        except AgentUnreachable:
            if loop.time() + _RETRY_S >= deadline:
                raise
            await asyncio.sleep(_RETRY_S)


class StreamThread:
    """The asyncio loop of all media streams, in its own thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="media-streams", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def spawn(self, make: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a coroutine in the loop; its failure is logged. Callable from any thread."""
        self._loop.call_soon_threadsafe(self._spawn, make)

    def _spawn(self, make: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = self._loop.create_task(make())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("media stream task failed", exc_info=task.exception())

    def close(self, wait_s: float) -> None:
        """Give running tasks (farewells) `wait_s` seconds, then stop the loop and join the thread."""
        asyncio.run_coroutine_threadsafe(self._drain(wait_s), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _drain(self, wait_s: float) -> None:
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=wait_s)
        current = asyncio.current_task()
        left = [task for task in asyncio.all_tasks() if task is not current]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
