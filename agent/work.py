# SPDX-License-Identifier: GPL-3.0-or-later
"""How much was computed for nothing: the price of speculation, counted, for the journal and `GET /health`."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Work:
    """Recognitions of pauses that were followed by more speech (`recognitions_stale`), of speech in progress
    (`partials`; `partials_left_out` where an engine was busy), and foresights of turns (`foresights_used`
    were of the turn that came).
    """

    recognitions: int = 0
    recognitions_stale: int = 0
    partials: int = 0
    partials_left_out: int = 0
    foresights: int = 0
    foresights_used: int = 0

    def add(self, other: Work) -> None:
        """Count the work of a call that is over."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)
