# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's door with a scripted gateway:

Real WebSocket, VAD, voice and Redis; words and answers are scripted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.asyncio.server import unix_serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.dialogue import DialogueUnavailable
from agent.engines import Engines
from agent.journal.store import JournalReader
from agent.piper_voice import PiperSynthesizer
from agent.recognizer import Heard, Transcript
from agent.server import AgentServer
from agent.settings import AgentSettings
from agent.vad import load_network
from contracts.media_stream import (
    FRAME_BYTES,
    FRAME_MS,
    SILENT_FRAME,
    Clear,
    Cleared,
    Dtmf,
    Hangup,
    Mark,
    MarkReached,
    Pause,
    Resume,
    Start,
    Stop,
    decode_from_agent,
    encode,
)
from contracts.reply import DialogueTurn, Foreseen, Reply, Understood
from contracts.sealed import Seal, new_key
from tests.private_redis import PrivateRedis

DISCLOSURE = "This call is recorded."
SEAL = Seal(new_key())


class ScriptedRecognizer:
    name = "scripted"

    def __init__(self) -> None:
        self.text = "what is my balance"

    def recognize(self, batch: Sequence[Heard]) -> list[Transcript]:
        if self.text == "broken":
            raise RuntimeError("the engine is gone")
        return [Transcript(self.text, 0.9) for _ in batch]


class ScriptedDialogue:
    def __init__(self) -> None:
        self.messages: list[str] = []
        self.fails = False

    async def answer(self, call_id: str, text: str, metadata: Mapping[str, str]) -> DialogueTurn:
        self.messages.append(text)
        if self.fails:
            raise DialogueUnavailable("dead")
        replies = {
            "/call_started": (
                Reply(text=DISCLOSURE, barge_in=False, name="utter_disclosure"),
                Reply(text="Your PIN, please.", expect="digits", digits=4, sensitive=True),
            ),
        }.get(text, (Reply(text="Goodbye.", action="hangup"),))
        return DialogueTurn(
            replies=replies, intent=Understood(name="x", confidence=1.0), actions=("action_x",)
        )

    async def foresee(self, call_id: str, text: str) -> Foreseen:
        return Foreseen()


class ScriptedGateway:
    """Plays the agent's speech at the pace of the frames it sends, marks and clears as the real one does."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.now_ms = 0
        self.played = bytearray()
        self.hung_up: str | None = None
        self._queue: list[bytes | str] = []
        self._paused = False

    async def send(self, frames: bytes) -> None:
        """The caller's sound, as fast as the agent takes it, but with a moment for its engines between
        frames.
        """
        for at in range(0, len(frames), FRAME_BYTES):
            self.now_ms += FRAME_MS
            await self.connection.send(frames[at : at + FRAME_BYTES])
            await self._receive()
            await self._play()
            await asyncio.sleep(0.002)

    async def silence(self, ms: int) -> None:
        await self.send(SILENT_FRAME * (ms // FRAME_MS))

    async def key(self, digit: str) -> None:
        await self.connection.send(encode(Dtmf(digit=digit, at_ms=self.now_ms)))

    async def _receive(self) -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                message = await asyncio.wait_for(self.connection.recv(), 0.0005)
                if isinstance(message, bytes):
                    self._queue += [
                        message[at : at + FRAME_BYTES] for at in range(0, len(message), FRAME_BYTES)
                    ]
                    continue
                match decode_from_agent(message):
                    case Mark(name=name):
                        self._queue.append(name)
                    case Pause():
                        self._paused = True
                    case Resume():
                        self._paused = False
                    case Clear():
                        self._paused = False
                        await self._clear()
                    case Hangup(reason=reason):
                        self.hung_up = reason

    async def _play(self) -> None:
        if self._paused:
            return
        while self._queue and isinstance(self._queue[0], str):
            await self._mark(str(self._queue.pop(0)), True)
        if self._queue:
            frame = self._queue.pop(0)
            assert isinstance(frame, bytes)
            self.played += frame

    async def _clear(self) -> None:
        dropped = sum(isinstance(item, bytes) for item in self._queue) * FRAME_MS
        for item in self._queue:
            if isinstance(item, str):
                await self._mark(item, False)
        self._queue = []
        await self.connection.send(encode(Cleared(dropped_ms=dropped, played_ms=0, at_ms=self.now_ms)))

    async def _mark(self, name: str, played: bool) -> None:
        await self.connection.send(encode(MarkReached(name=name, played=played, at_ms=self.now_ms)))


@pytest.fixture(scope="module")
def synthesizer() -> PiperSynthesizer:
    return PiperSynthesizer(AgentSettings().voice)


@pytest.fixture
def speech(synthesizer: PiperSynthesizer) -> bytes:
    """The sound of somebody speaking for about a second."""
    return synthesizer.synthesize("what is my balance please")


class Agent:
    def __init__(
        self, engines: Engines, dialogue: ScriptedDialogue, ears: ScriptedRecognizer, path: str
    ) -> None:
        self.engines, self.dialogue, self.ears, self.path = engines, dialogue, ears, path

    @contextlib.asynccontextmanager
    async def call(self, call_id: str, resumed: bool = False) -> AsyncIterator[ScriptedGateway]:
        start = Start(
            call_id=call_id, sip_call_id=f"sip-{call_id}", caller="+861", callee="x", resumed=resumed
        )
        async with unix_connect(self.path, "ws://agent/") as connection:
            await connection.send(encode(start))
            gateway = ScriptedGateway(connection)
            yield gateway
            await connection.send(encode(Stop(reason="caller hung up", at_ms=gateway.now_ms)))


@pytest.fixture
async def agent(
    redis_server: PrivateRedis, synthesizer: PiperSynthesizer, tmp_path: Path
) -> AsyncIterator[Agent]:
    settings = AgentSettings(redis_url=redis_server.url, max_calls=2)
    dialogue, ears = ScriptedDialogue(), ScriptedRecognizer()
    redis = Redis.from_url(redis_server.url, decode_responses=True)
    engines = Engines(settings, ears, None, synthesizer, dialogue, redis, SEAL, load_network())
    server = AgentServer(engines)
    path = str(tmp_path / "agent.sock")
    async with unix_serve(server.call, path, process_request=server.admit, compression=None):
        yield Agent(engines, dialogue, ears, path)
    await engines.close()


async def journal_of(
    agent: Agent, redis_server: PrivateRedis, call_id: str
) -> list[tuple[str, dict[str, object]]]:
    reader = JournalReader(redis_server.url)
    for _ in range(200):
        if reader.summary(call_id).get("state") == "ended":
            break
        await asyncio.sleep(0.02)
    assert reader.verify(call_id) == []
    return [(stored.entry.kind, dict(stored.entry.data)) for stored in reader.entries(call_id)]


async def test_a_call_from_the_greeting_to_the_goodbye(
    agent: Agent, redis_server: PrivateRedis, speech: bytes
) -> None:
    async with agent.call("c-talk") as gateway:
        await gateway.silence(4500)
        await gateway.send(speech)
        await gateway.silence(4000)
        assert gateway.hung_up == "goodbye"
    assert agent.dialogue.messages == ["/call_started", "what is my balance"]
    journal = await journal_of(agent, redis_server, "c-talk")
    spoken = [data["heard"] for kind, data in journal if kind == "agent_spoke"]
    assert spoken == [DISCLOSURE, "Your PIN, please.", "Goodbye."]
    assert np.abs(np.frombuffer(bytes(gateway.played), "<i2")).max() > 1000


async def test_a_pin_is_sealed_on_its_way_and_nowhere_in_redis(
    agent: Agent, redis_server: PrivateRedis
) -> None:
    async with agent.call("c-pin") as gateway:
        await gateway.silence(3000)
        for digit in "4829":
            await gateway.key(digit)
            await gateway.silence(100)
        await gateway.silence(500)
    token = json.loads(agent.dialogue.messages[1].removeprefix("/keys"))["keys"]
    assert SEAL.open("c-pin", token) == "4829"
    journal = await journal_of(agent, redis_server, "c-pin")
    assert ("•" * 4) in [data.get("keys") for kind, data in journal if kind == "turn_committed"]
    assert "4829" not in json.dumps(journal)


async def test_speech_over_the_agent_clears_the_playout(
    agent: Agent, redis_server: PrivateRedis, speech: bytes
) -> None:
    async with agent.call("c-barge") as gateway:
        while len(gateway.played) < 8000 * 2 * 2:
            await gateway.silence(100)
        await gateway.send(speech)
        await gateway.silence(1500)
    journal = await journal_of(agent, redis_server, "c-barge")
    spoken = [data for kind, data in journal if kind == "agent_spoke"]
    assert spoken[0]["complete"], "the disclosure is protected"
    assert "barge_in" in [kind for kind, _ in journal]


async def test_a_dead_dialogue_and_a_broken_recogniser_get_an_apology(
    agent: Agent, redis_server: PrivateRedis, speech: bytes
) -> None:
    agent.ears.text = "broken"
    async with agent.call("c-broken") as gateway:
        await gateway.silence(4500)
        agent.dialogue.fails = True
        await gateway.send(speech)
        await gateway.silence(1500)
    journal = await journal_of(agent, redis_server, "c-broken")
    kinds = [kind for kind, _ in journal]
    assert "recognition_failed" in kinds
    assert "dialogue_failed" in kinds
    assert "dialogue_failed" in [data.get("name") for kind, data in journal if kind == "agent_speaks"]


async def test_a_call_whose_agent_was_lost_is_taken_up(agent: Agent, redis_server: PrivateRedis) -> None:
    async with agent.call("c-again", resumed=True) as gateway:
        await gateway.silence(500)
    assert agent.dialogue.messages == []
    journal = await journal_of(agent, redis_server, "c-again")
    assert journal[0][1]["resumed"] is True
    assert "resumed" in [data.get("name") for _, data in journal]


async def test_health_and_refusals(agent: Agent) -> None:
    transport = httpx.AsyncHTTPTransport(uds=agent.path)
    async with httpx.AsyncClient(transport=transport) as client:
        health = (await client.get("http://agent/health")).json()
        assert (health["status"], health["calls"]) == ("ok", 0)
    async with unix_connect(agent.path, "ws://agent/") as connection:
        await connection.send("nonsense")
        with pytest.raises(ConnectionClosed, match="1002"):
            await connection.recv()
    async with agent.call("c-1"), agent.call("c-2"):
        await asyncio.sleep(0.1)
        with pytest.raises(InvalidStatus, match="503"):
            await unix_connect(agent.path, "ws://agent/")
