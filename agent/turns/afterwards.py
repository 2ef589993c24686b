# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reply wants done once it was heard: a transfer, a hang-up, or patience."""

from __future__ import annotations

from contracts.reply import Reply

_ENDS_TALK = ("transfer", "hangup")


def ends_talk(reply: Reply) -> bool:
    """Whether the caller will not be talking with us after this reply."""
    return reply.action in _ENDS_TALK


class Afterwards:
    """The deeds that are due when the agent falls silent."""

    def __init__(self) -> None:
        self._due: list[Reply] = []

    def __bool__(self) -> bool:
        return bool(self._due)

    def add(self, reply: Reply) -> None:
        """The reply was heard in full, or had nothing to say."""
        if ends_talk(reply):
            self._due.append(reply)

    def forget(self) -> None:
        """The caller has taken the floor: they may have changed their mind."""
        self._due = []

    def take(self, *, speaking: bool, caller_speaks: bool) -> Reply | None:
        """The deed that is to be done now, once.

        While the caller says something it waits, unless the reply could not be interrupted anyway: words will
        drop it, a noise lets it happen.
        """
        if not self._due or speaking:
            return None
        reply = self._due[-1]
        if caller_speaks and reply.barge_in:
            return None
        self._due = []
        return reply
