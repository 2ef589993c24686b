# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration: files override each other key by key, and every mistake names file, line, key and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tellerline.configuration import ROOT, SHIPPED, Configuration, ConfigurationError, load_configuration
from tellerline.layout import MAX_SOCKET_BYTES, layout_of


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the shipped configuration alone."""
    (tmp_path / SHIPPED).write_text((ROOT / SHIPPED).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def mistake(checkout: Path, text: str) -> str:
    overlay = checkout / "mine.yml"
    overlay.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(overlay, checkout)
    return str(caught.value)


def test_the_shipped_file_states_the_defaults(checkout: Path) -> None:
    shipped = load_configuration(root=checkout)
    defaults = Configuration()
    for section in ("var", "transfer_target", "redis", "rasa", "actions", "bank"):
        assert getattr(shipped, section) == getattr(defaults, section)


def test_later_files_win_key_by_key(checkout: Path) -> None:
    (checkout / "tellerline.local.yml").write_text("redis: {port: 7001}\nrasa: {port: 7002}\n")
    overlay = checkout / "mine.yml"
    overlay.write_text("rasa: {port: 7003}\nbank: {customers: 12}\n")
    found = load_configuration(overlay, checkout)
    assert (found.redis.port, found.rasa.port, found.bank.customers) == (7001, 7003, 12)
    assert found.bank.seed == 7
    assert found.gateway["sip_port"] == 5060


def test_an_empty_section_changes_nothing(checkout: Path) -> None:
    (checkout / "tellerline.local.yml").write_text("gateway:\n  # sip_port: 5070\n")
    assert load_configuration(root=checkout).gateway["sip_port"] == 5060


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("redis:\n  prot: 1\n", ["mine.yml:2", "redis.prot", "did you mean `port`?"]),
        ("gateway:\n\n  sip_prt: 5060\n", ["mine.yml:3", "gateway.sip_prt", "did you mean `sip_port`?"]),
        ("agent: {voice: {speed: 2}}\n", ["mine.yml:1", "agent.voice.speed", "length_scale"]),
        ("rasa: {port: 99999}\n", ["mine.yml:1", "rasa.port", "65535", "99999"]),
        ("gateway: {max_calls: 9}\n", ["mine.yml:1", "gateway.max_calls", "Start more workers"]),
        ("redis: {url: 'localhost:6379'}\n", ["redis.url", "redis|rediss|unix"]),
        ("colour: blue\n", ["mine.yml:1", "colour", "the keys here are", "transfer_target"]),
        ("redis: [\n", ["mine.yml", "is not YAML"]),
        ("- redis\n", ["mine.yml", "must hold keys"]),
    ],
)
def test_a_mistake_names_its_place_and_the_remedy(checkout: Path, text: str, said: list[str]) -> None:
    message = mistake(checkout, text)
    for part in said:
        assert part in message


def test_all_mistakes_are_told_at_once(checkout: Path) -> None:
    message = mistake(checkout, "redis: {port: 0}\nrasa: {prot: 1}\n")
    assert len(message.splitlines()) == 2


def test_a_password_in_a_rejected_value_is_not_shown(checkout: Path) -> None:
    assert "hunter2" not in mistake(checkout, "redis: {url: 'http://me:hunter2@host/0'}\n")


def test_a_missing_file_is_named(checkout: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yml: can't be read"):
        load_configuration(checkout / "nowhere.yml", checkout)


def test_a_deep_var_gets_sockets_in_a_short_private_folder(checkout: Path) -> None:
    deep = checkout / ("a" * 60) / ("b" * 60) / "var"
    near = layout_of(Configuration(var=Path("/srv/t/var")))
    assert near.sockets == near.run
    first = layout_of(Configuration(var=deep))
    second = layout_of(Configuration(var=deep.with_name("other")))
    assert len(str(first.supervisor_socket)) <= MAX_SOCKET_BYTES
    assert first.sockets != second.sockets
    first.create()
    try:
        assert first.sockets.stat().st_mode & 0o777 == 0o700
        assert first.run.stat().st_mode & 0o777 == 0o700
    finally:
        first.sockets.rmdir()
