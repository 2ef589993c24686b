# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes from Debian: Redis, the edge, and the independent telephones that the tests call with."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from tellerline.setup.steps import SetupFailed, Steps


@dataclass(frozen=True)
class Package:
    """A Debian package, the program that shows that it is there, and what it is for."""

    name: str
    program: str
    purpose: str
    mandatory: bool = False
    # A service that Debian starts with the package, on a port that we need; we run the program ourselves.
    unwanted_service: Optional[str] = None


PACKAGES = (
    Package("redis-server", "redis-server", "journal, events and live calls", mandatory=True),
    Package("kamailio", "kamailio", "one address for several workers", unwanted_service="kamailio"),
    Package("sip-tester", "sipp", "the independent SIP caller of the tests"),
    Package("baresip", "baresip", "the independent telephone of the tests"),
    Package("espeak-ng", "espeak-ng", "the voice of the simulated caller"),
    Package("flite", "flite", "another voice of the simulated caller"),
)


def missing(packages: Sequence[Package] = PACKAGES) -> list[Package]:
    """Those whose program is not on the PATH."""
    return [package for package in packages if find_program(package.program) is None]


def find_program(name: str) -> Optional[str]:
    """Where a program lies; /usr/sbin counts too, which an ordinary user's PATH may lack."""
    return shutil.which(name) or shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin")


def install_command(packages: Sequence[Package]) -> list[str]:
    """The command that an administrator would type."""
    names = [package.name for package in packages]
    return ["apt-get", "install", "-y", "--no-install-recommends", *names]


def install(steps: Steps) -> None:
    """Install what is missing, if this user may. Raises SetupFailed only when Redis can't be had."""
    wanted = missing()
    if not wanted:
        steps.done("Debian packages", ", ".join(package.name for package in PACKAGES))
        return
    prefix = _privilege()
    by_hand = "sudo " + " ".join(install_command(wanted))
    if prefix is None or shutil.which("apt-get") is None:
        _report(wanted, by_hand, steps)
        return
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        steps.run("Debian package lists", [*prefix, "apt-get", "update", "-q"], by_hand, environment=quiet)
    except SetupFailed:
        steps.warn("apt-get update failed: trying with the lists that are there")
    # Mandatory ones alone first: one optional package that can't be had must not keep Redis out.
    for batch in ([p for p in wanted if p.mandatory], [p for p in wanted if not p.mandatory]):
        if batch:
            _mask_services(batch, prefix)
            title = "Debian: " + ", ".join(package.name for package in batch)
            try:
                steps.run(title, [*prefix, *install_command(batch)], by_hand, environment=quiet)
            except SetupFailed:
                if any(package.mandatory for package in batch):
                    raise
    still = missing()
    if still:
        _report(still, "sudo " + " ".join(install_command(still)), steps)


def _mask_services(packages: Sequence[Package], prefix: Sequence[str]) -> None:
    """Keep Debian from starting services of its own; harmless where there is no systemd."""
    for package in packages:
        if package.unwanted_service and shutil.which("systemctl") is not None:
            command = [*prefix, "systemctl", "mask", package.unwanted_service]
            subprocess.run(command, capture_output=True, check=False)


def _report(packages: Sequence[Package], by_hand: str, steps: Steps) -> None:
    lacking = "; ".join(f"{package.name} ({package.purpose})" for package in packages)
    if any(package.mandatory for package in packages):
        raise SetupFailed(f"missing from Debian: {lacking}\n  To mend it: {by_hand}")
    steps.warn(f"optional, not installed: {lacking}. To have them: {by_hand}")


def _privilege() -> Optional[list[str]]:
    """The words before apt-get that let this user install, or None when it may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if allowed else None
