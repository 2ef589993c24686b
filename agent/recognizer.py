# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech recognition as the conversation sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from agent.turns.expectation import Expectation


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of an utterance, lower case as the model writes them, and how sure it is, in [0, 1].

    Empty: no words.
    """

    text: str
    confidence: float


class Recognizer(Protocol):
    """An engine that turns the sound of one utterance into words."""

    @property
    def name(self) -> str:
        """Model and version, for the journal."""
        ...

    def recognize(self, sound: npt.NDArray[np.float32], expectation: Expectation) -> Transcript:
        """The words in `sound`, float32 at 16 kHz in [-1, 1], at most 30 s.

        Blocks; called from worker threads.
        """
        ...
