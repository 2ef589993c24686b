# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of an installation: `tellerline.yml`, overlaid by `tellerline.local.yml`, overlaid by
`--config FILE`.

Each room owns the settings of its own section (`gateway`, `agent`); this module joins them and makes every
mistake name the file, the line, the key and the remedy, because an installation is configured by people who
did not write it.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tellerline.room_settings import ROOMS, room_model

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = "tellerline.yml"
LOCAL = "tellerline.local.yml"

KeyPath = tuple[str, ...]


class ConfigurationError(ValueError):
    """The configuration can't be used. One line a mistake: file, line, key, reason, remedy."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RasaSection(_Section):
    """The dialogue server, on loopback. `models` is the folder of trained dialogues (null: `<var>/rasa`)."""

    port: int = Field(default=5005, ge=1, le=65535)
    models: Path | None = None


class ActionsSection(_Section):
    """The action server, on loopback."""

    port: int = Field(default=5055, ge=1, le=65535)


class RedisSection(_Section):
    """The bank's Redis by `url`, or (null) a private one on loopback at `port`."""

    url: str | None = Field(default=None, pattern=r"^(redis|rediss|unix)://")
    port: int = Field(default=6390, ge=1, le=65535)


class BankSection(_Section):
    """Where the bank's data are (`database_url` null: SQLite at `<var>/bank.db`), and how a generated bank is
    filled.
    """

    database_url: str | None = Field(default=None, pattern=r"^[a-z0-9+]+://")
    customers: int = Field(default=1000, ge=3, le=1_000_000)
    seed: int = 7
    strategies: Path = Path("strategies/offers.yml")


class Configuration(_Section):
    """One installation. Relative paths start at the checkout; `gateway` and `agent` hold only what the files
    give.
    """

    var: Path = Path("var")
    transfer_target: str = Field(default="sip:operator@127.0.0.1:5080", pattern=r"^sips?:\S+$")
    redis: RedisSection = RedisSection()
    rasa: RasaSection = RasaSection()
    actions: ActionsSection = ActionsSection()
    bank: BankSection = BankSection()
    gateway: dict[str, Any] = Field(default_factory=dict)
    agent: dict[str, Any] = Field(default_factory=dict)

    @property
    def var_path(self) -> Path:
        """The folder of everything that changes at run time, absolute."""
        return resolve(self.var)

    @property
    def redis_url(self) -> str:
        """The URL that the processes use."""
        return self.redis.url or f"redis://127.0.0.1:{self.redis.port}/0"

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of the bank's data."""
        return self.bank.database_url or f"sqlite:///{self.var_path / 'bank.db'}"

    @property
    def rasa_models(self) -> Path:
        """The folder of trained dialogues, absolute."""
        return resolve(self.rasa.models) if self.rasa.models else self.var_path / "rasa"

    @property
    def instance(self) -> str:
        """A short name of this installation, the same for as long as its `var` stays where it is."""
        return hashlib.sha256(str(self.var_path).encode()).hexdigest()[:10]


@dataclass(slots=True)
class _Origins:
    """Which file and line gave each key."""

    places: dict[KeyPath, str] = field(default_factory=dict)

    def of(self, key: KeyPath) -> str:
        """Where the key, or the nearest section around it, was given."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.places:
                return self.places[key[:length]]
        return SHIPPED


def resolve(path: Path) -> Path:
    """The absolute form of a configured path: relative ones start at the checkout."""
    return path if path.is_absolute() else ROOT / path


def load_configuration(overlay: Path | None = None, root: Path = ROOT) -> Configuration:
    """Read and check the configuration of the checkout at `root`. Raises ConfigurationError."""
    origins = _Origins()
    merged: dict[str, Any] = {}
    for path, mandatory in ((root / SHIPPED, True), (root / LOCAL, False), (overlay, True)):
        if path is None or (not mandatory and not path.exists()):
            continue
        merged = overlaid(merged, _read(path, origins, root))
    try:
        configuration = Configuration.model_validate(merged)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, (), Configuration, origins)) from None
    for room in ROOMS:
        _check_room(room, getattr(configuration, room), origins)
    return configuration


def _check_room(room: str, given: Mapping[str, Any], origins: _Origins) -> None:
    model = room_model(room)
    try:
        model.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, (room,), model, origins)) from None


def _read(path: Path, origins: _Origins, root: Path) -> dict[str, Any]:
    shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{shown}: can't be read ({error.strerror}): check the path and its rights"
        ) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"{shown}: is not YAML: {reason}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{shown}: must hold keys such as `redis:`; see {SHIPPED} for all of them")
    _note_places(node, (), shown, origins)
    return content


def _note_places(node: yaml.Node | None, prefix: KeyPath, shown: str, origins: _Origins) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        path = (*prefix, str(key.value))
        origins.places[path] = f"{shown}:{key.start_mark.line + 1}"
        _note_places(value, path, shown, origins)


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`: sections are merged key by key, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        present = merged.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            merged[key] = overlaid(present, value)
        elif value is None and isinstance(present, dict):
            continue  # a section whose keys are all commented out changes nothing
        else:
            merged[key] = value
    return merged


def _explain(error: ValidationError, prefix: KeyPath, model: type[BaseModel], origins: _Origins) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_context=False):
        key = (*prefix, *(str(part) for part in problem["loc"]))
        place = f"{origins.of(key)}: {'.'.join(key)}: "
        if problem["type"] == "extra_forbidden":
            lines.append(place + _unknown_key(key, _known_keys(model, problem["loc"][:-1])))
        else:
            lines.append(place + problem["msg"] + _shown_input(problem["input"]))
    return "\n".join(lines)


def _unknown_key(key: KeyPath, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key[-1], known, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"the keys here are: {', '.join(known)}"
    return f"there is no such key; {hint}"


def _known_keys(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """The keys of the section at `location` inside `model`."""
    for part in location:
        inner = model.model_fields.get(str(part))
        annotation = inner.annotation if inner is not None else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def _shown_input(value: object) -> str:
    """The rejected value, unless it may hold a password."""
    if isinstance(value, bool | int | float) or (
        isinstance(value, str) and "@" not in value and len(value) < 60
    ):
        return f" (it is {value!r})"
    return ""
