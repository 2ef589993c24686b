# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech recognition as the conversation sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from agent.turns.expectation import Expectation

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Heard:
    """Sound to be recognised, float32 at 16 kHz in [-1, 1], at most 30 s, and what it probably answers.

    `as_spoken` is the same with its pauses as they were (None: they are as they were in `sound`).
    """

    sound: Samples
    expectation: Expectation
    as_spoken: Samples | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of an utterance, lower case as the model writes them, and how sure it is, in [0, 1].

    Empty: no words.
    """

    text: str
    confidence: float


class Recognizer(Protocol):
    """An engine that turns the sound of utterances into words."""

    @property
    def name(self) -> str:
        """Model and version, for the journal."""
        ...

    def recognize(self, batch: Sequence[Heard]) -> list[Transcript]:
        """The words of each sound, in order; several are decoded together, which costs less than one by one.

        Blocks; called from worker threads.
        """
        ...
