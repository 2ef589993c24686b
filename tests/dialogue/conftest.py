# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Rasa server, a real action server, a real Redis and a small bank, started once for all
conversations of the session.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from bank.database import Database
from bank.generator import fill
from bank.identity import hash_pin
from bank.models import Account, AccountKind, Card, CardKind, Customer
from bank.offers.strategy import load_strategy
from contracts.reply import CALL_STARTED, KEYS, DialogueTurn, Foreseen
from contracts.sealed import KEY_VARIABLE, Seal, new_key
from tellerline.trained_dialogue import RASA_ENVIRONMENT, adopt, find_model, training_command

ROOT = Path(__file__).parents[2]
RASA = ROOT / ".venv-rasa" / "bin" / "rasa"
PORTS = range(26010, 26099)
TRANSFER_TARGET = "sip:desk@127.0.0.1:26099"
PIN = "7395"
_numbers = itertools.count(1)


def free_ports() -> Iterator[int]:
    """Ports of this room's range that nobody listens on, each given once."""
    for port in PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            yield port


@dataclass
class Call:
    """One conversation over the channel, as the agent holds it."""

    dialogue: Dialogue
    number: str
    call_id: str
    heard: list[DialogueTurn] = field(default_factory=list)

    def send(self, text: str, **metadata: str) -> DialogueTurn:
        """One turn; the answer must be what the contract says."""
        response = self.dialogue.post(self.call_id, text, self.number, metadata=metadata)
        assert response.status_code == 200, response.text
        turn = DialogueTurn.model_validate(response.json())
        self.heard.append(turn)
        return turn

    def begin(self) -> Call:
        """What the agent sends when the call is up."""
        self.send(CALL_STARTED)
        return self

    def foresee(self, words: str) -> Foreseen:
        """What the agent asks while the caller may go on speaking."""
        response = self.dialogue.post(self.call_id, words, self.number, path="foresee")
        assert response.status_code == 200, response.text
        return Foreseen.model_validate(response.json())

    def say(self, words: str, **metadata: str) -> DialogueTurn:
        """The caller speaks. As on a call the words are foreseen first; what was foreseen must come true."""
        foreseen = self.foresee(words)
        turn = self.send(words, **metadata)
        assert foreseen.intent == turn.intent or not turn.actions
        said = [reply.text for reply in turn.replies]
        assert [text for text in foreseen.likely if text not in said] == []
        return turn

    def key(self, keys: str) -> DialogueTurn:
        """The caller presses keys for a question that isn't sensitive."""
        return self.send(KEYS + json.dumps({"keys": keys}))

    def key_sealed(self, keys: str) -> DialogueTurn:
        """The caller keys a secret, sealed by the agent."""
        return self.send(KEYS + json.dumps({"keys": self.dialogue.seal.seal(self.call_id, keys)}))

    def tracker(self) -> dict[str, Any]:
        """Everything that Rasa remembers of the call."""
        answer = httpx.get(f"{self.dialogue.rasa_url}/conversations/{self.call_id}/tracker", timeout=20)
        return dict(answer.json())


@dataclass
class Dialogue:
    """The running servers, and the bank behind them."""

    rasa_url: str
    redis_url: str
    environment: dict[str, str]
    database: Database
    seal: Seal
    logs: Path

    def post(
        self,
        call_id: str,
        text: str,
        number: str = "",
        path: str = "turn",
        metadata: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """A raw turn."""
        told = {"call_id": call_id, "from": number, "to": "hotline", "direction": "inbound"}
        body = {"call": call_id, "text": text, "metadata": {**told, **(metadata or {})}}
        return httpx.post(f"{self.rasa_url}/webhooks/voice/{path}", json=body, timeout=30)

    def call(self, number: str) -> Call:
        """A call that has begun."""
        letters = "".join(chr(ord("a") + int(c)) for c in str(next(_numbers)))
        return Call(self, number, f"call-{letters}").begin()

    def customer(
        self,
        *,
        income: str = "6000.00",
        score: int = 760,
        birth: dt.date = dt.date(1985, 6, 1),
        credit: bool = True,
    ) -> Customer:
        """A new customer with the PIN `PIN`, two accounts and one or two cards."""
        number = 50_000 + next(_numbers)
        cards = [Card(kind=CardKind.DEBIT, last_four="4417")]
        if credit:
            cards.append(Card(kind=CardKind.CREDIT, last_four="9032"))
        customer = Customer(
            id=number,
            first_name="Casey",
            last_name="Reed",
            birth_date=birth,
            phone=f"+8613900{number:06d}",
            monthly_income=Decimal(income),
            monthly_debt=Decimal("0.00"),
            credit_score=score,
            pin=hash_pin(PIN, os.urandom),
            accounts=[
                Account(
                    kind=AccountKind.CURRENT, number=f"C{number}", balance=Decimal("1204.50"), currency="USD"
                ),
                Account(
                    kind=AccountKind.SAVINGS, number=f"S{number}", balance=Decimal("15000.00"), currency="USD"
                ),
            ],
            cards=cards,
        )
        with self.database.session() as session:
            session.add(customer)
        return customer


@pytest.fixture(scope="session")
def dialogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dialogue]:
    """The dialogue as it runs in the field, on ports of its own."""
    if not RASA.exists():
        pytest.fail(f"{RASA} is missing: run `make setup`")
    folder = tmp_path_factory.mktemp("dialogue")
    ports = dict(zip(("actions", "redis", "rasa"), free_ports(), strict=False))
    model = trained_model()
    database = Database(f"sqlite:///{folder}/bank.db")
    fill(database, 12, 7, load_strategy(ROOT / "strategies" / "offers.yml"), dt.datetime.now(dt.UTC))
    key = new_key()
    environment = os.environ | RASA_ENVIRONMENT | {
        "TELLERLINE_DATABASE_URL": f"sqlite:///{folder}/bank.db",
        "TELLERLINE_TRANSFER_TARGET": TRANSFER_TARGET,
        KEY_VARIABLE: key,
    }  # fmt: skip
    endpoints = folder / "endpoints.yml"
    endpoints.write_text((ROOT / "endpoints.yml").read_text().replace(":5055/", f":{ports['actions']}/"))
    with contextlib.ExitStack() as stack:
        actions = [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "--port", str(ports["actions"])]
        stack.enter_context(server(actions, environment, folder / "actions.log"))
        redis_command = ["redis-server", "--port", str(ports["redis"]), "--bind", "127.0.0.1", "--save", ""]
        stack.enter_context(server([*redis_command, "--dir", str(folder)], environment, folder / "redis.log"))
        rasa_url = f"http://127.0.0.1:{ports['rasa']}"
        rasa = [str(RASA), "run", "--enable-api", "--model", str(model), "--endpoints", str(endpoints)]
        rasa += ["--credentials", str(ROOT / "credentials.yml"), "-i", "127.0.0.1", "-p", str(ports["rasa"])]
        stack.enter_context(server(rasa, environment, folder / "rasa.log"))
        wait_until_healthy(f"http://127.0.0.1:{ports['actions']}/health", folder / "actions.log")
        wait_until_healthy(f"{rasa_url}/webhooks/voice/", folder / "rasa.log")
        redis_url = f"redis://127.0.0.1:{ports['redis']}/0"
        yield Dialogue(rasa_url, redis_url, environment, database, Seal(key), folder)
    database.close()


def trained_model() -> Path:
    """The model of the present sources, the one that `make setup` trains and keeps."""
    folder = ROOT / "var" / "rasa"
    found = find_model(ROOT, folder)
    if found is not None and found.current:
        return found.path
    out = folder / ".training-tests"
    command = training_command(ROOT, out)
    environment = os.environ | RASA_ENVIRONMENT
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (out / "dialogue.tar.gz").exists(), done.stdout[-3000:] + done.stderr[-3000:]
    return adopt(ROOT, folder, out)


@contextlib.contextmanager
def server(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that ends with the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def wait_until_healthy(url: str, log: Path, seconds: float = 300.0) -> None:
    """Until the address answers 200, or fail with the server's last words."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.3)
    pytest.fail(f"{url} did not become healthy:\n{log.read_text(errors='replace')[-3000:]}")
