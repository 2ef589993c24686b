# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's side of the floor:

One utterance from its onset to its end, with the text that is known of it so far.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Utterance:
    """What the caller is saying, or has just said.

    `end_ms` is set while the caller pauses. `asked_ms` is how far recognition was asked for, `known_ms` how
    far `text` reaches; text is of use only when it covers the end of the speech. `finished` is the
    probability that nothing follows. `over_agent` remembers that the agent was speaking when it began,
    `interrupted` that it made the agent pause; `worded` that words were heard in it while it went on,
    `wordless` that it was let pass as a noise since.
    """

    number: int
    from_ms: int
    onset_ms: int
    over_agent: bool = False
    interrupted: bool = False
    wordless: bool = False
    end_ms: int | None = None
    asked_ms: int | None = None
    known_ms: int | None = None
    partial_ms: int | None = None
    worded: bool = False
    text: str = ""
    finished: float | None = None
    confidence: float = 1.0
    failed: bool = False
    forced: bool = False

    @property
    def pausing(self) -> bool:
        """Whether the caller has stopped, perhaps for good."""
        return self.end_ms is not None

    @property
    def known(self) -> bool:
        """Whether the text covers everything that was said."""
        return self.end_ms is not None and self.known_ms is not None and self.known_ms >= self.end_ms

    @property
    def asked(self) -> bool:
        """Whether recognition of everything that was said is on its way."""
        return self.end_ms is not None and self.asked_ms is not None and self.asked_ms >= self.end_ms

    def began_before(self, silent_since_ms: int) -> bool:
        """Whether it was over, or had made the agent pause, before the agent fell silent."""
        return self.interrupted or (self.end_ms is not None and self.end_ms < silent_since_ms)

    def go_on(self) -> None:
        """The caller speaks again: what was known is stale."""
        self.end_ms = self.asked_ms = self.known_ms = None
        self.text = ""
        self.finished = None
        self.failed = self.forced = False
