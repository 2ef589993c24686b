# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario files are written by people: every mistake names its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tellerline.scenario.script import Scenario, ScenarioError, load_scenario

ROOT = Path(__file__).parents[3]
SHIPPED = [*sorted((ROOT / "tests" / "scenarios").glob("*.yml")), ROOT / "docs" / "conversation.yml"]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scenario.yml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_ones_can_be_read(path: Path) -> None:
    assert isinstance(load_scenario(path), Scenario)


def test_one_expectation_or_a_list_of_them(tmp_path: Path) -> None:
    text = "name: x\nturns:\n  - expect: {says: hi}\n"
    text += "  - say: yes\n    expect: [{says: a}, {absent: b, in: journal}]\n"
    scenario = load_scenario(written(tmp_path, text))
    assert [len(turn.expect) for turn in scenario.turns] == [1, 2]
    assert scenario.turns[1].expect[1].where == "journal"
    assert scenario.turns[1].say == "yes", "a bare yes in YAML is a word here"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: x\nturns: []", "turns"),
        ("name: x\nturns: [{say: a, dtmf: '1'}]", "one of say, wav"),
        ("name: x\nturns: [{shout: a}]", "turns.0.shout"),
        ("name: x\nturns: [{expect: {says: '('}}]", "regular expression"),
        ("name: x\nturns: [{dtmf: abc}]", "turns.0.dtmf"),
        ("name: x\nturns: [{wav: missing.wav}]", "no such sound file"),
        ("name: x\nturns: [{say: [1.0, a]}]", "take turns"),
        ("name: x\nturns: [{say: [a, 1.0]}]", "take turns"),
        ("name: x\nturns: [{say: [a, 90, b]}]", "up to 30 seconds"),
        ("name: x\nturns: [{noise: bark}]", "turns.0.noise"),
        ("name: x\nturns: [{interrupt: {after_ms: 5}}]", "an interruption has one of say"),
        ("name: x\nturns: [{interrupt: {after_ms: 5, say: a, hangup: true}}]", "an interruption has one"),
        ("name: x\nturns: [{interrupt: {after_ms: 5, wav: missing.wav}}]", "no such sound file"),
        ("name: x\nturns: [{hangup: false}]", "turns.0.hangup"),
        ("name: [", "not YAML"),
    ],
)
def test_mistakes_name_their_place(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ScenarioError, match=reason):
        load_scenario(written(tmp_path, text))


def test_pauses_inside_a_turn_and_deeds_over_the_agent(tmp_path: Path) -> None:
    text = """
name: x
turns:
  - say: ["I'd like to", 3.0, yes]
  - interrupt: {after_ms: 900, noise: {kind: door, peak_dbfs: -20}}
    expect: {resumes_within_ms: 2000, turns: 0, journal: agent_resumes}
  - interrupt: {after_ms: 900, hold: {for_ms: 3000}}
  - hangup: true
"""
    thought, door, hold, hangup = load_scenario(written(tmp_path, text)).turns
    assert thought.words == "I'd like to … yes"
    assert thought.awaits_reply
    assert door.deed.noise is not None
    assert (door.deed.noise.kind, door.deed.noise.peak_dbfs) == ("door", -20)
    assert door.expect[0].journal == ("agent_resumes",)
    assert not any(turn.awaits_reply for turn in (door, hold, hangup))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ScenarioError, match=r"nowhere\.yml"):
        load_scenario(Path("nowhere.yml"))
