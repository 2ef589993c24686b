# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's door: gateway workers connect here, one WebSocket a call;

`GET /health` answers whether calls are welcome.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http
import json
import logging
import os
import signal
import time
import uuid
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve, unix_serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from agent.admission import Budget, Neighbourhood, refusal
from agent.conversation import Conversation
from agent.engines import Engines
from agent.places import Places
from agent.settings import AgentSettings
from contracts.media_stream import MalformedMessage, Start, decode_from_gateway

log = logging.getLogger(__name__)

# Frames of 20 ms do not compress in time, and the stream's own frames are the sign of life.
_STREAM: dict[str, Any] = {"compression": None, "max_size": 2**20, "ping_interval": None}
_START_TIMEOUT_S = 5.0
_TELL_S = 2.0
_TRY_AGAIN_LATER = 1013
_PROTOCOL_ERROR = 1002


class AgentServer:
    """Accepts the media streams of calls and holds a conversation on each."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._admission = engines.settings.admission
        self._places = Places(engines.settings.max_calls)
        self._neighbourhood = Neighbourhood(engines.redis, self._admission.settle_s)
        self._refused = 0
        self._sealing: set[asyncio.Task[None]] = set()

    async def sealed(self) -> None:
        """Wait until the journals of all calls that are over have been sealed, or given up."""
        await asyncio.gather(*self._sealing, return_exceptions=True)

    async def call(self, connection: ServerConnection) -> None:
        """One call: `start`, frames and messages, until the stream ends."""
        if not self._places.take(time.monotonic()):
            await connection.close(_TRY_AGAIN_LATER, "no free place")
            return
        try:
            start = await self._first_message(connection)
            if start is not None:
                await self._converse(connection, start)
        finally:
            self._places.leave()

    async def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer `GET /health`; refuse a call that there is no place or no time for. None lets it in."""
        if request.path == "/health":
            return connection.respond(http.HTTPStatus.OK, json.dumps(self.health()) + "\n")
        reason = await self._reason_to_refuse()
        if reason is None:
            return None
        self._refused += 1
        log.warning("a call was refused: %s", reason)
        response = connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, reason + "\n")
        response.headers["Retry-After"] = str(self._admission.retry_after_s)
        return response

    def health(self) -> dict[str, Any]:
        """What `GET /health` says: places, load, and the work done for nothing."""
        load = self._engines.measured
        return {
            "status": "ok",
            "calls": self._places.calls,
            "max_calls": self._places.places,
            "refused": self._refused,
            "busy": round(load.busy, 3),
            "work_p95_s": round(load.work_p95_s(), 3),
            "work": self._engines.work.as_dict(),
        }

    async def _reason_to_refuse(self) -> str | None:
        calls = self._places.calls
        if not self._places.promise(time.monotonic()):
            return f"all {self._places.places} places are taken"
        name = uuid.uuid4().hex
        neighbours = await self._neighbourhood.queue_up(name)
        load = self._engines.measured
        reason = refusal(Budget(load.busy, load.work_p95_s(), calls, neighbours), self._admission)
        if reason is not None:
            self._places.withdraw()
            await self._neighbourhood.withdraw(name)
        return reason

    async def tell_neighbours(self) -> None:
        """Say how many calls are here, until cancelled."""
        while True:
            await self._neighbourhood.tell(self._places.calls)
            await asyncio.sleep(_TELL_S)

    async def _first_message(self, connection: ServerConnection) -> Start | None:
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                text = await connection.recv()
            message = decode_from_gateway(text if isinstance(text, str) else "")
            if isinstance(message, Start):
                return message
            reason = f"the first message is {message.event!r} instead of 'start'"
        except ConnectionClosed:
            return None
        except TimeoutError:
            reason = f"no start message in {_START_TIMEOUT_S:g} s"
        except MalformedMessage as error:
            reason = str(error)
        log.warning("a media stream was refused: %s", reason)
        await connection.close(_PROTOCOL_ERROR, reason[:120])
        return None

    async def _converse(self, connection: ServerConnection, start: Start) -> None:
        outbox: asyncio.Queue[str | bytes] = asyncio.Queue()
        sending = asyncio.create_task(_send_all(outbox, connection))
        conversation = Conversation(start, self._engines, outbox.put_nowait)
        log.info("%s: call from %s", start.call_id, start.caller)
        try:
            await conversation.begin()
            async for message in connection:
                if isinstance(message, bytes):
                    conversation.hear(message)
                    continue
                try:
                    conversation.receive(decode_from_gateway(message))
                except MalformedMessage as error:
                    log.warning("%s: a message of the gateway was dropped: %s", start.call_id, error)
        except ConnectionClosed as error:
            log.warning("%s: the media stream broke: %s", start.call_id, error)
        finally:
            sending.cancel()
            await conversation.end()
            # A Redis that is away must not keep the place of the next caller.
            sealing = asyncio.create_task(conversation.seal())
            self._sealing.add(sealing)
            sealing.add_done_callback(self._sealing.discard)
            log.info("%s: call ended", start.call_id)


async def _send_all(outbox: asyncio.Queue[str | bytes], connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await connection.send(await outbox.get())


def _listen(server: AgentServer, address: str) -> Awaitable[Server]:
    """Listen on `unix:///path` or `ws://host:port`."""
    scheme, _, place = address.partition("://")
    if scheme == "unix":
        path = Path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        return unix_serve(server.call, str(path), process_request=server.admit, **_STREAM)
    host, _, port = place.rpartition(":")
    return serve(server.call, host, int(port), process_request=server.admit, **_STREAM)


async def run(settings: AgentSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises what `Engines.load` raises."""
    engines = Engines.load(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopped.set)
    await engines.warm_up()
    # What is loaded by now stays: a full collection would walk all of it in the middle of somebody's
    # sentence.
    gc.collect()
    gc.freeze()
    agent = AgentServer(engines)
    server = await _listen(agent, settings.listen)
    log.info("listening on %s, process %d", settings.listen, os.getpid())
    beside = [asyncio.create_task(engines.measured.watch()), asyncio.create_task(agent.tell_neighbours())]
    await stopped.wait()
    for task in beside:
        task.cancel()
    server.close()
    await server.wait_closed()
    await agent.sealed()
    await engines.close()
