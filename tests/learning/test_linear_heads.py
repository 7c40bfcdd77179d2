"""Linear heads on disk and at work, without any library for learning."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.errors import BundleError
from soundatlas.learning.linear_heads import Linear, LinearHeads

HEADS_NAME = "heads.safetensors"


def _linear(outputs: int, seed: int) -> Linear:
    generator = np.random.default_rng(seed)
    return Linear(
        generator.normal(size=(5, outputs)).astype(np.float32), generator.normal(size=outputs).astype(np.float32)
    )


@pytest.fixture
def heads() -> LinearHeads:
    """Give heads over five features."""
    return LinearHeads({"genre": _linear(3, 1), "artist": _linear(2, 2)}, {"tempo_bpm": _linear(1, 3)}, _linear(4, 4))


@pytest.fixture
def features() -> np.ndarray:
    """Give the features of six tracks."""
    return np.random.default_rng(9).normal(size=(6, 5)).astype(np.float32)


def test_heads_are_affine_maps(heads, features) -> None:
    """Logits and values are features times weights plus bias."""
    logits, values = heads.predict(features)
    assert list(logits) == ["genre", "artist"]
    for head, linear in heads.classes.items():
        np.testing.assert_allclose(logits[head], features @ linear.weights + linear.bias, atol=1e-6)
    assert values["tempo_bpm"].shape == (6,)
    expected = features @ heads.attributes["tempo_bpm"].weights[:, 0] + heads.attributes["tempo_bpm"].bias[0]
    np.testing.assert_allclose(values["tempo_bpm"], expected, atol=1e-6)


def test_embeddings_have_length_one(heads, features) -> None:
    """A dot product of two embeddings is their cosine; a vector of zeros stays finite."""
    np.testing.assert_allclose(np.linalg.norm(heads.embed(features), axis=1), 1.0, atol=1e-6)
    nothing = LinearHeads({}, {}, Linear(np.zeros((5, 4), np.float32), np.zeros(4, np.float32)))
    assert np.isfinite(nothing.embed(features)).all()


def test_loaded_heads_are_the_saved_ones(heads, features, tmp_path) -> None:
    """What comes back from disk says the very same."""
    heads.save(tmp_path / HEADS_NAME)
    again = LinearHeads.load(tmp_path / HEADS_NAME)
    for before, after in zip(heads.predict(features), again.predict(features), strict=True):
        assert set(before) == set(after)
        for name, array in before.items():
            np.testing.assert_array_equal(after[name], array)
    np.testing.assert_array_equal(again.embed(features), heads.embed(features))


def test_equal_heads_are_equal_bytes(heads, tmp_path) -> None:
    """A head that did not change is the same file."""
    contents = set()
    for name in ("one", "two"):
        heads.save(tmp_path / name)
        contents.add((tmp_path / name).read_bytes())
    assert len(contents) == 1


def test_damaged_file_is_one_line(heads, tmp_path) -> None:
    """A missing or cut file says what to do."""
    with pytest.raises(BundleError, match=r"heads\.safetensors cannot be read .*: train the model again"):
        LinearHeads.load(tmp_path / HEADS_NAME)
    heads.save(tmp_path / HEADS_NAME)
    (tmp_path / HEADS_NAME).write_bytes((tmp_path / HEADS_NAME).read_bytes()[:-10])
    with pytest.raises(BundleError, match="train the model again"):
        LinearHeads.load(tmp_path / HEADS_NAME)
