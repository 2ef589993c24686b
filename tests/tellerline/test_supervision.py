# SPDX-License-Identifier: GPL-3.0-or-later
"""Supervision with real processes: clean stops, deaths that are reported, and nothing left behind whatever
dies.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import redis
import yaml

from tellerline import supervision
from tellerline.configuration import ROOT, Configuration, load_configuration
from tellerline.layout import Layout, layout_of
from tellerline.processes import specify
from tellerline.supervision import Supervisor, SupervisorGone
from tests.conftest import free_ports
from tests.tellerline.small_house import small_specs

KEY = "a-key-that-must-not-spread"


@dataclass
class House:
    """A small house that runs in the foreground of a process of its own."""

    child: subprocess.Popen[str]
    configuration: Configuration
    layout: Layout
    output: Path

    def said(self) -> str:
        """What it has printed."""
        return self.output.read_text(encoding="utf-8")

    def pid(self, name: str) -> int:
        """The pid of one of its processes, 0 when it does not run."""
        try:
            return {state.name: state.pid for state in Supervisor(self.layout).processes()}.get(name, 0)
        except SupervisorGone:
            return 0

    def left(self) -> list[psutil.Process]:
        """Its processes that live."""
        return supervision.members(self.configuration.instance)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Starts small houses and ends them."""
    houses: list[House] = []

    def begin(*flags: str) -> House:
        redis_port, web_port = free_ports(2)
        config = tmp_path / "small.yml"
        config.write_text(yaml.safe_dump({"var": str(tmp_path / "var"), "redis": {"port": redis_port}}))
        output = tmp_path / "output"
        with output.open("w") as out:
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.tellerline.small_house", str(config), str(web_port), *flags],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                text=True,
            )
        configuration = load_configuration(config)
        house = House(child, configuration, layout_of(configuration), output)
        houses.append(house)
        wait_until(lambda: "Everything is up" in house.said(), 60, house.said)
        return house

    yield begin
    for house in houses:
        with contextlib.suppress(ProcessLookupError):
            house.child.kill()
        house.child.wait()
        supervision.kill_members(house.configuration.instance)


def wait_until(holds: Callable[[], bool], seconds: float, said: Callable[[], str] = lambda: "") -> None:
    """Wait, or fail with what was said."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s. Said so far:\n{said()}")
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_within_five_seconds(start: Callable[..., House], number: int) -> None:
    house = start()
    began = time.monotonic()
    house.child.send_signal(number)
    assert house.child.wait(timeout=10) == 0
    assert time.monotonic() - began < 5
    assert not house.left()
    assert not list(house.layout.run.iterdir())


def test_redis_is_stopped_last_and_keeps_what_was_written(start: Callable[..., House]) -> None:
    house = start()
    with redis.Redis.from_url(house.configuration.redis_url) as client:
        client.xadd("journal:c-1", {"event": "hello"})
    house.child.terminate()
    house.child.wait(timeout=10)
    log = (house.layout.log / "supervisord.log").read_text()
    assert log.index("stopped: web") < log.index("stopped: redis")
    kept = b"".join(path.read_bytes() for path in house.layout.redis.rglob("*.aof"))
    assert b"journal:c-1" in kept


def test_a_process_that_ignores_the_stop_is_killed_in_time(start: Callable[..., House]) -> None:
    house = start("--stubborn")
    began = time.monotonic()
    house.child.terminate()
    house.child.wait(timeout=10)
    assert time.monotonic() - began < 5
    assert not house.left()


def test_a_dead_child_is_named_with_its_log_and_remedy_and_comes_back(start: Callable[..., House]) -> None:
    house = start()
    before = house.pid("web")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: "web is healthy again" in house.said(), 20, house.said)
    said = house.said()
    assert re.search(rf"web \(pid {before}\) died: terminated by SIGKILL", said)
    assert "a remedy for web" in said
    assert house.pid("web") not in (0, before)


def test_nothing_outlives_a_killed_supervisord(start: Callable[..., House]) -> None:
    house = start()
    os.kill(Supervisor(house.layout).pid(), signal.SIGKILL)
    wait_until(lambda: not house.left(), 5, house.said)
    assert house.child.wait(timeout=10) == 1
    assert "supervisord died" in house.said()


def test_nothing_outlives_a_killed_command_line(start: Callable[..., House]) -> None:
    house = start()
    house.child.kill()
    wait_until(lambda: not house.left(), 8, house.said)


def test_all_processes_of_an_instance_are_found_again(start: Callable[..., House]) -> None:
    house = start()
    pids = {house.pid("redis"), house.pid("web"), Supervisor(house.layout).pid()}
    assert pids <= {process.pid for process in house.left()}


def test_stop_from_elsewhere_ends_the_foreground_run(start: Callable[..., House]) -> None:
    house = start()
    stopped = supervision.stop(house.layout, house.configuration.instance)
    assert stopped.ran
    assert not stopped.killed
    assert stopped.seconds < 5
    assert house.child.wait(timeout=10) == 0
    assert not supervision.stop(house.layout, house.configuration.instance).ran


def test_secrets_are_in_private_files_only(tmp_path: Path) -> None:
    secret = "postgresql+psycopg://bank:hunter2%40@db/bank"
    configuration = Configuration.model_validate({"var": tmp_path / "var", "bank": {"database_url": secret}})
    layout = layout_of(configuration)
    previous = os.umask(0)
    try:
        supervision.write_files(layout, specify(configuration, Path("m"), KEY), configuration.instance)
    finally:
        os.umask(previous)
    holding = [
        path
        for path in layout.var.rglob("*")
        if path.is_file() and (KEY in path.read_text() or "hunter2" in path.read_text())
    ]
    assert holding == [layout.supervisor_config]
    assert all(path.stat().st_mode & 0o077 == 0 for path in layout.run.iterdir())
    assert layout.run.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("value", ["a b", "50%", 'some "quotes" inside', "it's", "a,b=c"])
def test_values_survive_supervisords_dialect(tmp_path: Path, value: str) -> None:
    configuration = Configuration.model_validate(
        {"var": tmp_path / "var", "redis": {"port": free_ports(1)[0]}}
    )
    layout = layout_of(configuration)
    told = tmp_path / "told"
    script = f"import os; open({str(told)!r}, 'w').write(os.environ['VALUE']); import time; time.sleep(60)"
    spec = small_specs(configuration, 1)[1]
    spec = type(spec)(
        name="teller",
        command=(sys.executable, "-c", script),
        probe=spec.probe,
        where="",
        remedy="",
        environment={"VALUE": value},
    )
    supervision.write_files(layout, [spec], configuration.instance)
    child = supervision.start(layout, configuration.instance, detached=False)
    try:
        wait_until(lambda: told.exists() and told.read_text() == value, 15)
    finally:
        supervision.stop(layout, configuration.instance)
        child.wait(timeout=5)


def test_a_value_that_its_dialect_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="both kinds"):
        supervision._quoted("\"'")
    with pytest.raises(ValueError, match="line break"):
        supervision._value("a ; b")


def test_only_the_present_runs_last_lines_are_shown(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("old\n--- tellerline run 2026-01-01 00:00:00 ---\nnew one\n\nnew two\n")
    assert supervision.last_lines(log) == ["new one", "new two"]
    assert supervision.last_lines(tmp_path / "none") == []
