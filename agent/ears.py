# SPDX-License-Identifier: GPL-3.0-or-later
"""What all calls of a process hear with: recognition in batches, and right after it, on the same thread, the
judgement whether the caller has finished.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from agent.batching import Batching
from agent.end_of_turn import EndOfTurn
from agent.recognizer import Heard, Recognizer, Transcript

log = logging.getLogger(__name__)

# CTranslate2 and onnxruntime release the GIL; two threads each keep a second call from waiting for the first.
THREADS = 2


@dataclass(frozen=True, slots=True)
class Listened:
    """The words of a sound, and how probable it is that nothing follows (None: nothing judges that)."""

    transcript: Transcript
    finished: float | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    heard: Heard
    judged: bool


class Ears:
    """The recogniser and the turn-end model, shared by all calls. Belongs to one event loop."""

    def __init__(self, recognizer: Recognizer, end_of_turn: EndOfTurn | None, largest_batch: int) -> None:
        self._recognizer = recognizer
        self._end_of_turn = end_of_turn
        self._pool = ThreadPoolExecutor(THREADS, "recognition")
        self._batching: Batching[_Wanted, Listened] = Batching(
            self._listen, self._pool, THREADS, largest_batch
        )

    @property
    def name(self) -> str:
        """The models, for the journal."""
        judge = "silence alone" if self._end_of_turn is None else self._end_of_turn.name
        return f"{self._recognizer.name}, {judge}"

    async def listen(self, heard: Heard) -> Listened:
        """What was said, and whether it was all. Raises what the recogniser raises."""
        return await self._batching.do(_Wanted(heard, judged=True))

    async def listen_partly(self, heard: Heard) -> Transcript | None:
        """What was said so far; None while the engine is busy: a partial must delay nobody's reply."""
        if not self._batching.idle:
            return None
        return (await self._batching.do(_Wanted(heard, judged=False))).transcript

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _listen(self, batch: Sequence[_Wanted]) -> list[Listened]:
        transcripts = self._recognizer.recognize([wanted.heard for wanted in batch])
        return [
            Listened(transcript, self._judge(wanted, transcript))
            for wanted, transcript in zip(batch, transcripts, strict=True)
        ]

    def _judge(self, wanted: _Wanted, transcript: Transcript) -> float | None:
        if self._end_of_turn is None or not wanted.judged or not transcript.text:
            return None
        heard = wanted.heard
        sound = heard.sound if heard.as_spoken is None else heard.as_spoken
        try:
            return self._end_of_turn.probability(sound, transcript.text)
        except Exception:
            # Without a judgement the silence decides; without the words the caller would be asked again.
            log.exception("the turn-end model broke")
            return None
