# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal in which anything was changed says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.journal.chain import Entry, MalformedEntry, faults, link

CALL = "c-1"


def journal(count: int) -> list[Entry]:
    entries: list[Entry] = []
    previous: str | None = None
    for seq in range(count):
        entry = Entry(
            seq, seq * 20, "2026-01-01T00:00:00.000+00:00", "transcript", {"text": f"word {seq}", "ä": 1}
        )
        entry = replace(entry, hash=link(CALL, previous, entry))
        entries.append(entry)
        previous = entry.hash
    return entries


def test_a_whole_journal_has_no_faults() -> None:
    entries = journal(5)
    assert faults(CALL, entries) == []
    assert faults(CALL, entries, (5, entries[-1].hash)) == []
    assert faults(CALL, [], None) == []


def test_fields_come_back_as_they_went() -> None:
    for entry in journal(3):
        assert Entry.from_fields(entry.to_fields()) == entry


@given(
    st.integers(0, 5),
    st.sampled_from(
        [
            lambda e: replace(e, at_ms=e.at_ms + 1),
            lambda e: replace(e, kind="other"),
            lambda e: replace(e, data={**e.data, "text": "x"}),
            lambda e: replace(e, time=e.time.replace("2026", "2025")),
        ]
    ),
)
def test_any_change_shows_at_its_place(place: int, change) -> None:  # type: ignore[no-untyped-def]
    entries = journal(6)
    entries[place] = change(entries[place])
    assert f"entry {place} " in faults(CALL, entries)[0]


@given(st.integers(0, 5))
def test_a_dropped_entry_shows(place: int) -> None:
    entries = journal(6)
    sealed = (6, entries[-1].hash)
    del entries[place]
    assert faults(CALL, entries, sealed)


def test_a_journal_of_another_call_does_not_fit() -> None:
    assert faults("c-2", journal(1))


def test_an_entry_of_somebody_else_is_refused() -> None:
    with pytest.raises(MalformedEntry, match="not a journal entry"):
        Entry.from_fields({"seq": "0"})
