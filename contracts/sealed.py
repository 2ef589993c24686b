# SPDX-License-Identifier: GPL-3.0-or-later
"""Sensitive digits on their way from the caller's keys to the bank, unreadable to everything in between.

The agent seals them (AES-256-GCM, bound to the call) and only the action server opens them, so the dialogue
tracker, the journal and every log see a token. The key lives in the environment of those two processes and is
made anew at each start, so old tokens are noise.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_VARIABLE = "TELLERLINE_SEAL_KEY"
PREFIX = "sealed:"
_NONCE_BYTES = 12


class CannotOpen(ValueError):
    """The token is not one of this call's, was changed, or was sealed with another key."""


def new_key() -> str:
    """A fresh key, as text for the environment."""
    return base64.urlsafe_b64encode(AESGCM.generate_key(bit_length=256)).decode()


class Seal:
    """Seals and opens the digits of calls with one key.

    Raises ValueError when the key is not 32 bytes of URL-safe base64.
    """

    def __init__(self, key: str, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._cipher = AESGCM(base64.urlsafe_b64decode(key))
        self._random_bytes = random_bytes

    @classmethod
    def from_environment(cls) -> Seal:
        """The seal of this installation.

        Raises RuntimeError when the processes were started without a key.
        """
        key = os.environ.get(KEY_VARIABLE)
        if not key:
            raise RuntimeError(f"{KEY_VARIABLE} is not set: start the processes with `tellerline run`")
        return cls(key)

    def seal(self, call_id: str, digits: str) -> str:
        """A token that only `open` with the same call turns back into digits."""
        nonce = self._random_bytes(_NONCE_BYTES)
        body = self._cipher.encrypt(nonce, digits.encode(), call_id.encode())
        return PREFIX + base64.urlsafe_b64encode(nonce + body).decode()

    def open(self, call_id: str, token: str) -> str:
        """The digits. Raises CannotOpen."""
        if not token.startswith(PREFIX):
            raise CannotOpen("not a sealed value")
        try:
            raw = base64.urlsafe_b64decode(token[len(PREFIX) :])
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], call_id.encode()).decode()
        except (InvalidTag, ValueError):
            raise CannotOpen("the sealed value does not belong to this call") from None
