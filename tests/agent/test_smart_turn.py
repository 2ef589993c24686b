# SPDX-License-Identifier: GPL-3.0-or-later
"""Smart-Turn v3 in its place: features as its own extractor makes them, and a graph of its signature.

The real file is not shipped. A graph of one ReduceMean over the same input, written here as protobuf bytes,
answers with what it was given; so what reaches the network is tested, not what it makes of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.smart_turn import FRAMES, MELS, SAMPLE_RATE_HZ, SECONDS, SmartTurn
from agent.turn_end_model import load_end_of_turn

pytestmark = pytest.mark.quick


def field(number: int, value: int | bytes | str) -> bytes:
    """One protobuf field: a varint or a length and bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def tensor(name: str, shape: tuple[int | str, ...]) -> bytes:
    """ValueInfoProto of a float tensor; a dimension may have a name instead of a size."""
    dimensions = b"".join(
        field(1, field(1, size) if isinstance(size, int) else field(2, size)) for size in shape
    )
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dimensions)))


def graph(shape: tuple[int | str, ...], path: Path) -> None:
    """An ONNX file: `input_features` of `shape` to `logits` [1, 1], the mean of everything."""
    node = field(1, "input_features") + field(2, "logits") + field(4, "ReduceMean")
    network = (
        field(1, node) + field(2, "mean") + field(11, tensor("input_features", shape))
        + field(12, tensor("logits", (1,) * len(shape)))
    )  # fmt: skip
    opset = field(1, "") + field(2, 17)
    path.write_bytes(field(1, 8) + field(7, network) + field(8, opset))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    graph((1, MELS, FRAMES), tmp_path / "smart-turn-v3.2-cpu.onnx")
    return tmp_path


def tone(seconds: float, hertz: float = 440.0, level: float = 0.1) -> np.ndarray:
    return (
        level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ)
    ).astype(np.float32)


def test_a_folder_without_our_description_is_smart_turn(folder: Path) -> None:
    model = load_end_of_turn(folder)
    assert isinstance(model, SmartTurn)
    assert model.name == "smart-turn-v3.2-cpu"


def test_the_network_gets_the_features(folder: Path) -> None:
    model = SmartTurn(folder)
    sound = tone(1.0)
    assert model.probability(sound, "never looked at") == pytest.approx(
        np.clip(model.features(sound).mean(), 0, 1), abs=1e-5
    )


def test_an_export_with_an_open_batch_is_taken(tmp_path: Path) -> None:
    graph(("batch", MELS, FRAMES), tmp_path / "smart-turn-v3.0.onnx")
    assert 0 <= SmartTurn(tmp_path).probability(tone(0.5), "") <= 1


def test_short_sound_is_padded_in_front(folder: Path) -> None:
    features = SmartTurn(folder).features(tone(2.0))
    assert features.shape == (MELS, FRAMES)
    assert features.dtype == np.float32
    silent = FRAMES - 2 * SAMPLE_RATE_HZ // 160 - 2
    assert np.ptp(features[:, :silent]) == pytest.approx(0, abs=1e-6)
    assert features[:, silent + 10 :].max() > features[:, :silent].max() + 1


def test_only_the_last_eight_seconds_count(folder: Path) -> None:
    model = SmartTurn(folder)
    recent = tone(SECONDS, 300)
    before = tone(3, 2000, 0.5)
    assert np.array_equal(model.features(np.concatenate([before, recent])), model.features(recent))


def test_features_do_not_follow_the_level(folder: Path) -> None:
    """Normalised to zero mean and unit variance first, as Whisper's extractor does when told to."""
    model = SmartTurn(folder)
    assert model.features(tone(3, level=0.02)) == pytest.approx(model.features(tone(3, level=0.4)), abs=1e-3)


def test_silence_is_no_error(folder: Path) -> None:
    assert np.isfinite(SmartTurn(folder).probability(np.zeros(0, np.float32), ""))


def test_without_the_file_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="models pull smart-turn-v3"):
        SmartTurn(tmp_path)


def test_another_graph_is_refused(tmp_path: Path) -> None:
    graph((1, 40, 100), tmp_path / "other.onnx")
    with pytest.raises(ValueError, match="not Smart-Turn v3"):
        SmartTurn(tmp_path)
