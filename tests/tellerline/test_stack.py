# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line against the whole house: what a person who runs it sees."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import yaml

from tests.conftest import CLI, ROOT, Stack, free_ports


def test_everything_is_healthy_and_says_how_to_call_it(stack: Stack) -> None:
    assert stack.tellerline("status").returncode == 0
    rows = stack.processes()
    assert set(rows) == {"redis", "actions", "rasa", "events", "agent", "gateway"}
    assert all(row["state"] == "healthy" for row in rows.values())
    assert "tellerline call --say" in stack.started
    assert stack.sip_uri in stack.started


def test_a_second_run_says_that_it_runs_already(stack: Stack) -> None:
    again = stack.tellerline("run", "--detach")
    assert again.returncode == 1
    assert "running already" in again.stdout


def test_the_key_is_in_no_readable_file_and_in_two_processes_only(stack: Stack) -> None:
    rows = stack.processes()
    holders = set()
    for name, row in rows.items():
        environment = Path(f"/proc/{row['pid']}/environ").read_bytes()
        if b"TELLERLINE_SEAL_KEY=" in environment:
            holders.add(name)
    assert holders == {"agent", "actions"}
    for path in stack.var.rglob("*"):
        if path.is_file() and path.stat().st_mode & 0o077:
            assert b"SEAL_KEY" not in path.read_bytes(), path


def test_only_loopback_is_listened_on(stack: Stack) -> None:
    import psutil

    members = {row["pid"] for row in stack.processes().values()}
    members |= {child.pid for pid in members for child in psutil.Process(pid).children(recursive=True)}
    hosts = {
        connection.laddr[0]
        for connection in psutil.net_connections("inet")
        if connection.laddr and connection.pid in members and connection.status in ("LISTEN", "NONE")
    }
    assert hosts == {"127.0.0.1"}


def test_killed_actions_come_back_healthy(stack: Stack) -> None:
    before = stack.processes()["actions"]["pid"]
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 60
    row = stack.processes()["actions"]
    while row["state"] != "healthy" or row["pid"] == before:
        assert time.monotonic() < deadline, row
        time.sleep(0.5)
        row = stack.processes()["actions"]
    port = yaml.safe_load(stack.config.read_text())["actions"]["port"]
    assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200


def test_the_doctor_finds_our_own_ports_in_order(stack: Stack) -> None:
    answer = json.loads(stack.tellerline("doctor", "--json").stdout)
    findings = {finding["subject"]: finding for finding in answer["findings"]}
    ports = [finding for subject, finding in findings.items() if "port" in subject]
    assert len(ports) == 5
    assert all(finding["grade"] == "ok" and "our" in finding["found"] for finding in ports)
    assert findings["redis-server"]["grade"] == "ok"
    assert findings["trained dialogue"]["grade"] == "ok"
    assert findings["bank"]["grade"] == "ok"


def test_the_doctor_names_a_taken_port_and_fails(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        config = tmp_path / "mine.yml"
        config.write_text(yaml.safe_dump({"var": str(tmp_path / "var"), "redis": {"port": port}}))
        answer = subprocess.run(
            [*CLI, "doctor", "--json", "--config", str(config)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
    assert answer.returncode == 1
    findings = {finding["subject"]: finding for finding in json.loads(answer.stdout)["findings"]}
    taken = findings[f"TCP port {port} (redis)"]
    assert taken["grade"] == "missing"
    assert str(os.getpid()) in taken["remedy"]
    assert findings["bank"]["remedy"] == "make setup"


def test_run_refuses_what_is_missing_and_starts_nothing(tmp_path: Path) -> None:
    config = tmp_path / "mine.yml"
    ports = free_ports(2)
    config.write_text(yaml.safe_dump({"var": str(tmp_path / "var"), "redis": {"port": ports[0]}}))
    answer = subprocess.run(
        [*CLI, "run", "--config", str(config)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert answer.returncode == 1
    assert "bank.db does not exist" in answer.stdout
    assert "make setup" in answer.stdout
    assert not (tmp_path / "var" / "run" / "supervisord.conf").exists()


def test_stop_and_status_of_what_does_not_run(tmp_path: Path) -> None:
    config = tmp_path / "mine.yml"
    config.write_text(yaml.safe_dump({"var": str(tmp_path / "var")}))
    codes = {}
    for command in ("stop", "status"):
        answer = subprocess.run(
            [*CLI, command, "--config", str(config)], capture_output=True, text=True, cwd=ROOT, check=False
        )
        codes[command] = answer.returncode
        assert "not running" in answer.stdout
    assert codes == {"stop": 0, "status": 1}


def test_a_configuration_mistake_is_a_message_not_a_traceback(tmp_path: Path) -> None:
    config = tmp_path / "mine.yml"
    config.write_text("redis: {prot: 1}\n")
    answer = subprocess.run(
        [*CLI, "status", "--config", str(config)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert answer.returncode == 2
    assert "did you mean `port`?" in answer.stderr
    assert "Traceback" not in answer.stderr
