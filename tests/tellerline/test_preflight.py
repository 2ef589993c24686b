# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked at before a start: ports with a real listener on them, models that are not there."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tellerline import preflight
from tellerline.configuration import Configuration
from tellerline.health import sip_options
from tellerline.layout import layout_of
from tellerline.processes import specify
from tests.conftest import free_ports


def test_a_taken_port_is_named_with_its_holder_and_the_remedy() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        configuration = Configuration.model_validate({"var": "var/tests", "actions": {"port": port}})
        specs = [spec for spec in specify(configuration, Path("m"), "") if spec.name == "actions"]
        (problem,) = preflight.taken_ports(specs)
    assert f"TCP port {port} for actions is in use by" in problem.what
    assert f"(pid {os.getpid()})" in problem.what
    assert f"kill {os.getpid()}" in problem.remedy
    assert "actions.port" in problem.remedy
    assert preflight.taken_ports(specs) == []


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_the_gateway_needs_its_port_for_udp_and_tcp(kind: socket.SocketKind) -> None:
    (port,) = free_ports(1)
    configuration = Configuration.model_validate({"var": "var/tests", "gateway": {"sip_port": port}})
    specs = [spec for spec in specify(configuration, Path("m"), "") if spec.name == "gateway"]
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", port))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        assert len(preflight.taken_ports(specs)) == 1


def test_a_missing_model_is_named_with_its_key(tmp_path: Path) -> None:
    nowhere = tmp_path / "no-such-model"
    configuration = Configuration.model_validate(
        {"var": tmp_path, "agent": {"recognizer": {"model": str(nowhere)}}}
    )
    problems = preflight.missing_models(configuration, layout_of(configuration))
    assert [str(nowhere) in problem.what for problem in problems if "recognizer" in problem.what] == [True]
    assert "agent.recognizer.model" in problems[0].remedy


def test_a_missing_bank_and_dialogue_say_make_setup(tmp_path: Path) -> None:
    configuration = Configuration.model_validate({"var": tmp_path / "var"})
    problems = preflight.missing_parts(configuration, layout_of(configuration))
    said = {problem.what.split(" ")[1]: problem.remedy for problem in problems}
    assert any("make setup" in remedy for remedy in said.values())
    assert any("bank.db does not exist" in problem.what for problem in problems)
    assert any("no trained Rasa model" in problem.what for problem in problems)


def test_another_database_is_not_looked_for_on_disk() -> None:
    url = "postgresql+psycopg://bank@db/bank"
    configuration = Configuration.model_validate({"bank": {"database_url": url}})
    assert preflight.sqlite_file(configuration) is None


def test_a_silent_sip_port_is_not_healthy() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(TimeoutError):
            sip_options("127.0.0.1", silent.getsockname()[1], timeout_s=0.2)
