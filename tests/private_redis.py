# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Redis of a test's own, on a Unix socket in a temporary folder, gone with the test."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError


class PrivateRedis:
    """One redis-server process that can be stopped and started again with its data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{folder / 'redis.sock'}"

    def start(self) -> None:
        socket = str(self._folder / "redis.sock")
        options = ["--port", "0", "--unixsocket", socket, "--dir", str(self._folder), "--appendonly", "yes"]
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        for _ in range(200):
            with contextlib.suppress(RedisError), Redis.from_url(self.url) as client:
                client.ping()
                return
            time.sleep(0.05)
        raise RuntimeError("redis-server did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)


@contextlib.contextmanager
def private_redis() -> Iterator[PrivateRedis]:
    """A running server for the length of the context."""
    with tempfile.TemporaryDirectory(prefix="tl-") as folder:
        server = PrivateRedis(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
