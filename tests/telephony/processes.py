# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of the telephony tests: gateway workers and second telephones, each ended by its test."""

from __future__ import annotations

import json
import queue
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

from telephony.health import ping

CHECKOUT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that is free for UDP and TCP, below the ephemeral ones, so that no client takes it."""
    for port in random.sample(range(25060, 25200), 140):
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise RuntimeError("no free port between 25060 and 25199")


def rtp_base() -> int:
    """The first port of an RTP range of 200 that few others will share."""
    return random.randrange(30000, 33800, 200)


class Gateway:
    """A gateway worker as a process. Stopping it asserts that it ends cleanly."""

    def __init__(self, agent_address: str, log: Path, **settings: Any) -> None:
        self.port = int(settings.pop("sip_port", 0)) or free_port()
        self.log = log
        values = {
            "sip_port": self.port,
            "rtp_port_base": rtp_base(),
            "rtp_port_count": 200,
            "agent_address": agent_address,
            **settings,
        }
        command = [sys.executable, "-m", "telephony", "--settings", json.dumps(values)]
        self.process = subprocess.Popen(
            command, cwd=CHECKOUT, stdout=log.open("wb"), stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + 15
        while ping("127.0.0.1", self.port, 0.2) != 200:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"the gateway did not start: {log.read_text()}")

    @property
    def uri(self) -> str:
        return f"sip:hotline@127.0.0.1:{self.port}"

    def text(self) -> str:
        """Everything logged so far."""
        return self.log.read_text()

    def stop(self, within_s: float = 2.0) -> None:
        """SIGTERM; the exit code must be 0 within two seconds, and nothing may have failed on the way."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the gateway was still there {within_s} s after SIGTERM") from None
        log = self.text()
        assert code == 0, f"exit code {code}: {log[-2000:]}"
        assert "Traceback" not in log, log

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.process.kill()
            self.process.wait()
        else:
            self.stop()


class OtherPhone:
    """A second telephone (phone_process.py)."""

    def __init__(self, status: int = 200, ring_s: float = 0.1, talk_s: float = 60) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "tests.telephony.phone_process", "--port", str(self.port)]
        command += ["--rtp", str(rtp_base()), "--status", str(status), "--ring-s", str(ring_s)]
        command += ["--talk-s", str(talk_s)]
        self.process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        self._events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        self.wait_event("ready")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self._events.put(json.loads(line))

    @property
    def uri(self) -> str:
        return f"sip:human@127.0.0.1:{self.port}"

    def forget_events(self) -> None:
        """Skip everything that has happened so far."""
        while not self._events.empty():
            self._events.get()

    def wait_event(self, name: str, timeout_s: float = 15.0) -> dict[str, Any]:
        """The next event of this name; earlier ones are skipped. Raises queue.Empty."""
        deadline = time.monotonic() + timeout_s
        while True:
            event = self._events.get(timeout=max(0.01, deadline - time.monotonic()))
            if event["event"] == name:
                return event

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
