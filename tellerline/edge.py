# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge's files: kamailio's configuration out of its template, and the list of the workers behind it."""

from __future__ import annotations

import socket
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tellerline.configuration import ROOT

TEMPLATE = ROOT / "edge" / "kamailio.cfg"

# In two seconds, of one address: new requests, and those of a call, ten keys a second by INFO.
_NEW_REQUESTS, _REQUESTS_A_CALL = 100, 20
# Beside its agent's time to connect: a worker on a machine under load still answers.
_ANSWER_S = 8.0


class _Template(string.Template):
    """`%%{name}`: kamailio's own variables begin with `$`."""

    delimiter = "%%"


@dataclass(frozen=True, slots=True)
class Behind:
    """What the edge must know of its workers: the calls that they take together, the longest time from an
    INVITE to an agent's having the call (seconds), and when a caller who is refused may try again (seconds).
    """

    calls: int
    agent_connect_timeout_s: float
    retry_after_s: int


def inside(bind_host: str) -> str:
    """Where on this machine is reached what is bound to `bind_host`: edge and workers by each other."""
    return "127.0.0.1" if bind_host in ("", "0.0.0.0", "::") else bind_host


def configuration_text(
    bind_host: str, public_host: str | None, port: int, workers_list: Path, behind: Behind
) -> str:
    """kamailio's configuration for one UDP and TCP address.

    `public_host` is what telephones are told when it is not the bound one; bound to all addresses, that is
    the one that this machine reaches the network from. Raises ValueError for a path that kamailio's quotes
    can't hold.
    """
    if '"' in str(workers_list):
        raise ValueError(f"kamailio can't be given the path {workers_list}: it holds a quote")
    if public_host is None and bind_host == "0.0.0.0":
        public_host = _own_address()
    told = public_host if public_host != bind_host else None
    address, within = _bracketed(told or bind_host), _bracketed(inside(bind_host))
    return _Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        listen=f"{_bracketed(bind_host)}:{port}",
        advertise=f" advertise {_bracketed(told)}:{port}" if told else "",
        address=address,
        outside=f"{address}:{port}",
        workers=within,
        inside=f"{within}:{port}",
        dispatcher=str(workers_list),
        density=str(_NEW_REQUESTS + _REQUESTS_A_CALL * behind.calls),
        answer_ms=str(round((behind.agent_connect_timeout_s + _ANSWER_S) * 1000)),
        retry_after_s=str(behind.retry_after_s),
    )


def arguments(folder: Path) -> tuple[str, ...]:
    """kamailio's arguments beside its configuration: in the foreground, writing to `folder` only, with 32 MB
    of shared memory and 4 MB a process.
    """
    return ("-DD", "-E", "-Y", str(folder), "-w", str(folder), "-m", "32", "-M", "4")


def workers_text(addresses: Sequence[tuple[str, int]]) -> str:
    """The dispatcher's list: set 1 holds every worker, by host and SIP port."""
    return "".join(f"1 sip:{_bracketed(host)}:{port}\n" for host, port in addresses)


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: a datagram socket only asks the routing table. RFC 5737's documentation network.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
