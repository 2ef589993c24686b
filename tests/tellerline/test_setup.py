# SPDX-License-Identifier: GPL-3.0-or-later
"""The set-up: what a failure says, where interpreters are looked for, and that nothing is done twice."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tellerline.configuration import ROOT
from tellerline.setup import debian, environments
from tellerline.setup.environments import AGENT, RASA, STAMP
from tellerline.setup.interpreters import find_python
from tellerline.setup.steps import SetupFailed, Steps

NEVER_USED = Path("/nowhere/uv")


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return Steps(tmp_path / "setup.log", io.StringIO())


def test_a_failing_step_shows_its_last_lines_and_the_remedy(steps: Steps, tmp_path: Path) -> None:
    script = "import sys; [print(f'line {n}') for n in range(50)]; sys.exit(3)"
    with pytest.raises(SetupFailed) as caught:
        steps.run("a long step", [sys.executable, "-c", script], "do this instead")
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("a long step failed:")
    assert [line.strip() for line in lines if line.strip().startswith("line ")] == [
        f"line {number}" for number in range(30, 50)
    ]
    assert lines[-1] == "  To mend it: do this instead"
    assert "line 0\n" in (tmp_path / "setup.log").read_text()


def test_a_command_that_is_not_there_says_so(steps: Steps) -> None:
    with pytest.raises(SetupFailed, match="No such file"):
        steps.run("a step", ["/nowhere/command"], "install it")


def test_output_that_is_not_a_terminal_gets_plain_lines(tmp_path: Path) -> None:
    stream = io.StringIO()
    Steps(tmp_path / "log", stream).run("a step", [sys.executable, "-c", "print('noise')"], "none")
    assert stream.getvalue().splitlines() == ["  … a step", "  ✓ a step (0 s)"]


def fake_python(folder: Path, version: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"python{version}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_shim_that_refuses_is_passed_over_for_pyenvs_own_version(tmp_path: Path) -> None:
    fake_python(tmp_path / "shims", "3.10", "echo 'pyenv: python3.10: command not found' >&2; exit 127")
    older = fake_python(tmp_path / "pyenv/versions/3.10.9/bin", "3.10", "echo 3.10; echo $0")
    newest = fake_python(tmp_path / "pyenv/versions/3.10.13/bin", "3.10", "echo 3.10; echo $0")
    fake_python(tmp_path / "pyenv/versions/3.11.4/bin", "3.11", "echo 3.11; echo $0")
    seen = {"PATH": str(tmp_path / "shims"), "PYENV_ROOT": str(tmp_path / "pyenv")}
    assert find_python("3.10", seen, tmp_path) == newest
    newest.unlink()
    assert find_python("3.10", seen, tmp_path) == older


def test_the_path_comes_before_pyenv_and_home_is_the_last_place(tmp_path: Path) -> None:
    on_path = fake_python(tmp_path / "bin", "3.10", "echo 3.10; echo $0")
    in_home = fake_python(tmp_path / "home/.pyenv/versions/3.10.1/bin", "3.10", "echo 3.10; echo $0")
    assert find_python("3.10", {"PATH": str(tmp_path / "bin")}, tmp_path / "home") == on_path
    assert find_python("3.10", {"PATH": ""}, tmp_path / "home") == in_home
    assert find_python("3.9", {"PATH": ""}, tmp_path / "home") is None


def test_an_environment_is_made_anew_only_when_its_lock_changes(tmp_path: Path, steps: Steps) -> None:
    (tmp_path / "requirements").mkdir()
    lock = tmp_path / AGENT.lock
    lock.write_text("a==1\n")
    interpreter = AGENT.interpreter(tmp_path)
    interpreter.parent.mkdir(parents=True)
    interpreter.symlink_to(sys.executable)
    stamp = AGENT.path(tmp_path) / STAMP
    assert not environments.is_current(AGENT, tmp_path)
    stamp.write_text(environments.lock_hash(AGENT, tmp_path))
    assert environments.is_current(AGENT, tmp_path)
    assert not environments.make(AGENT, tmp_path, NEVER_USED, steps)
    lock.write_text("a==2\n")
    assert not environments.is_current(AGENT, tmp_path)
    with pytest.raises(SetupFailed):
        environments.make(AGENT, tmp_path, NEVER_USED, steps)
    assert not stamp.exists()


def test_the_launcher_works_from_anywhere(tmp_path: Path) -> None:
    answer = subprocess.run(
        [ROOT / ".venv" / "bin" / "tellerline", "--version"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert answer.stdout.startswith("tellerline ")


def test_the_locks_carry_hashes_and_name_no_host() -> None:
    for lock in (AGENT.lock, RASA.lock, "requirements/uv.txt"):
        text = (ROOT / lock).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index-url" not in text


def test_a_user_without_rights_is_told_the_command(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(debian, "missing", lambda: list(debian.PACKAGES))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupFailed, match="sudo apt-get install -y --no-install-recommends redis-server"):
        debian.install(steps)


def test_the_bootstrap_needs_no_dependency() -> None:
    script = "import sys, tellerline.setup.__main__; print({'rich', 'yaml', 'pydantic'} & set(sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert answer.stdout.strip() == "set()"
