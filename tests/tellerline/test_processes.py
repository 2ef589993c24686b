# SPDX-License-Identifier: GPL-3.0-or-later
"""The process specifications: who gets which ports, secrets and settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tellerline.configuration import Configuration
from tellerline.processes import ProcessSpec, specify
from tellerline.trained_dialogue import adopt, find_model, model_path, source_hash

KEY = "a-key-that-must-not-spread"


def specs(workers: int = 1, *, behind_edge: bool = False, **content: object) -> dict[str, ProcessSpec]:
    configuration = Configuration.model_validate({"var": "var/tests", **content})
    found = specify(configuration, Path("m.tar.gz"), KEY, workers, behind_edge)
    return {spec.name: spec for spec in found}


def settings(spec: ProcessSpec) -> dict[str, object]:
    (text,) = spec.files.values()
    found: dict[str, object] = json.loads(text)
    return found


def test_only_agents_and_actions_get_the_key() -> None:
    holders = {name for name, spec in specs(workers=2).items() if KEY in spec.environment.values()}
    assert holders == {"agent", "agent-2", "actions"}
    assert not any(KEY in text for spec in specs().values() for text in spec.files.values())
    assert not any(KEY in word for spec in specs().values() for word in spec.command)


def test_a_redis_by_url_is_not_started_and_reaches_everybody() -> None:
    url = "redis://redis.bank:6379/2"
    found = specs(redis={"url": url})
    assert "redis" not in found
    assert settings(found["agent"])["redis_url"] == url
    assert found["events"].environment["TELLERLINE_REDIS_URL"] == url
    assert found["actions"].environment["TELLERLINE_REDIS_URL"] == url


def test_workers_never_share_a_port_and_each_has_its_agent() -> None:
    found = specs(workers=3, gateway={"sip_port": 5100, "rtp_port_base": 20000, "rtp_port_count": 100})
    gateways = [settings(found[name]) for name in ("gateway", "gateway-2", "gateway-3")]
    assert [gateway["sip_port"] for gateway in gateways] == [5100, 5110, 5120]
    assert [gateway["rtp_port_base"] for gateway in gateways] == [20000, 20100, 20200]
    agents = [settings(found[name])["listen"] for name in ("agent", "agent-2", "agent-3")]
    assert [gateway["agent_address"] for gateway in gateways] == agents
    assert len(set(agents)) == 3


def test_the_edge_takes_the_configured_port_and_knows_every_worker() -> None:
    gateway = {"sip_port": 5100, "max_calls": 2, "retry_after_s": 11}
    found = specs(workers=3, behind_edge=True, gateway=gateway)
    ports = [settings(found[name])["sip_port"] for name in ("gateway", "gateway-2", "gateway-3")]
    assert ports == [5110, 5120, 5130]
    edge = found["edge"]
    texts = {path.name: text for path, text in edge.files.items()}
    listed = texts["dispatcher.list"].splitlines()
    assert listed == [f"1 sip:127.0.0.1:{port}" for port in ports]
    assert "listen=udp:127.0.0.1:5100\n" in texts["kamailio.cfg"]
    assert "Retry-After: 11" in texts["kamailio.cfg"]
    assert "%%" not in texts["kamailio.cfg"]
    assert {(port.number, port.kind) for port in edge.ports} == {(5100, "udp"), (5100, "tcp")}
    assert "6 calls" in edge.where
    numbers = [port.number for spec in found.values() for port in spec.ports if port.kind == "udp"]
    assert len(numbers) == len(set(numbers)), "nobody shares a port with another"


def test_an_edge_that_is_known_by_another_address_says_so_in_its_routes() -> None:
    gateway = {"bind_host": "0.0.0.0", "public_host": "192.0.2.7"}
    edge = specs(workers=2, behind_edge=True, gateway=gateway)["edge"]
    texts = {path.name: text for path, text in edge.files.items()}
    assert "listen=tcp:0.0.0.0:5060 advertise 192.0.2.7:5060" in texts["kamailio.cfg"]
    assert texts["dispatcher.list"].startswith("1 sip:127.0.0.1:5070\n")


def test_one_worker_needs_no_edge() -> None:
    assert "edge" not in specs()
    assert "edge" not in specs(workers=2)


def test_a_configured_agent_address_moves_on_by_worker() -> None:
    found = specs(workers=2, agent={"listen": "ws://127.0.0.1:8970"})
    assert settings(found["agent-2"])["listen"] == "ws://127.0.0.1:8971"
    assert [port.number for port in found["agent-2"].ports] == [8971]


def test_the_dialogue_and_its_actions_find_each_other() -> None:
    found = specs(rasa={"port": 7005}, actions={"port": 7055})
    assert "http://127.0.0.1:7055/webhook" in next(iter(found["rasa"].files.values()))
    dialogue = settings(found["agent"])["dialogue"]
    assert isinstance(dialogue, dict)
    assert dialogue["url"] == "http://127.0.0.1:7005"


def test_a_room_setting_of_the_user_wins_over_what_is_derived() -> None:
    found = specs(agent={"transfer_target": "sip:desk@10.0.0.1", "dialogue": {"timeout_s": 9}})
    assert settings(found["agent"])["transfer_target"] == "sip:desk@10.0.0.1"
    dialogue = settings(found["agent"])["dialogue"]
    assert isinstance(dialogue, dict)
    assert (dialogue["timeout_s"], dialogue["url"]) == (9, "http://127.0.0.1:5005")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that looks like a Rasa project."""
    for folder in ("domain", "nlu_data", "channels", "requirements"):
        (tmp_path / folder).mkdir()
    for file in ("config.yml", "domain/a.yml", "nlu_data/n.yml", "channels/c.py", "requirements/rasa.txt"):
        (tmp_path / file).write_text(file)
    return tmp_path


@pytest.mark.parametrize("changed", ["config.yml", "domain/a.yml", "nlu_data/n.yml", "channels/c.py"])
def test_a_change_of_the_dialogue_asks_for_training_and_keeps_the_last_good_model(
    project: Path, changed: str
) -> None:
    models = project / "models"
    out = models / ".training"
    out.mkdir(parents=True)
    (out / "dialogue.tar.gz").write_text("first")
    trained = adopt(project, models, out)
    found = find_model(project, models)
    assert found is not None
    assert found.current
    (project / changed).write_text("something else")
    found = find_model(project, models)
    assert found is not None
    assert (found.path, found.current) == (trained, False)
    assert model_path(project, models) != trained


def test_an_unrelated_file_does_not_ask_for_training(project: Path) -> None:
    before = source_hash(project)
    (project / "nlu_data" / "notes.txt").write_text("not trained on")
    (project / "README.md").write_text("nor this")
    assert source_hash(project) == before


def test_only_the_last_good_model_is_kept_beside_the_present_one(project: Path) -> None:
    models = project / "models"
    for number in range(4):
        (project / "config.yml").write_text(str(number))
        (models / ".training").mkdir(parents=True)
        (models / ".training" / "dialogue.tar.gz").write_text(str(number))
        adopt(project, models, models / ".training")
    assert len(list(models.glob("*.tar.gz"))) == 2


@pytest.mark.parametrize(("host", "edge"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.3", "127.0.0.3")])
def test_behind_the_edge_new_calls_come_from_it_alone_and_the_rest_from_anywhere(
    host: str, edge: str
) -> None:
    behind = settings(specs(workers=2, behind_edge=True, gateway={"bind_host": host})["gateway"])
    alone = settings(specs(gateway={"bind_host": host})["gateway"])
    assert (behind["accept_from"], behind["bind_host"]) == ([edge], host)
    assert (alone["accept_from"], alone["bind_host"]) == ([], host)


def test_the_edge_stops_after_the_workers_whose_byes_go_through_it() -> None:
    assert {name for name, spec in specs(2, behind_edge=True).items() if spec.stops_last} == {"redis", "edge"}


def test_the_edge_waits_for_an_answer_as_long_as_a_worker_waits_for_its_agent() -> None:
    edge = specs(2, behind_edge=True, gateway={"agent_connect_timeout_s": 20})["edge"]
    texts = {path.name: text for path, text in edge.files.items()}
    assert '"fr_inv_timer", 28000)' in texts["kamailio.cfg"]
