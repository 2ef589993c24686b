# SPDX-License-Identifier: GPL-3.0-or-later
"""kamailio in front of two workers of one place each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from telephony.health import ping
from telephony.softphone import Softphone, SoftphoneSettings
from tellerline import edge
from tellerline.edge_process import remnants
from tellerline.setup.debian import find_program
from tests.telephony.processes import CHECKOUT, Gateway, free_port, rtp_base
from tests.telephony.scripted_agent import ScriptedAgent

RETRY_AFTER_S = 9
HOST = "127.0.0.1"


class Edge:
    """kamailio with the project's configuration, in front of workers at these ports."""

    def __init__(
        self, ports: list[int], folder: Path, bind_host: str = HOST, public_host: str | None = None
    ) -> None:
        program = find_program("kamailio")
        if program is None:
            pytest.skip("kamailio is not installed: apt-get install kamailio")
        self.port, self.host = free_port(), public_host or HOST
        self.log = folder / "kamailio.log"
        workers, self.configuration = folder / "dispatcher.list", folder / "kamailio.cfg"
        workers.write_text(edge.workers_text([(HOST, port) for port in ports]))
        self.configuration.write_text(
            edge.configuration_text(
                bind_host, public_host, self.port, workers, edge.Behind(len(ports), 2.0, RETRY_AFTER_S)
            )
        )
        self.command = [sys.executable, "-m", "tellerline.edge_process", str(self.configuration), program]
        self.command += edge.arguments(folder)
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            self.command,
            cwd=CHECKOUT,
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + 10
        while ping(HOST, self.port, 0.2) is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"kamailio did not start: {self.log.read_text()}")

    @property
    def uri(self) -> str:
        return f"sip:hotline@{self.host}:{self.port}"

    def stop(self) -> None:
        """End it as the supervision does: SIGTERM to the whole group."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError("kamailio was still there 5 s after SIGTERM") from None
        finally:
            for process in remnants(self.configuration):
                process.kill()


@dataclass
class Lines:
    """An edge, its workers, and a telephone to call with."""

    phone: Softphone
    edge: Edge
    workers: list[Gateway]
    agents: list[ScriptedAgent]


@pytest.fixture(scope="module")
def phone() -> Iterator[Softphone]:
    with Softphone(
        SoftphoneSettings(sip_port=free_port(), rtp_port_base=rtp_base(), rtp_port_count=200)
    ) as it:
        yield it


@pytest.fixture(scope="module")
def lines(phone: Softphone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    folder = tmp_path_factory.mktemp("edge")
    with (
        ScriptedAgent(port=free_port()) as first,
        ScriptedAgent(port=free_port()) as second,
        Gateway(first.address, folder / "gateway1.log", max_calls=1) as one,
        Gateway(second.address, folder / "gateway2.log", max_calls=1) as two,
    ):
        front = Edge([one.port, two.port], folder)
        try:
            yield Lines(phone, front, [one, two], [first, second])
        finally:
            front.stop()


@pytest.fixture(autouse=True)
def _hang_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """No call outlives its test."""
    yield
    if "phone" in request.fixturenames or "lines" in request.fixturenames:
        request.getfixturevalue("phone").hang_up_all()
