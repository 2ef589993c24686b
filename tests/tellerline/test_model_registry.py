# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of models against real files and a real HTTP server that can cut the line, lie, or be
absent."""

from __future__ import annotations

import hashlib
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tellerline.model_registry import (
    CHECKSUMS,
    ChecksumMismatch,
    Entry,
    Kind,
    ModelFile,
    ModelUnavailable,
    RegistryError,
    load_registry,
    pull,
    read_checksums,
    sha256_of,
    verify,
    write_checksums,
)

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = bytes(range(256)) * 4096  # 1 MiB
CONFIG = b'{"sample_rate": 16000}\n'


@dataclass
class Origin:
    """What the server publishes, how often it cuts a line, and what it was asked for."""

    files: dict[str, bytes]
    cut_after: list[int] = field(default_factory=list)
    status: int | None = None
    etags: bool = True
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""


def _handler(origin: Origin) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            origin.ranges.append(asked)
            content = origin.files.get(self.path.rsplit("/", 1)[-1])
            if origin.status or content is None:
                self.send_response(origin.status or 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            etag = f'"{hashlib.md5(content).hexdigest()}"'
            first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            if self.headers.get("If-Range", etag) != etag:
                first = 0
            if first >= len(content) > 0 and asked:
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(content) - first))
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            if origin.etags:
                self.send_header("ETag", etag)
            self.end_headers()
            body = content[first:]
            if origin.cut_after:
                body = body[: origin.cut_after.pop(0)]
                self.close_connection = True
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


@pytest.fixture
def origin() -> Iterator[Origin]:
    published = Origin({"model.bin": WEIGHTS, "config.json": CONFIG})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(published))
    published.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield published
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5, trust_env=False) as opened:
        yield opened


def _entry(origin: Origin, *, known: bool = True) -> Entry:
    def described(name: str, content: bytes) -> ModelFile:
        return (
            ModelFile(name, len(content), hashlib.sha256(content).hexdigest()) if known else ModelFile(name)
        )

    return Entry(
        "small", Kind.RECOGNIZER, "en", "MIT",
        (described("model.bin", WEIGHTS), described("config.json", CONFIG)),
        f"{origin.url}/{{revision}}/{{file}}", "v1",
    )  # fmt: skip


def test_a_pull_fetches_every_file_reports_progress_and_leaves_nothing_else(
    origin: Origin, client: httpx.Client, tmp_path: Path
) -> None:
    heard: list[tuple[str, int, int | None]] = []
    pulled = pull(_entry(origin), tmp_path, client, lambda *step: heard.append(step))
    assert pulled.fetched == ("model.bin", "config.json")
    assert pulled.trusted_on_first_use == ()
    assert {path.name for path in pulled.folder.iterdir()} == {"model.bin", "config.json", CHECKSUMS}
    assert (pulled.folder / "model.bin").read_bytes() == WEIGHTS
    assert heard[-1] == ("config.json", len(CONFIG), len(CONFIG))
    assert [done for name, done, _ in heard if name == "model.bin"][-1] == len(WEIGHTS)
    assert verify(_entry(origin), tmp_path) == []


def test_a_second_pull_asks_the_server_for_nothing(
    origin: Origin, client: httpx.Client, tmp_path: Path
) -> None:
    pull(_entry(origin), tmp_path, client)
    asked = len(origin.ranges)
    assert pull(_entry(origin), tmp_path, client).fetched == ()
    assert len(origin.ranges) == asked


def test_a_cut_line_is_taken_up_where_it_broke(origin: Origin, client: httpx.Client, tmp_path: Path) -> None:
    origin.cut_after = [300_000, 200_000]
    pull(_entry(origin), tmp_path, client)
    assert (tmp_path / "small" / "model.bin").read_bytes() == WEIGHTS
    resumed = [asked for asked in origin.ranges if asked]
    assert len(resumed) == 2
    first, second = (int(asked.removeprefix("bytes=").rstrip("-")) for asked in resumed)
    assert 0 < first <= 300_000 < second <= 500_000


def test_a_later_run_goes_on_with_what_an_earlier_run_left(
    origin: Origin, client: httpx.Client, tmp_path: Path
) -> None:
    origin.cut_after = [100_000, 100_000, 100_000]
    with pytest.raises(ModelUnavailable):
        pull(_entry(origin), tmp_path, client)
    left = (tmp_path / "small" / "model.bin.part").stat().st_size
    assert 0 < left <= 300_000
    assert not (tmp_path / "small" / "model.bin").exists()
    origin.ranges.clear()
    pull(_entry(origin), tmp_path, client)
    assert origin.ranges[0] == f"bytes={left}-"
    assert (tmp_path / "small" / "model.bin").read_bytes() == WEIGHTS


def test_a_file_that_changed_on_the_server_in_between_is_fetched_anew(
    origin: Origin, client: httpx.Client, tmp_path: Path
) -> None:
    origin.cut_after = [100_000] * 3
    with pytest.raises(ModelUnavailable):
        pull(_entry(origin, known=False), tmp_path, client)
    origin.files["model.bin"] = WEIGHTS[::-1]
    pull(_entry(origin, known=False), tmp_path, client)
    assert (tmp_path / "small" / "model.bin").read_bytes() == WEIGHTS[::-1]


def test_without_checksum_and_etag_a_beginning_is_not_trusted(
    origin: Origin, client: httpx.Client, tmp_path: Path
) -> None:
    origin.etags = False
    origin.cut_after = [100_000]
    pull(_entry(origin, known=False), tmp_path, client)
    assert not any(origin.ranges)
    assert (tmp_path / "small" / "model.bin").read_bytes() == WEIGHTS


def test_a_wrong_file_is_thrown_away_and_named(origin: Origin, client: httpx.Client, tmp_path: Path) -> None:
    entry = _entry(origin)
    origin.files["model.bin"] = b"x" * len(WEIGHTS)
    with pytest.raises(ChecksumMismatch, match=r"model\.bin .*proxy"):
        pull(entry, tmp_path, client)
    assert not [path for path in (tmp_path / "small").iterdir() if path.name.startswith("model.bin")]


def test_without_a_network_the_error_says_what_to_copy_where_and_how_to_check(
    client: httpx.Client, tmp_path: Path
) -> None:
    entry = Entry("small", Kind.VOICE, "en", "MIT", (ModelFile("a.onnx"),), "http://127.0.0.1:9/{file}")
    with pytest.raises(ModelUnavailable) as failed:
        pull(entry, tmp_path, client)
    message = str(failed.value)
    assert "http://127.0.0.1:9/a.onnx" in message
    assert f"copy them into {tmp_path / 'small'}/" in message
    assert "tellerline models verify small" in message


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (401, 1), (503, 3)])
def test_a_refusal_is_final_and_a_failing_server_is_asked_again(
    origin: Origin, client: httpx.Client, tmp_path: Path, status: int, tries: int
) -> None:
    origin.status = status
    with pytest.raises(ModelUnavailable, match=str(status)):
        pull(_entry(origin), tmp_path, client)
    assert len(origin.ranges) == tries


def test_an_unknown_checksum_is_trusted_once_and_then_held_to(
    origin: Origin, client: httpx.Client, tmp_path: Path
) -> None:
    entry = _entry(origin, known=False)
    assert pull(entry, tmp_path, client).trusted_on_first_use == ("model.bin", "config.json")
    assert verify(entry, tmp_path) == []
    (tmp_path / "small" / "model.bin").unlink()
    origin.files["model.bin"] = WEIGHTS[::-1]
    with pytest.raises(ChecksumMismatch):
        pull(entry, tmp_path, client)


def test_a_damaged_file_is_found_and_mended(origin: Origin, client: httpx.Client, tmp_path: Path) -> None:
    entry = _entry(origin)
    pull(entry, tmp_path, client)
    weights = tmp_path / "small" / "model.bin"
    weights.write_bytes(b"?" + WEIGHTS[1:])
    (finding,) = verify(entry, tmp_path)
    assert finding.file == "model.bin"
    assert finding.fatal
    assert "tellerline models pull small" in finding.problem
    assert pull(entry, tmp_path, client).fetched == ("model.bin",)
    assert weights.read_bytes() == WEIGHTS


def test_missing_short_and_unproven_files_are_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "by-hand"
    folder.mkdir()
    (folder / "short.bin").write_bytes(b"12")
    (folder / "unproven.bin").write_bytes(b"123")
    files = (ModelFile("missing.bin"), ModelFile("short.bin", 3), ModelFile("unproven.bin", 3))
    entry = Entry("by-hand", Kind.TURN, "en", "MIT", files, "http://127.0.0.1:9/{file}")
    missing, short, unproven = verify(entry, tmp_path)
    assert "missing" in missing.problem
    assert "2 bytes instead of 3" in short.problem
    assert not unproven.fatal
    assert sha256_of(folder / "unproven.bin") in unproven.problem


def test_a_shipped_model_is_never_fetched_and_its_checksums_are_its_own(
    client: httpx.Client, tmp_path: Path
) -> None:
    entry = Entry("ours", Kind.VOICE, "en", "GPL-3.0-or-later", (ModelFile("voice.onnx"),))
    with pytest.raises(ModelUnavailable, match="shipped"):
        pull(entry, tmp_path, client)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "voice.onnx").write_bytes(b"graph")
    write_checksums(tmp_path / "ours")
    assert verify(entry, tmp_path) == []
    (tmp_path / "ours" / "voice.onnx").write_bytes(b"grape")
    (finding,) = verify(entry, tmp_path)
    assert "check it out again" in finding.problem


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum (coreutils) is not installed")
def test_checksums_are_what_sha256sum_reads(tmp_path: Path) -> None:
    (tmp_path / "a b.bin").write_bytes(b"one")
    (tmp_path / "c.bin").write_bytes(b"two")
    (tmp_path / "half.bin.part").write_bytes(b"thr")
    write_checksums(tmp_path)
    assert set(read_checksums(tmp_path)) == {"a b.bin", "c.bin"}
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", CHECKSUMS], cwd=tmp_path, check=True)


def test_the_registry_of_the_house_holds_the_models_that_the_design_names() -> None:
    registry = load_registry(ROOT / "models" / "registry.yml")
    names = [entry.name for entry in registry.entries]
    assert names == [
        "recognizer-en", "voice-en", "turn-end-en", "whisper-small", "whisper-large-v3-turbo",
        "piper-en_US-lessac-medium", "piper-zh_CN-huayan-medium", "smart-turn-v3",
    ]  # fmt: skip
    assert [entry.name for entry in registry.entries if entry.shipped] == [
        "recognizer-en",
        "voice-en",
        "turn-end-en",
    ]
    small = registry.entry("whisper-small")
    assert small.url(small.files[0]).endswith(f"{small.revision}/model.bin")
    assert small.size == sum(file.size or 0 for file in small.files) > 480_000_000
    assert registry.entry("smart-turn-v3").size is None
    with pytest.raises(KeyError, match="whisper-small"):
        registry.entry("whisper-tiny")


_GOOD = "{name: m, kind: voice, language: en, licence: MIT, shipped: true, files: [{name: a}]}"


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        ("[]", "list under `models`"),
        ("{models: [{kind: voice}]}", "needs a `name`"),
        ("{models: [" + _GOOD.replace("voice", "choir") + "]}", "recognizer, voice, turn"),
        ("{models: [" + _GOOD.replace("licence: MIT, ", "") + "]}", "'licence' is missing"),
        ("{models: [" + _GOOD.replace("shipped: true, ", "") + "]}", "either `shipped: true` or a `source`"),
        ("{models: [" + _GOOD.replace("shipped: true", "source: 'http://h/x'") + "]}", "must hold {file}"),
        ("{models: [" + _GOOD.replace("name: a", "name: ../a") + "]}", "plain file name"),
        ("{models: [" + _GOOD.replace("name: a", "name: a, sha256: 12ab") + "]}", "64 hexadecimal"),
        ("{models: [" + _GOOD.replace("name: a", "name: a, size: -1") + "]}", "number of bytes"),
        ("{models: [" + _GOOD.replace("[{name: a}]", "[]") + "]}", "`files` is empty"),
        ("{models: [" + _GOOD + ", " + _GOOD + "]}", "two models"),
    ],
)
def test_a_mistake_in_the_registry_names_model_and_key(item: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "registry.yml"
    path.write_text(item, encoding="utf-8")
    with pytest.raises(RegistryError) as mistake:
        load_registry(path)
    assert complaint in str(mistake.value)
