# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the edge is started, and where callers find the workers with it and without it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from tellerline import run_command
from tellerline.configuration import Configuration
from tellerline.layout import layout_of


def test_without_kamailio_the_workers_keep_their_ports_and_a_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = io.StringIO()
    monkeypatch.setattr(run_command, "find_program", lambda name: None)
    assert not run_command._behind_edge(3, Console(file=output, width=300))
    assert "apt-get install -y --no-install-recommends kamailio" in output.getvalue()
    monkeypatch.setattr(run_command, "find_program", lambda name: f"/usr/sbin/{name}")
    assert run_command._behind_edge(3, Console(file=output))
    assert not run_command._behind_edge(1, Console(file=output)), "one worker needs no edge"


@pytest.mark.parametrize(("edge", "ports"), [(True, [5060]), (False, [5060, 5070, 5080])])
def test_callers_are_spread_by_the_edge_or_by_port(tmp_path: Path, edge: bool, ports: list[int]) -> None:
    configuration = Configuration.model_validate({"var": str(tmp_path)})
    layout = layout_of(configuration)
    layout.create()
    layout.state.write_text(json.dumps({"workers": 3, "edge": edge, "started_at": 0.0}))
    assert run_command.hotlines(configuration) == [f"sip:hotline@127.0.0.1:{port}" for port in ports]
    names = [spec.name for spec in run_command._present_specs(configuration, layout)]
    assert ("edge" in names) is edge
