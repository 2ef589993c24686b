# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline doctor`: what Tellerline needs of this machine, each finding with the command that mends it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

import psutil
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tellerline import preflight
from tellerline.configuration import (
    LOCAL,
    ROOT,
    SHIPPED,
    Configuration,
    ConfigurationError,
    load_configuration,
)
from tellerline.health import redis_probe
from tellerline.layout import Layout, layout_of
from tellerline.model_registry import load_registry, verify
from tellerline.models_command import MODELS, expected
from tellerline.processes import specify
from tellerline.setup import debian, environments
from tellerline.setup.interpreters import find_python

# The processes together hold about 1.3 GB; the environments, models and journal need the disk.
LEAST_MEMORY_MB = 2000
LEAST_DISK_MB = 500


class Grade(Enum):
    """How much a finding matters."""

    GOOD = "ok"
    OPTIONAL = "optional"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    subject: str
    grade: Grade
    found: str
    remedy: str = ""


def examine(overlay: Path | None, *, as_json: bool, console: Console) -> int:
    """Print all findings; 1 when something mandatory is missing."""
    found = list(findings(overlay))
    healthy = all(finding.grade is not Grade.MISSING for finding in found)
    if as_json:
        entries = [{**asdict(finding), "grade": finding.grade.value} for finding in found]
        console.print_json(json.dumps({"healthy": healthy, "findings": entries}))
        return 0 if healthy else 1
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "what", "found", "to mend it"):
        table.add_column(column, overflow="fold")
    marks = {Grade.GOOD: "[green]✓[/]", Grade.OPTIONAL: "[yellow]![/]", Grade.MISSING: "[red]✗[/]"}
    for finding in found:
        table.add_row(marks[finding.grade], finding.subject, escape(finding.found), escape(finding.remedy))
    console.print(table)
    console.print(
        "\nAll that is mandatory is there." if healthy else "\n[red]Something mandatory is missing.[/]"
    )
    return 0 if healthy else 1


def findings(overlay: Path | None) -> Iterator[Finding]:
    """Look at everything, one after another. A configuration that can't be read ends it early."""
    yield from _interpreters()
    yield from _debian()
    try:
        configuration = load_configuration(overlay)
    except ConfigurationError as error:
        yield Finding("configuration", Grade.MISSING, str(error), f"mend {LOCAL} or the file given")
        return
    yield Finding("configuration", Grade.GOOD, str(overlay or SHIPPED))
    layout = layout_of(configuration)
    checks: tuple[Callable[[Configuration, Layout], Iterator[Finding]], ...] = (
        _models, _dialogue, _bank, _redis, _ports, _var, _memory
    )  # fmt: skip
    for check in checks:
        yield from check(configuration, layout)


def _interpreters() -> Iterator[Finding]:
    for environment in environments.ENVIRONMENTS:
        python = environment.interpreter(ROOT)
        if not python.exists():
            base = find_python(environment.python)
            found = f"not there (CPython {environment.python}: {base or 'none found'})"
            yield Finding(environment.folder, Grade.MISSING, found, "make setup")
        elif not environments.is_current(environment, ROOT):
            yield Finding(environment.folder, Grade.MISSING, f"differs from {environment.lock}", "make setup")
        else:
            yield Finding(environment.folder, Grade.GOOD, f"as {environment.lock} says")


def _debian() -> Iterator[Finding]:
    for package in debian.PACKAGES:
        path = debian.find_program(package.program)
        if path is not None:
            yield Finding(package.name, Grade.GOOD, path)
            continue
        grade = Grade.MISSING if package.mandatory else Grade.OPTIONAL
        remedy = "sudo " + " ".join(debian.install_command([package]))
        yield Finding(package.name, grade, f"not installed ({package.purpose})", remedy)
    if shutil.which("setpriv", path="/usr/bin:/bin:/usr/local/bin") is None:
        yield Finding(
            "setpriv", Grade.OPTIONAL, "not installed (ends the processes when their supervisor is killed)",
            "sudo apt-get install -y util-linux",
        )  # fmt: skip


def _models(configuration: Configuration, layout: Layout) -> Iterator[Finding]:
    for problem in preflight.missing_models(configuration, layout):
        yield Finding("speech model", Grade.MISSING, problem.what, problem.remedy)
    for entry in expected(load_registry(MODELS / "registry.yml")):
        wrong = verify(entry, MODELS)
        fatal = [finding for finding in wrong if finding.fatal]
        # A model that the configuration does not use may be incomplete.
        grade = Grade.MISSING if fatal and entry.shipped else Grade.OPTIONAL if wrong else Grade.GOOD
        mend = "git checkout -- models" if entry.shipped else f".venv/bin/tellerline models pull {entry.name}"
        problems = [f"{finding.file}: {finding.problem}" for finding in wrong]
        found = "; ".join(problems) or "checksums right"
        if not (MODELS / entry.name).is_dir():
            found = f"{MODELS / entry.name} is not there"
        yield Finding(f"model {entry.name}", grade, found, mend if fatal else "")


def _dialogue(configuration: Configuration, layout: Layout) -> Iterator[Finding]:
    model = preflight.trained_dialogue(configuration)
    if model is None:
        yield Finding("trained dialogue", Grade.MISSING, f"none in {configuration.rasa_models}", "make setup")
    elif not model.current:
        yield Finding(
            "trained dialogue", Grade.OPTIONAL, "older than its sources; it still works", "make setup"
        )
    else:
        yield Finding("trained dialogue", Grade.GOOD, model.path.name)


def _bank(configuration: Configuration, layout: Layout) -> Iterator[Finding]:
    from bank.database import Database

    where = preflight.sqlite_file(configuration)
    if where is not None and not where.exists():
        yield Finding("bank", Grade.MISSING, f"{where} does not exist", "make setup")
        return
    try:
        Database(configuration.database_url).close()
    except Exception as error:  # every database driver has errors of its own
        remedy = "check bank.database_url and that the database answers"
        yield Finding("bank", Grade.MISSING, " ".join(str(error).split())[:200], remedy)
        return
    yield Finding("bank", Grade.GOOD, str(where or "its own database answers"))


def _redis(configuration: Configuration, layout: Layout) -> Iterator[Finding]:
    if configuration.redis.url is None:
        return
    health = redis_probe(configuration.redis.url)()
    remedy = "" if health.ok else "check redis.url, and that this machine may reach it"
    yield Finding(
        "Redis", Grade.GOOD if health.ok else Grade.MISSING, health.version or health.detail, remedy
    )


def _ports(configuration: Configuration, layout: Layout) -> Iterator[Finding]:
    for spec in specify(configuration, Path("any"), ""):
        for port in spec.ports:
            subject = f"{port.kind.upper()} port {port.number} ({spec.name})"
            if preflight.can_bind(port):
                yield Finding(subject, Grade.GOOD, "free")
                continue
            by = preflight.holder(port)
            if by.instance == configuration.instance:
                yield Finding(subject, Grade.GOOD, f"held by our {by}")
            else:
                change = f"{f'kill {by.pid}, or ' if by.pid else ''}set another {port.key} in {LOCAL}"
                yield Finding(subject, Grade.MISSING, f"in use by {by}", change)


def _var(configuration: Configuration, layout: Layout) -> Iterator[Finding]:
    place = next(folder for folder in (layout.var, *layout.var.parents) if folder.exists())
    if not os.access(place, os.W_OK):
        yield Finding("var", Grade.MISSING, f"{place} is not writable", f"sudo chown {os.getuid()} {place}")
        return
    free = shutil.disk_usage(place).free // 2**20
    grade = Grade.GOOD if free >= LEAST_DISK_MB else Grade.MISSING
    remedy = (
        ""
        if grade is Grade.GOOD
        else f"free disk space: {LEAST_DISK_MB} MB is the least for journal and logs"
    )
    yield Finding("var", grade, f"{layout.var} is writable, {free} MB free", remedy)


def _memory(configuration: Configuration, layout: Layout) -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    total, free = memory.total // 2**20, memory.available // 2**20
    grade = Grade.GOOD if total >= LEAST_MEMORY_MB else Grade.MISSING
    remedy = (
        "" if grade is Grade.GOOD else f"{LEAST_MEMORY_MB} MB is the least for Rasa and the speech models"
    )
    yield Finding("memory", grade, f"{free} MB free of {total} MB", remedy)
