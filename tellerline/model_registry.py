# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of models: what is shipped, what can be fetched, from where, and whether the files are the
right ones.

A bank's machines often have no way out, so every failure to fetch says how the files get there by hand. Where
nobody published a checksum, the first fetch records it (trust on first use) and every later one is held to
it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # importing httpx and yaml must not be needed to write or read checksums
    import httpx

CHECKSUMS = "SHA256SUMS"
_PARTIAL, _TAG = ".part", ".part.etag"
_ATTEMPTS = 3
"""Fetches of one file before giving up; each goes on where the one before was cut."""


class RegistryError(ValueError):
    """The registry file is wrong; the message names the model and the key."""


class ModelUnavailable(RuntimeError):
    """A model could not be fetched. The message says why and how to put the files in place by hand."""


class ChecksumMismatch(ModelUnavailable):
    """What was fetched is not what the registry or an earlier fetch knows; it was thrown away."""


class Kind(StrEnum):
    """What a model is for."""

    RECOGNIZER = "recognizer"
    VOICE = "voice"
    TURN = "turn"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model; `size` in bytes and `sha256` in lower-case hex, both None where not known."""

    name: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A model. `source` is a URL template with {revision} and {file}; a shipped model has none."""

    name: str
    kind: Kind
    language: str
    licence: str
    files: tuple[ModelFile, ...]
    source: str | None = None
    revision: str | None = None

    @property
    def shipped(self) -> bool:
        """Whether the model comes with the checkout."""
        return self.source is None

    @property
    def size(self) -> int | None:
        """Bytes of all files, None where one of them is not known."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def url(self, file: ModelFile) -> str:
        """Where a file is fetched from. Raises ModelUnavailable for a shipped model."""
        if self.source is None:
            raise ModelUnavailable(
                f"{self.name} is shipped with Tellerline and is not fetched; check out its files again"
            )
        return self.source.replace("{revision}", self.revision or "main").replace("{file}", file.name)


@dataclass(frozen=True, slots=True)
class Registry:
    """All models, in the order of the file."""

    entries: tuple[Entry, ...]

    def entry(self, name: str) -> Entry:
        """The model of that name. Raises KeyError with the names that there are."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise KeyError(f"no model {name!r}; there are: {', '.join(entry.name for entry in self.entries)}")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a file, and what to do; not `fatal` where it is only unproven."""

    file: str
    problem: str
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Pulled:
    """A fetched model: its folder, the files fetched now, and those whose checksum was recorded on trust."""

    folder: Path
    fetched: tuple[str, ...]
    trusted_on_first_use: tuple[str, ...]


class Progress(Protocol):
    """Told how far a fetch is; `total` in bytes, None where the server does not say."""

    def __call__(self, file: str, done: int, total: int | None) -> None: ...


def load_registry(path: Path) -> Registry:
    """The registry in a YAML file.

    Raises:
        RegistryError: a model lacks a key, or a value can't be right.
        OSError: the file can't be read.
    """
    import yaml

    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(data, Mapping) or not isinstance(data.get("models"), list):
        raise RegistryError(f"{path}: there must be a list under `models`")
    entries = tuple(_entry(item, str(path)) for item in data["models"])
    names = [entry.name for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise RegistryError(f"{path}: two models are named {name!r}")
    return Registry(entries)


def _entry(item: object, where: str) -> Entry:
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
        raise RegistryError(f"{where}: every model needs a `name`")
    place = f"{where}: {item['name']}"
    try:
        kind = Kind(item["kind"])
        language, licence, listed = str(item["language"]), str(item["licence"]), item["files"]
    except KeyError as missing:
        raise RegistryError(f"{place}: the key {missing} is missing") from None
    except ValueError:
        raise RegistryError(f"{place}: `kind` is one of {', '.join(Kind)}, not {item['kind']!r}") from None
    source = item.get("source")
    if bool(source) == bool(item.get("shipped")):
        raise RegistryError(f"{place}: give either `shipped: true` or a `source`")
    if source and "{file}" not in str(source):
        raise RegistryError(f"{place}: `source` must hold {{file}}")
    files = tuple(_file(one, place) for one in listed)
    if not files:
        raise RegistryError(f"{place}: `files` is empty")
    _plain_name(item["name"], place)
    return Entry(item["name"], kind, language, licence, files, source and str(source), item.get("revision"))


def _file(item: Mapping[str, object], place: str) -> ModelFile:
    name, size, sha256 = str(item.get("name", "")), item.get("size"), item.get("sha256")
    _plain_name(name, place)
    if size is not None and (not isinstance(size, int) or size < 0):
        raise RegistryError(f"{place}: the size of {name} is not a number of bytes: {size!r}")
    if sha256 is None:
        return ModelFile(name, size)
    text = str(sha256).lower()
    if len(text) != 64 or set(text) - set("0123456789abcdef"):
        raise RegistryError(f"{place}: the sha256 of {name} is not 64 hexadecimal digits")
    return ModelFile(name, size, text)


def _plain_name(name: str, place: str) -> None:
    # A name with a folder in it could write outside of models/.
    if not name or name.startswith(".") or "/" in name or "\\" in name:
        raise RegistryError(f"{place}: {name!r} is not a plain file name")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksums(folder: Path) -> Path:
    """Write `SHA256SUMS` of all finished files in `folder`, atomically, as `sha256sum -c` reads it."""
    names = sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and path.name != CHECKSUMS and not path.name.startswith(".")
        and not path.name.endswith((_PARTIAL, _TAG))
    )  # fmt: skip
    return _write_sums(folder, {name: sha256_of(folder / name) for name in names})


def _write_sums(folder: Path, sums: Mapping[str, str]) -> Path:
    path, partial = folder / CHECKSUMS, folder / (CHECKSUMS + _PARTIAL)
    partial.write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), encoding="utf-8")
    return partial.replace(path)


def read_checksums(folder: Path) -> dict[str, str]:
    """Checksums by file name from `SHA256SUMS`; empty where there is none."""
    path = folder / CHECKSUMS
    if not path.exists():
        return {}
    rows = (line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return {row[1].lstrip("*").strip(): row[0].lower() for row in rows if len(row) == 2}


def verify(entry: Entry, models: Path) -> list[Finding]:
    """What is wrong with the files of a model in `models/<name>/`; an empty list where all is well."""
    folder = models / entry.name
    recorded = read_checksums(folder)
    return [finding for file in entry.files for finding in _verify_file(entry, file, folder, recorded)]


def _verify_file(
    entry: Entry, file: ModelFile, folder: Path, recorded: Mapping[str, str]
) -> Iterator[Finding]:
    path = folder / file.name
    again = "check it out again" if entry.shipped else f"run: tellerline models pull {entry.name}"
    if not path.is_file():
        yield Finding(file.name, f"missing in {folder}; {again}")
        return
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        yield Finding(file.name, f"has {size} bytes instead of {file.size}; {again}")
        return
    found, wanted = sha256_of(path), file.sha256 or recorded.get(file.name)
    if wanted is None:
        yield Finding(
            file.name, f"no checksum is known; compare its SHA-256 with the publisher's: {found}", fatal=False
        )
    elif found != wanted:
        yield Finding(
            file.name, f"is damaged or another version (SHA-256 {found}, not {wanted}); delete it and {again}"
        )


def pull(
    entry: Entry, models: Path, client: httpx.Client, progress: Progress = lambda file, done, total: None
) -> Pulled:
    """Fetch what is missing or wrong of a model into `models/<name>/`.

    A cut fetch goes on where it stopped, also in a later run. A file gets its name only when it is whole and
    right.

    Raises:
        ModelUnavailable: no network, a refusal of the server, a full disk, or a shipped model.
        ChecksumMismatch: the server's file is another one than the registry or the first fetch knows.
    """
    folder = models / entry.name
    urls = {file.name: entry.url(file) for file in entry.files}
    folder.mkdir(parents=True, exist_ok=True)
    recorded = read_checksums(folder)
    bad = {finding.file for finding in verify(entry, models) if finding.fatal}
    wanted = [file for file in entry.files if file.name in bad]
    _need_space(entry, wanted, folder)
    trusted: list[str] = []
    for file in wanted:
        known = file.sha256 or recorded.get(file.name)
        found = _fetch_file(entry, file, urls[file.name], known, folder, client, progress)
        recorded[file.name] = found
        _write_sums(folder, recorded)
        if known is None:
            trusted.append(file.name)
    return Pulled(folder, tuple(file.name for file in wanted), tuple(trusted))


def _need_space(entry: Entry, files: Sequence[ModelFile], folder: Path) -> None:
    needed = sum(file.size or 0 for file in files)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ModelUnavailable(
            f"{entry.name} needs {needed} bytes in {folder}, where {free} are free; make room first"
        )


def _fetch_file(
    entry: Entry,
    file: ModelFile,
    url: str,
    known: str | None,
    folder: Path,
    client: httpx.Client,
    progress: Progress,
) -> str:
    import httpx

    partial, tag = folder / (file.name + _PARTIAL), folder / (file.name + _TAG)
    reason = ""
    for _ in range(_ATTEMPTS):
        try:
            _download(client, url, file, known is not None, partial, tag, progress)
            break
        except httpx.HTTPStatusError as error:
            reason = f"the server answered {error.response.status_code}"
            if error.response.status_code < 500:
                raise ModelUnavailable(by_hand(entry, folder.parent, url, reason)) from error
        except (httpx.HTTPError, OSError) as error:
            reason = str(error) or type(error).__name__
    else:
        raise ModelUnavailable(by_hand(entry, folder.parent, url, reason))
    found = sha256_of(partial)
    size = partial.stat().st_size
    if found != (known or found) or size != (file.size or size):
        partial.unlink()
        tag.unlink(missing_ok=True)
        raise ChecksumMismatch(
            f"{file.name} from {url} is not the file that was expected: it has {size} bytes and "
            f"SHA-256 {found}, expected were {file.size or 'any number of'} bytes and SHA-256 {known}. "
            "It was thrown away. Ask who runs the network whether a proxy changes downloads."
        )
    partial.replace(folder / file.name)
    tag.unlink(missing_ok=True)
    return found


def _download(
    client: httpx.Client,
    url: str,
    file: ModelFile,
    provable: bool,
    partial: Path,
    tag: Path,
    progress: Progress,
) -> None:
    """Append to `partial` what it lacks; a beginning without checksum or ETag is fetched anew."""
    have = partial.stat().st_size if partial.exists() else 0
    etag = tag.read_text(encoding="utf-8") if tag.exists() else ""
    if have and file.size == have:
        return
    if (file.size is not None and have > file.size) or not (provable or etag):
        have = 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        headers |= {"If-Range": etag} if etag else {}
    with client.stream("GET", url, headers=headers, follow_redirects=True) as response:
        if response.status_code == 416:  # the rest does not exist: begin anew at the next attempt
            partial.unlink(missing_ok=True)
            raise OSError("the server has less of the file than was fetched before")
        response.raise_for_status()
        if response.status_code != 206:
            have = 0
        fresh = response.headers.get("ETag", "")
        if fresh and not fresh.startswith("W/"):  # If-Range takes strong tags only (RFC 9110, 13.1.5)
            tag.write_text(fresh, encoding="utf-8")
        else:
            tag.unlink(missing_ok=True)
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else file.size
        with partial.open("ab" if have else "wb") as out:
            for chunk in response.iter_raw():
                out.write(chunk)
                have += len(chunk)
                progress(file.name, have, total)


def by_hand(entry: Entry, models: Path, url: str, reason: str) -> str:
    """How to put a model in place without a network."""
    listed = "\n".join(f"  {entry.url(file)}" for file in entry.files)
    return (
        f"{entry.name} could not be fetched from {url}: {reason}.\n"
        f"Without a network, fetch these files on another machine:\n{listed}\n"
        f"copy them into {models / entry.name}/ and run: tellerline models verify {entry.name}"
    )
