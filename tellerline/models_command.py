# SPDX-License-Identifier: GPL-3.0-or-later
"""`tellerline models list | verify | pull`: the registry as a person sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from tellerline.configuration import LOCAL, ROOT
from tellerline.model_registry import (
    Entry,
    Finding,
    Kind,
    ModelUnavailable,
    Registry,
    RegistryError,
    load_registry,
    pull,
    verify,
)

MODELS = ROOT / "models"
_CONNECT_S, _READ_S = 10.0, 60.0


def list_models(console: Console) -> int:
    """Print every model of the registry, and which are here."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("model", "kind", "language", "size", "here", "licence"):
        table.add_column(column, overflow="fold")
    for entry in load_registry(MODELS / "registry.yml").entries:
        here = "shipped" if entry.shipped else "pulled"
        state = f"[green]{here}[/]" if present(entry) else ("[red]missing[/]" if entry.shipped else "-")
        table.add_row(entry.name, entry.kind, entry.language, _megabytes(entry), state, escape(entry.licence))
    console.print(table)
    console.print("\nFetch one: .venv/bin/tellerline models pull NAME")
    return 0


def verify_models(names: Sequence[str], console: Console) -> int:
    """Compare files with checksums; 1 when one is missing or wrong."""
    registry = load_registry(MODELS / "registry.yml")
    try:
        entries = [registry.entry(name) for name in names] or expected(registry)
    except KeyError as error:
        console.print(f"[red]{escape(str(error.args[0]))}[/]")
        return 1
    wrong = False
    for entry in entries:
        findings = verify(entry, MODELS)
        wrong |= any(finding.fatal for finding in findings)
        _tell(entry, findings, console)
    return 1 if wrong else 0


def pull_models(names: Sequence[str], console: Console) -> int:
    """Fetch models with a progress bar; 1 when one can't be had."""
    registry = load_registry(MODELS / "registry.yml")
    timeout = httpx.Timeout(_READ_S, connect=_CONNECT_S)
    try:
        entries = [registry.entry(name) for name in names]
        with httpx.Client(timeout=timeout, follow_redirects=True) as client:
            for entry in entries:
                _pull(entry, client, console)
    except (KeyError, ModelUnavailable, RegistryError) as error:
        console.print(f"[red]{escape(str(error.args[0]))}[/]", soft_wrap=True)
        return 1
    return 0


def expected(registry: Registry) -> list[Entry]:
    """The models that ought to be whole: those shipped, and those that somebody began to pull."""
    return [entry for entry in registry.entries if entry.shipped or (MODELS / entry.name).is_dir()]


def present(entry: Entry) -> bool:
    """Whether all files of a model are here."""
    return all((MODELS / entry.name / file.name).is_file() for file in entry.files)


def _pull(entry: Entry, client: httpx.Client, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, TaskID] = {}

        def show(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(f"{entry.name}/{file}", total=total)
            bar.update(tasks[file], completed=done, total=total)

        pulled = pull(entry, MODELS, client, show)
    if not pulled.fetched:
        console.print(f"{entry.name}: already here and whole")
        return
    for file in pulled.trusted_on_first_use:
        console.print(
            f"[yellow]{entry.name}/{file}: no published checksum is known; the one of this first fetch is "
            "recorded, and later ones are held to it[/]"
        )
    key = {Kind.RECOGNIZER: "recognizer", Kind.VOICE: "voice"}.get(entry.kind)
    if key:
        shown = _relative(pulled.folder)
        console.print(
            f"{entry.name} is in {shown}. Use it: `agent: {{{key}: {{model: {shown}}}}}` in {LOCAL}"
        )


def _tell(entry: Entry, findings: Sequence[Finding], console: Console) -> None:
    if not findings:
        console.print(f"[green]✓[/] {entry.name}")
    for finding in findings:
        mark = "[red]✗[/]" if finding.fatal else "[yellow]![/]"
        console.print(f"{mark} {entry.name}/{finding.file}: {escape(finding.problem)}", soft_wrap=True)


def _megabytes(entry: Entry) -> str:
    size = entry.size
    if size is None:
        paths = [MODELS / entry.name / file.name for file in entry.files]
        size = sum(path.stat().st_size for path in paths) if all(path.is_file() for path in paths) else None
    return "?" if size is None else f"{size / 1e6:.0f} MB"


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
