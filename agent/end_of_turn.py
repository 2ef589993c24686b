# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the caller has finished, judged from how and what they said: the seam of the turn-end models."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt


class EndOfTurn(Protocol):
    """An engine that tells a finished thought from a pause in the middle of one."""

    @property
    def name(self) -> str:
        """Model and version, for the journal."""
        ...

    def probability(self, sound: npt.NDArray[np.float32], text: str) -> float:
        """How probable it is, in [0, 1], that nothing follows.

        `sound` is the utterance up to now, float32 at 16 kHz in [-1, 1], with the silence so far at its end
        (implementations look at the last seconds); `text` are its words as recognised, lower case, perhaps
        none. Blocks; called from worker threads.
        """
        ...
