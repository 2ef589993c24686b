# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of several rooms share: the whole house, started once, by the command that users type."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.private_redis import PrivateRedis

ROOT = Path(__file__).resolve().parents[1]
CLI = (sys.executable, "-m", "tellerline")
START_BUDGET_S = 400
STOP_BUDGET_S = 60


@dataclass(frozen=True, slots=True)
class Stack:
    """A running Tellerline: where to call it, its Redis, its configuration file, and the command line."""

    sip_uri: str
    redis_url: str
    config: Path
    var: Path
    cli: tuple[str, ...]
    started: str

    def tellerline(self, *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line against this installation."""
        return _tellerline(self.config, *arguments, timeout_s=timeout_s)

    def processes(self) -> dict[str, dict[str, Any]]:
        """The rows of `tellerline status`, by name."""
        answer = json.loads(self.tellerline("status", "--json").stdout)
        return {row["name"]: row for row in answer["processes"]}


@pytest.fixture(scope="session")
def redis_server() -> Iterator[PrivateRedis]:
    """A real Redis for tests of one room."""
    # Imported here: the trainings' environments collect their tests without a Redis client.
    from tests.private_redis import private_redis

    with private_redis() as server:
        yield server


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole house on free ports, with its own bank and journal; stopped at the end, without leftovers."""
    from tellerline.configuration import load_configuration
    from tellerline.supervision import members

    folder = tmp_path_factory.mktemp("stack")
    ports = free_ports(5)
    content = {
        "var": str(folder / "var"),
        "transfer_target": f"sip:operator@127.0.0.1:{ports[4]}",
        "redis": {"port": ports[0]},
        # Trained once for all tests and for `make run`: named by the hash of its sources.
        "rasa": {"port": ports[1], "models": str(ROOT / "var" / "rasa")},
        "actions": {"port": ports[2]},
        "gateway": {"sip_port": ports[3], "rtp_port_base": 21000, "rtp_port_count": 200},
        # Test machines are busy with other things; the tests of admission set their own limits.
        "agent": {"admission": {"most_busy": 1.0, "call_busy": 0.0, "work_s": 10}},
    }
    config = folder / "stack.yml"
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    prepared = _tellerline(config, "setup", timeout_s=START_BUDGET_S)
    if prepared.returncode != 0:
        pytest.fail(f"tellerline setup failed:\n{prepared.stdout}{prepared.stderr}", pytrace=False)
    started = _tellerline(config, "run", "--detach", timeout_s=START_BUDGET_S)
    if started.returncode != 0:
        pytest.fail(f"tellerline run failed:\n{started.stdout}{started.stderr}", pytrace=False)
    try:
        yield Stack(
            sip_uri=f"sip:hotline@127.0.0.1:{ports[3]}",
            redis_url=f"redis://127.0.0.1:{ports[0]}/0",
            config=config,
            var=folder / "var",
            cli=CLI,
            started=started.stdout,
        )
    finally:
        stopped = _tellerline(config, "stop", timeout_s=STOP_BUDGET_S)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    left = members(load_configuration(config).instance)
    assert not left, f"left behind: {left}"
    assert not list((folder / "var" / "run").iterdir()), (
        "run-time files are left, and one of them held the key"
    )


def free_ports(count: int) -> list[int]:
    """Ports that are free for TCP and UDP on loopback right now."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            number = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", number))
            except OSError:
                continue
        if number not in found:
            found.append(number)
    return found


def _tellerline(config: Path, *arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLI, *arguments, "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        cwd=ROOT,
        check=False,
    )
