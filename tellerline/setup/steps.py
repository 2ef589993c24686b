# SPDX-License-Identifier: GPL-3.0-or-later
"""One long step of the set-up: a command whose progress shows, and whose failure names the remedy.

On a terminal a line with the elapsed time and the command's latest output is redrawn; elsewhere (CI, logs)
plain lines appear.
"""

from __future__ import annotations

import os
import queue
import shlex
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Optional

TAIL_LINES = 20
_REDRAW_S = 0.1
_PLAIN_REMINDER_S = 30.0
_SPINNER = "|/-\\"


class SetupFailed(Exception):
    """A step could not be done. The message says why and what to do about it."""


def say(text: str) -> None:
    """One plain line of progress."""
    print(text, flush=True)


class Steps:
    """Runs the commands of a set-up one after another, each shown as one step and logged in full to `log`."""

    def __init__(self, log: Path, stream: Optional[IO[str]] = None) -> None:
        self._log = log
        self._stream = stream if stream is not None else sys.stdout
        self._live = self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def done(self, title: str, note: str = "already there") -> None:
        """Say that a step had nothing to do."""
        self._line(f"  ✓ {title}: {note}")

    def warn(self, text: str) -> None:
        """Say what is missing but not mandatory."""
        self._line(f"  ! {text}")

    def run(
        self,
        title: str,
        command: Sequence[str],
        remedy: str,
        *,
        environment: Optional[Mapping[str, str]] = None,
        cwd: Optional[Path] = None,
    ) -> None:
        """Run `command` as the step `title`. Raises SetupFailed with its last lines and the remedy."""
        started = time.monotonic()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        tail: deque[str] = deque(maxlen=TAIL_LINES)
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env={**os.environ, **(environment or {})},
                cwd=cwd,
            )
        except OSError as error:
            raise SetupFailed(_failure(title, command, [str(error)], remedy)) from None
        try:
            self._follow(title, process, tail, started)
        except BaseException:
            process.terminate()
            process.wait()
            self._clear()
            raise
        elapsed = time.monotonic() - started
        if process.returncode != 0:
            self._line(f"  ✗ {title} ({elapsed:.0f} s)")
            raise SetupFailed(_failure(title, command, list(tail), remedy))
        self._line(f"  ✓ {title} ({elapsed:.0f} s)")

    def _follow(self, title: str, process: subprocess.Popen[str], tail: deque[str], started: float) -> None:
        lines: queue.Queue[Optional[str]] = queue.Queue()
        threading.Thread(target=_pump, args=(process, lines), daemon=True).start()
        reminder = started + _PLAIN_REMINDER_S
        if not self._live:
            self._line(f"  … {title}")
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"\n# {time.strftime('%Y-%m-%d %H:%M:%S')} {title}\n")
            while True:
                try:
                    line = lines.get(timeout=_REDRAW_S)
                    if line is None:
                        break
                    log.write(line)
                    if line.strip():
                        tail.append(line.rstrip())
                except queue.Empty:
                    pass
                now = time.monotonic()
                if self._live:
                    self._redraw(title, now - started, tail[-1] if tail else "")
                elif now >= reminder:
                    self._line(f"  … {title}: {now - started:.0f} s")
                    reminder = now + _PLAIN_REMINDER_S
        process.wait()

    def _redraw(self, title: str, elapsed: float, latest: str) -> None:
        width = max(20, _terminal_width() - 1)
        spin = _SPINNER[int(elapsed / 0.15) % len(_SPINNER)]
        text = f"  {spin} {title}  {elapsed:.0f} s  {latest.strip()}"
        self._stream.write("\r\x1b[2K" + text[:width])
        self._stream.flush()

    def _clear(self) -> None:
        if self._live:
            self._stream.write("\r\x1b[2K")

    def _line(self, text: str) -> None:
        self._clear()
        self._stream.write(text + "\n")
        self._stream.flush()


def _pump(process: subprocess.Popen[str], lines: queue.Queue[Optional[str]]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def _terminal_width() -> int:
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 80


def _failure(title: str, command: Sequence[str], tail: Sequence[str], remedy: str) -> str:
    shown = "\n".join(f"    {line}" for line in tail) or "    (no output)"
    return f"{title} failed: {shlex.join(command)}\n{shown}\n  To mend it: {remedy}"
