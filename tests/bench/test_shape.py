# SPDX-License-Identifier: GPL-3.0-or-later
"""A recogniser of a given shape with random weights loads and decodes as many tokens as it is asked for."""

from __future__ import annotations

from pathlib import Path

import ctranslate2
import numpy as np
import pytest
from faster_whisper import WhisperModel

from bench.shape import SHAPES, Shape, write, written


def test_it_decodes_any_number_of_tokens(tmp_path: Path) -> None:
    write(Shape(width=64, layers=2, heads=2), tmp_path, words=500)
    model = ctranslate2.models.Whisper(str(tmp_path), compute_type="int8")
    sound = np.random.default_rng(0).standard_normal((1, 80, 200)).astype(np.float32)
    found = model.generate(
        ctranslate2.StorageView.from_array(sound), [[501]], beam_size=1, max_length=24, suppress_tokens=[500]
    )
    assert len(found[0].sequences_ids[0]) == 12
    assert not model.is_multilingual
    loaded = WhisperModel(str(tmp_path), device="cpu")
    segments, _ = loaded.transcribe(np.zeros(16_000, np.float32), language="en", without_timestamps=True)
    list(segments)


def test_an_unknown_shape_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there are: tiny"):
        written("huge", tmp_path)
    assert {shape.width // shape.heads for shape in SHAPES.values()} == {64}
