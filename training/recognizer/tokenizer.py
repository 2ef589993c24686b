# SPDX-License-Identifier: GPL-3.0-or-later
"""A small byte-level BPE with Whisper's special tokens in Whisper's order.

faster-whisper takes a vocabulary below 51,865 for an English-only one and finds the special tokens by name,
but the 1,501 timestamps must be the last ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from training.recognizer import grammar, lexicon

TEXT_TOKENS = 1100
SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
TIMESTAMP_STEP_SECONDS = 0.02
TIMESTAMPS = 1501
_SUPPRESSED_BY_DEFAULT = '"#()*+/:;<=>@[]^_{|}~「」`\\'


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """A token's number; raises ValueError when the vocabulary lacks it."""
    number: int | None = tokenizer.token_to_id(token)
    if number is None:
        raise ValueError(f"the tokenizer has no {token}: delete tokenizer.json and run again")
    return number


def build_tokenizer(path: Path, seed: int, sentences: int = 40_000) -> Tokenizer:
    """Train the tokenizer on sentences of the grammar and save it as `tokenizer.json`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TEXT_TOKENS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=[],
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(seed, sentences), trainer)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS]
    )
    tokenizer.add_tokens(
        [
            AddedToken(f"<|{step * TIMESTAMP_STEP_SECONDS:.2f}|>", special=False, normalized=False)
            for step in range(TIMESTAMPS)
        ]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return tokenizer


def _texts(seed: int, sentences: int) -> Iterator[str]:
    for sentence in islice(grammar.training_sentences(seed), sentences):
        yield f" {sentence.text}"
    for word in lexicon.WORDS:
        yield f" {word}"
    # faster-whisper suppresses by default the FIRST token of " -", " '" and " ♩". Were they not tokens of
    # their own, that would be the bare space, and with it every word that is spelt in pieces.
    for _ in range(max(1, sentences // 10)):
        yield " - -- "
        yield " ' ''"
        yield " ♩ ♪ ♫ ♭ ♯"
        for character in _SUPPRESSED_BY_DEFAULT + "abcdefghijklmnopqrstuvwxyz0123456789":
            yield f" {character}"
