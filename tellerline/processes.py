# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs: one typed specification a process, derived from the configuration and nothing else.

The order of the list is the order of the table; everything is started at once, because Rasa alone decides how
long it takes.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from contracts.sealed import KEY_VARIABLE
from tellerline import __version__, edge, health
from tellerline.configuration import ROOT, Configuration
from tellerline.layout import Layout, layout_of
from tellerline.room_settings import room_model
from tellerline.setup.debian import find_program
from tellerline.trained_dialogue import RASA_ENVIRONMENT

EVENT_STREAM = "events:customers"
EVENT_GROUP = "offers"
_WORKER_PORT_STEP = 10


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a process will bind: `kind` is "tcp" or "udp"; `key` is the configuration key that moves
    it.
    """

    host: str
    number: int
    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One supervised process.

    `settle_s` is how long it must run before an exit counts as a crash rather than as a failed start
    (seconds; supervisord's startsecs). `proves_by_staying`: its probe alone proves little, it must also have
    settled. `files` are what it reads, by absolute path: written with mode 0600 before the start. `remedy` is
    for the person who finds it dead.
    """

    name: str
    command: tuple[str, ...]
    probe: health.Probe
    where: str
    remedy: str
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    files: Mapping[Path, str] = field(default_factory=dict)
    settle_s: int = 2
    stops_last: bool = False
    proves_by_staying: bool = False


def specify(
    configuration: Configuration,
    rasa_model: Path,
    seal_key: str,
    workers: int = 1,
    behind_edge: bool = False,
) -> list[ProcessSpec]:
    """Every process of the installation. `seal_key` reaches agents and actions only.

    `behind_edge`: kamailio takes the configured SIP port, and spreads the calls over the workers.
    """
    layout = layout_of(configuration)
    specs = [] if configuration.redis.url else [_redis(configuration, layout)]
    specs += [
        _actions(configuration, layout, seal_key),
        _rasa(configuration, layout, rasa_model),
        _events(configuration),
    ]
    for index in range(workers):
        specs.append(_agent(configuration, layout, seal_key, index))
    for index in range(workers):
        specs.append(_gateway(configuration, layout, index, behind_edge))
    if behind_edge:
        specs.append(_edge(configuration, layout, workers))
    return specs


def agent_settings(configuration: Configuration, layout: Layout, index: int = 0) -> BaseModel:
    """The settings of agent `index`: the `agent` section over what follows from the rest of the
    configuration.
    """
    given = dict(configuration.agent)
    derived = {
        "listen": f"unix://{layout.sockets / _numbered('agent', index)}.sock",
        "redis_url": configuration.redis_url,
        "transfer_target": configuration.transfer_target,
    }
    if index and "listen" in given:
        given["listen"] = _next_address(given["listen"], index)
    dialogue = {"url": f"http://127.0.0.1:{configuration.rasa.port}", **given.pop("dialogue", {})}
    return room_model("agent").model_validate({**derived, **given, "dialogue": dialogue})


def gateway_settings(
    configuration: Configuration, layout: Layout, index: int = 0, behind_edge: bool = False
) -> BaseModel:
    """The settings of gateway worker `index`: its own agent, ports after the first worker's, and after the
    edge's.
    """
    given = dict(configuration.gateway)
    model = room_model("gateway")
    first = _values(model.model_validate(given))
    agent = _values(agent_settings(configuration, layout, index))["listen"]
    derived: dict[str, Any] = {
        "agent_address": agent,
        "sip_port": first["sip_port"] + _WORKER_PORT_STEP * (index + behind_edge),
        "rtp_port_base": first["rtp_port_base"] + first["rtp_port_count"] * index,
    }
    if behind_edge:
        # Nobody may go past the edge and its limits; calls that are there are not bound to it.
        derived["accept_from"] = (_address_of(asked_host(str(first["bind_host"]))),)
    if index or behind_edge:
        given = {key: value for key, value in given.items() if key not in derived}
    return model.model_validate({**derived, **given})


def _redis(configuration: Configuration, layout: Layout) -> ProcessSpec:
    port = configuration.redis.port
    rendered = layout.run / "redis.conf"
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        "protected-mode yes",
        "daemonize no",
        f'dir "{layout.redis}"',
        # The journal must survive a crash: at most one second of it is lost, and nothing is ever evicted.
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
        # A title of its own would overwrite its environment, by which supervision.members finds it again.
        "set-proc-title no",
    ]
    return ProcessSpec(
        name="redis",
        command=("redis-server", str(rendered)),
        probe=health.redis_probe(configuration.redis_url),
        where=f"127.0.0.1:{port}",
        remedy="see its log; a damaged append-only file is repaired with `redis-check-aof --fix`",
        ports=(Port("127.0.0.1", port, "tcp", "redis.port"),),
        files={rendered: "\n".join(lines) + "\n"},
        settle_s=1,
        stops_last=True,
    )


def _actions(configuration: Configuration, layout: Layout, seal_key: str) -> ProcessSpec:
    port = configuration.actions.port
    address = f"http://127.0.0.1:{port}"
    return ProcessSpec(
        name="actions",
        command=(_python(), "-m", "tellerline.action_server", "--port", str(port)),
        probe=health.http_probe(address, "/health", version=f"rasa-sdk {metadata.version('rasa-sdk')}"),
        where=f"127.0.0.1:{port}",
        remedy="an action or the bank failed at import: see the log, and `.venv/bin/tellerline doctor`",
        environment={**bank_environment(configuration), KEY_VARIABLE: seal_key},
        ports=(Port("127.0.0.1", port, "tcp", "actions.port"),),
        settle_s=3,
    )


def _rasa(configuration: Configuration, layout: Layout, model: Path) -> ProcessSpec:
    port = configuration.rasa.port
    endpoints = layout.run / "endpoints.yml"
    command = (
        str(ROOT / ".venv-rasa" / "bin" / "rasa"), "run", "--enable-api", "--model", str(model),
        "--endpoints", str(endpoints), "--credentials", "credentials.yml", "-i", "127.0.0.1", "-p", str(port),
    )  # fmt: skip
    return ProcessSpec(
        name="rasa",
        command=command,
        probe=health.http_probe(f"http://127.0.0.1:{port}", "/status", version_path="/version"),
        where=f"127.0.0.1:{port}",
        remedy="train the dialogue again: `make setup`; the log says what Rasa could not load",
        environment=dict(RASA_ENVIRONMENT),
        ports=(Port("127.0.0.1", port, "tcp", "rasa.port"),),
        files={endpoints: _rendered_endpoints(configuration)},
        settle_s=10,
    )


def _events(configuration: Configuration) -> ProcessSpec:
    return ProcessSpec(
        name="events",
        command=(_python(), "-m", "bank.offers.consumer"),
        probe=health.consumer_group_probe(configuration.redis_url, EVENT_STREAM, EVENT_GROUP),
        where=f"stream {EVENT_STREAM}",
        remedy="check the strategy file named in its log, and that Redis answers",
        environment=bank_environment(configuration),
        proves_by_staying=True,
    )


def _agent(configuration: Configuration, layout: Layout, seal_key: str, index: int) -> ProcessSpec:
    name = _numbered("agent", index)
    settings = agent_settings(configuration, layout, index)
    listen = str(_values(settings)["listen"])
    rendered = layout.run / f"{name}.json"
    return ProcessSpec(
        name=name,
        command=(_python(), "-m", "agent", "--settings", str(rendered)),
        probe=health.http_probe(listen, "/health", version=f"tellerline {__version__}"),
        where=_shown_address(listen),
        remedy="`.venv/bin/tellerline models verify` checks the models; the log names what failed",
        environment={KEY_VARIABLE: seal_key},
        ports=_listen_ports(listen),
        files={rendered: settings.model_dump_json(indent=2)},
        settle_s=3,
    )


def _gateway(configuration: Configuration, layout: Layout, index: int, behind_edge: bool) -> ProcessSpec:
    name = _numbered("gateway", index)
    settings = gateway_settings(configuration, layout, index, behind_edge)
    values = _values(settings)
    host, port = str(values["bind_host"]), int(values["sip_port"])
    rendered = layout.run / f"{name}.json"
    asked = asked_host(host)
    return ProcessSpec(
        name=name,
        command=(_python(), "-m", "telephony", "--settings", str(rendered)),
        probe=health.sip_probe(asked, port, version=f"pjsua2 {metadata.version('pjsua2-python')}"),
        where=f"sip:{asked}:{port} (UDP, TCP)",
        remedy="the log says which address or device PJSIP could not open; ports are set under `gateway:`",
        ports=tuple(Port(host, port, kind, "gateway.sip_port") for kind in ("udp", "tcp")),
        files={rendered: settings.model_dump_json(indent=2)},
    )


def _edge(configuration: Configuration, layout: Layout, workers: int) -> ProcessSpec:
    given = _values(room_model("gateway").model_validate(dict(configuration.gateway)))
    host, port = str(given["bind_host"]), int(given["sip_port"])
    behind = [_values(gateway_settings(configuration, layout, index, True)) for index in range(workers)]
    addresses = [(asked_host(host), int(worker["sip_port"])) for worker in behind]
    places = sum(int(worker["max_calls"]) for worker in behind)
    rendered, workers_list = layout.run / "kamailio.cfg", layout.run / "dispatcher.list"
    text = edge.configuration_text(
        host, given["public_host"], port, workers_list,
        edge.Behind(places, float(given["agent_connect_timeout_s"]), int(given["retry_after_s"])),
    )  # fmt: skip
    command = (
        _python(), "-m", "tellerline.edge_process", str(rendered),
        find_program("kamailio") or "kamailio", *edge.arguments(layout.run),
    )  # fmt: skip
    return ProcessSpec(
        name="edge",
        command=command,
        probe=health.sip_probe(asked_host(host), port, version="kamailio"),
        where=f"sip:{asked_host(host)}:{port} (UDP, TCP; {places} calls)",
        remedy="the log names what kamailio could not read or bind; ports are set under `gateway:`",
        ports=tuple(Port(host, port, kind, "gateway.sip_port") for kind in ("udp", "tcp")),
        files={rendered: text, workers_list: edge.workers_text(addresses)},
        # The workers' last requests go through it.
        stops_last=True,
    )


def asked_host(bind_host: str) -> str:
    """Where this machine itself reaches what is bound to `bind_host`."""
    return edge.inside(bind_host)


def _address_of(host: str) -> str:
    return str(socket.getaddrinfo(host, None)[0][4][0])


def bank_environment(configuration: Configuration) -> dict[str, str]:
    """What the bank's own code reads from its environment."""
    return {
        "TELLERLINE_DATABASE_URL": configuration.database_url,
        "TELLERLINE_REDIS_URL": configuration.redis_url,
        "TELLERLINE_TRANSFER_TARGET": configuration.transfer_target,
        "TELLERLINE_STRATEGIES": str(configuration.bank.strategies),
    }


def _rendered_endpoints(configuration: Configuration) -> str:
    """The project's endpoints.yml with this installation's action server in it."""
    source = ROOT / "endpoints.yml"
    content = (yaml.safe_load(source.read_text(encoding="utf-8")) if source.exists() else None) or {}
    content["action_endpoint"] = {"url": f"http://127.0.0.1:{configuration.actions.port}/webhook"}
    return yaml.safe_dump(content)


def _listen_ports(listen: str) -> tuple[Port, ...]:
    if not listen.startswith("ws://"):
        return ()
    host, _, port = listen.removeprefix("ws://").split("/")[0].rpartition(":")
    return (Port(host, int(port), "tcp", "agent.listen"),) if port.isdigit() else ()


def _next_address(listen: str, index: int) -> str:
    """The address of agent `index` when the first one's is configured: next port or numbered socket."""
    head, colon, port = listen.rpartition(":")
    if listen.startswith("ws://") and port.isdigit():
        return f"{head}{colon}{int(port) + index}"
    return f"{listen}-{index + 1}"


def _shown_address(listen: str) -> str:
    path = listen.removeprefix("unix://")
    return path if path != listen else listen.removeprefix("ws://")


def _numbered(name: str, index: int) -> str:
    return name if index == 0 else f"{name}-{index + 1}"


def _python() -> str:
    return str(ROOT / ".venv" / "bin" / "python")


def _values(settings: BaseModel) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(settings.model_dump_json())
    return values
