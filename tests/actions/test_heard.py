# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether conditions were heard to their end."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actions.heard import cut_conditions, was_heard

CONDITIONS = "The rate is 8.9 % a year, and you would pay $317.22 a month."
WORDS = CONDITIONS.split()


def test_whole_sentence_in_the_middle_of_others() -> None:
    assert was_heard(CONDITIONS, f"Good news. {CONDITIONS} Would you like")
    assert was_heard(CONDITIONS, "the rate is 8.9 % a year and you would pay $317.22 a month")


def test_another_figure_is_another_sentence() -> None:
    assert not was_heard(CONDITIONS, CONDITIONS.replace("8.9", "9.8"))
    assert not was_heard(CONDITIONS, CONDITIONS.replace("$317.22", "$317"))


@given(st.integers(0, len(WORDS) - 1), st.text(max_size=20))
def test_a_sentence_without_its_end_was_not_heard(kept: int, before: str) -> None:
    assert not was_heard(CONDITIONS, f"{before} {' '.join(WORDS[:kept])}")


def bot(name: str, text: str) -> dict[str, Any]:
    return {"event": "bot", "text": text, "metadata": {"utter_action": name}}


def user(**metadata: str) -> dict[str, Any]:
    return {"event": "user", "metadata": metadata}


def test_only_the_turn_after_the_conditions_tells_of_them() -> None:
    told = [user(), bot("utter_loan_conditions", CONDITIONS), bot("utter_ask_application", "Shall I?")]
    assert cut_conditions([*told, user(interrupted="true", heard="The rate is 8.9")]) == CONDITIONS
    assert cut_conditions([*told, user(interrupted="true", heard=CONDITIONS)]) is None
    assert cut_conditions([*told, user(interrupted="false", heard="")]) is None
    assert cut_conditions([*told, user()]) is None, (
        "an agent that doesn't tell is not held against the caller"
    )
    digressed = [*told, user(interrupted="true", heard=""), bot("utter_help", "Help."), user()]
    assert cut_conditions(digressed) == CONDITIONS
    once_more = bot("utter_said_again", f"Again: {CONDITIONS}")
    again = [*digressed, once_more, user(interrupted="true", heard="Again:")]
    assert cut_conditions(again) == CONDITIONS, "the conditions alone, however often they were said again"
    again = [*digressed, once_more, user(interrupted="false")]
    assert cut_conditions(again) is None


def test_nothing_told_nothing_cut() -> None:
    assert cut_conditions([]) is None
    assert cut_conditions([user(interrupted="true", heard="")]) is None
