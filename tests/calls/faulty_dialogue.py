# SPDX-License-Identifier: GPL-3.0-or-later
"""A dialogue server that fails in known ways: a proxy before the real Rasa, told by the caller's number how.

A call's first question to the dialogue, its greeting, passes unharmed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Literal, Self

import httpx

from contracts.reply import CALL_STARTED

# slow: answers after three seconds. garbage: 200 and no JSON. half: 200 and the first half of the JSON.
# broken: 500. mute: takes the question and closes the line.
Fault = Literal["slow", "garbage", "half", "broken", "mute"]
SLOW_S = 3.0


class FaultyDialogue:
    """The proxy, as long as its context lasts; `url` is its own address."""

    def __init__(self, real_url: str, faults: Mapping[str, Fault]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(real_url, faults))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(real_url: str, faults: Mapping[str, Fault]) -> type[BaseHTTPRequestHandler]:
    real = httpx.Client(base_url=real_url, timeout=20)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = real.get(self.path)
            self._answer(answer.status_code, answer.content)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked: dict[str, Any] = json.loads(body)
            fault = None
            if asked.get("text") != CALL_STARTED:
                fault = faults.get(asked.get("metadata", {}).get("from", ""))
            if fault == "mute":
                self.close_connection = True
                return
            if fault == "slow":
                time.sleep(SLOW_S)
            answer = real.post(self.path, content=body, headers={"Content-Type": "application/json"})
            match fault:
                case "garbage":
                    self._answer(200, b"<html>It works!</html>")
                case "half":
                    self._answer(200, answer.content[: len(answer.content) // 2])
                case "broken":
                    self._answer(500, b'{"status": "failure"}')
                case _:
                    self._answer(answer.status_code, answer.content)

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """The test tells what matters."""

    return Handler
