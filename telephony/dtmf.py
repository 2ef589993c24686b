# SPDX-License-Identifier: GPL-3.0-or-later
"""Pressed keys: each reported once, though some telephones send it both as RFC 4733 event and as SIP INFO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["rfc4733", "info"]

KEYS = frozenset("0123456789ABCD*#")

# A telephone that sends both ways does so for one key press, which lasts 40 ms (ITU-T Q.24) to some 200 ms;
# people need longer than this to press the same key again, and such a second press would come by the same
# way as the first.
TWIN_WINDOW_MS = 400


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key, the way it came, and when (ms of the call's audio clock)."""

    key: str
    source: Source
    at_ms: int


class KeyPresses:
    """Drops the twin of a key that came by both ways. Pure; times are given."""

    def __init__(self) -> None:
        self._unmatched: list[KeyPress] = []

    def accept(self, key: str, source: Source, at_ms: int) -> KeyPress | None:
        """The key press to report, or None for a twin or for what is no key of a telephone."""
        key = key.upper()
        if key not in KEYS:
            return None
        self._unmatched = [old for old in self._unmatched if at_ms - old.at_ms <= TWIN_WINDOW_MS]
        for old in self._unmatched:
            if old.key == key and old.source != source:
                self._unmatched.remove(old)
                return None
        press = KeyPress(key, source, at_ms)
        self._unmatched.append(press)
        return press
