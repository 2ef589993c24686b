# SPDX-License-Identifier: GPL-3.0-or-later
"""The little that the gateway reads from SIP texts itself: user parts, custom headers, the codec that will
be used.

Total functions: whatever a peer sends, they return something that can be written as UTF-8.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

# A caller decides what is in these headers; the agent gets a bounded amount of it.
CUSTOM_HEADER_LIMIT = 32
CUSTOM_VALUE_LIMIT = 512

_USER = re.compile(r"<?\s*(?:sips?|tel):([^@;>\s]*)", re.IGNORECASE)
_FOLD = re.compile(r"\r?\n[ \t]+")
_CODEC_NAMES = {"8": "PCMA", "0": "PCMU"}


def clean(text: str) -> str:
    """`text` without the lone surrogates and control characters of a rude peer, so that JSON can carry it."""
    encodable = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(c for c in encodable if c.isprintable())


def user_part(address: str) -> str:
    """The user part of an address: `"Ann" <sip:%2B49301@host;x=y>` gives `+49301`; none, an empty string."""
    text = address[address.rfind("<") :] if "<" in address else address
    found = _USER.match(text)
    if found is None:
        return ""
    user = found.group(1)
    if "@" not in text and text.lower().lstrip("< ").startswith("sip"):
        return ""
    return clean(unquote(user.split(":", 1)[0]))[:CUSTOM_VALUE_LIMIT]


def host_of(address: str) -> str:
    """The host of `10.0.0.5:5060` or `[fd00::2]:5060`."""
    return address.rpartition(":")[0].strip("[]")


def headers(message: str) -> list[tuple[str, str]]:
    """The header fields of a SIP message in order, folded lines joined. Other lines are skipped."""
    head = re.split(r"\r?\n\r?\n", message, maxsplit=1)[0]
    lines = _FOLD.sub(" ", head).splitlines()[1:]
    pairs = (line.partition(":") for line in lines)
    return [(name.strip(), value.strip()) for name, colon, value in pairs if colon]


def custom_headers(message: str) -> dict[str, str]:
    """`X-…` headers and P-Asserted-Identity of a request, at most 32 of 512 characters;

    of repeated ones the first.
    """
    custom: dict[str, str] = {}
    for name, value in headers(message):
        wanted = name[:2].lower() == "x-" or name.lower() == "p-asserted-identity"
        if wanted and len(custom) < CUSTOM_HEADER_LIMIT:
            custom.setdefault(clean(name)[:CUSTOM_VALUE_LIMIT], clean(value)[:CUSTOM_VALUE_LIMIT])
    return custom


def offered_codec(message: str) -> str:
    """The codec that an offer leads to: the first of its payload types that the gateway speaks. No offer:

    PCMA.
    """
    found = re.search(r"^m=audio \S+ \S+ ([0-9 ]+)", message, re.MULTILINE)
    for payload in found.group(1).split() if found else ():
        if payload in _CODEC_NAMES:
            return _CODEC_NAMES[payload]
    return "PCMA"
