# SPDX-License-Identifier: GPL-3.0-or-later
"""Understanding, measured on utterances that training has never seen."""

from __future__ import annotations

import random
import re
from pathlib import Path

import httpx
import pytest
import yaml

from tests.dialogue.conftest import ROOT, Dialogue

HELD_OUT = Path(__file__).with_name("heldout.yml")
LEAST_ACCURACY = 0.97
# Some utterances lose the very word that carried them: nobody could tell what "let's" was about.
LEAST_ACCURACY_WITH_LOST_WORDS = 0.75


def held_out() -> dict[str, list[str]]:
    return dict(yaml.safe_load(HELD_OUT.read_text()))


def training_examples() -> dict[str, list[str]]:
    data = yaml.safe_load((ROOT / "nlu_data" / "nlu.yml").read_text())
    return {
        block["intent"]: re.findall(r"^- (.+)$", block["examples"], re.MULTILINE) for block in data["nlu"]
    }


def understood(dialogue: Dialogue, client: httpx.Client, text: str) -> str:
    answer = client.post(f"{dialogue.rasa_url}/model/parse", json={"text": text}).json()
    return str(answer["intent"]["name"])


def accuracy(results: list[tuple[str, str, str]]) -> float:
    for wanted, got, text in results:
        if wanted != got:
            print(f"{wanted}: {text!r} was taken for {got}")
    return sum(wanted == got for wanted, got, _ in results) / len(results)


@pytest.mark.timeout(400)
def test_held_out_utterances_are_understood(
    dialogue: Dialogue, record_property: pytest.RecordProperty
) -> None:
    with httpx.Client(timeout=20) as client:
        results = [(i, understood(dialogue, client, t), t) for i, texts in held_out().items() for t in texts]
    measured = accuracy(results)
    record_property("nlu_heldout_accuracy", round(measured, 4))
    print(f"held-out accuracy {measured:.3f} on {len(results)}")
    assert measured >= LEAST_ACCURACY


@pytest.mark.timeout(400)
def test_a_fifth_of_the_words_may_be_lost(dialogue: Dialogue, record_property: pytest.RecordProperty) -> None:
    source = random.Random(20)
    results = []
    with httpx.Client(timeout=20) as client:
        for intent, texts in held_out().items():
            for text in texts if intent != "nlu_fallback" else []:
                kept = " ".join(word for word in text.split() if source.random() > 0.2) or text
                results.append((intent, understood(dialogue, client, kept), kept))
    measured = accuracy(results)
    record_property("nlu_accuracy_with_lost_words", round(measured, 4))
    print(f"accuracy with a fifth of the words lost {measured:.3f} on {len(results)}")
    assert measured >= LEAST_ACCURACY_WITH_LOST_WORDS


def test_held_out_utterances_are_not_in_training() -> None:
    trained = {text for texts in training_examples().values() for text in texts}
    assert not trained & {text for texts in held_out().values() for text in texts}


def test_every_intent_has_enough_and_unambiguous_examples() -> None:
    examples = training_examples()
    assert set(examples) == set(held_out())
    assert all(len(texts) >= 20 for texts in examples.values())
    assert all(len(texts) >= 6 for texts in held_out().values())
    every = [text for texts in examples.values() for text in texts]
    assert len(every) == len(set(every))
    # A recogniser of Chinese is not there yet; a written wish for it is understood all the same.
    spoken = [text for text in every if text not in examples["ask_language"] or text.isascii()]
    assert all(re.fullmatch(r"[a-z' ]+", text) for text in spoken), (
        "lower case words only, as the recogniser writes them"
    )
