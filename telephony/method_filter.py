# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests outside of a dialog a gateway has a use for, and how the others are refused.

PJSUA alone answers MESSAGE and SUBSCRIBE 200 and leaves unknown methods, REFER and INFO without any reply.
"""

from __future__ import annotations

from dataclasses import dataclass

ALLOWED = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY"

# RFC 3261 21.4.19 (481), 21.4.4 (403), 21.4.6 (405 carries Allow).
_REFUSALS = {"BYE": 481, "INFO": 481, "NOTIFY": 481, "UPDATE": 481, "PRACK": 481, "REFER": 403}
_PASSED = frozenset({"INVITE", "ACK", "CANCEL", "OPTIONS"})
_NOT_ALLOWED = 405


@dataclass(frozen=True, slots=True)
class Refusal:
    """A final status and one header that goes with it."""

    status: int
    header: tuple[str, str] = ("Allow", ALLOWED)


def refusal(method: str) -> Refusal | None:
    """How a request outside of a dialog is refused, or None when the gateway handles it."""
    if method in _PASSED:
        return None
    return Refusal(_REFUSALS.get(method, _NOT_ALLOWED))


def method_of(info: str) -> str:
    """The method in PJSIP's words about a request, `Request msg INVITE/cseq=1 (rdata0x…)`;

    else an empty string.
    """
    words = info.split(" ", 3)
    return words[2].split("/", 1)[0] if len(words) > 2 and words[0] == "Request" else ""
