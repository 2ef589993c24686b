# SPDX-License-Identifier: GPL-3.0-or-later
"""A short conversation as a journal and as sound: a question, a speech paused by a cough and then cut."""

from __future__ import annotations

import numpy as np

from agent.journal.chain import Entry
from tests.telephony.signals import RATE, tone

LENGTH_MS = 16_000


def entry(at_ms: int, kind: str, **data: object) -> Entry:
    return Entry(0, at_ms, "2026-01-01T00:00:00.000+00:00", kind, data)


JOURNAL = [
    entry(0, "turn_committed", text="/call_started", turn=1),
    entry(0, "agent_speaks", speech=1, text="This call is recorded.", protected=True),
    entry(20, "first_sound", speech=1),
    entry(2000, "agent_spoke", speech=1, heard="This call is recorded.", complete=True),
    entry(3100, "speech_started", onset_ms=3000),
    entry(3600, "partial", text="what are", until_ms=3600),
    entry(4200, "speech_stopped", end_ms=4100),
    entry(4250, "transcript", text="what are your hours", until_ms=4220, finished=0.93),
    entry(4300, "turn_committed", text="what are your hours", turn=2),
    entry(4350, "agent_speaks", speech=2, text="From nine to six. On Saturday to one.", protected=False),
    entry(4400, "first_sound", speech=2),
    entry(6100, "speech_started", onset_ms=6000),
    entry(6160, "agent_pauses"),
    entry(6500, "speech_stopped", end_ms=6400),
    entry(6600, "utterance_ignored", text="", reason="noise"),
    entry(6600, "agent_resumes"),
    entry(9000, "key_pressed", source="info"),
    entry(9000, "barge_in"),
    entry(9020, "agent_spoke", speech=2, heard="From nine to six.", complete=False),
    entry(9020, "turn_committed", keys="•", turn=3),
    entry(15_000, "call_ended", outcome="caller hung up"),
]
CALLER_SPEAKS = ((3000, 4100), (6000, 6400))
AGENT_SPEAKS = ((20, 2000), (4400, 6160), (6600, 9000))


def sound(spans: tuple[tuple[int, int], ...], shift_ms: int) -> bytes:
    """A tone where somebody speaks, `shift_ms` later than in the journal."""
    samples = np.zeros(LENGTH_MS * RATE // 1000, np.int16)
    for start, end in spans:
        at = (start + shift_ms) * RATE // 1000
        voice = np.frombuffer(tone((end - start) / 1000), "<i2")
        samples[max(0, at) : max(0, at) + len(voice)] = voice
    return samples.astype("<i2").tobytes()
