"""Fitting linear heads: what they learn, what chooses, and what missing labels do."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.learning import linear_fit
from soundatlas.learning.labels import LabelSpace
from soundatlas.learning.linear_fit import ABSENT_LOGIT, fit_linear_heads
from soundatlas.learning.retrieval import mean_average_precision
from soundatlas.learning.score import macro_f1

FEATURES = 30
GENRES = ("air", "chorale", "reel")


def _features(genres: list[int], seed: int) -> np.ndarray:
    """Make features of which three tell the genre, one the tempo, one the artist, and one never moves."""
    generator = np.random.default_rng(seed)
    features = generator.normal(50, 10, (len(genres), FEATURES))
    features[np.arange(len(genres)), genres] += 60
    features[::2, 4] += 60
    features[:, -1] = 120.9
    return features.astype(np.float32)


@pytest.fixture
def side(catalogue):
    """Give a function that makes the tracks of a side and their features."""

    def make(count: int, seed: int):
        genres = [number % 3 for number in range(count)]
        features = _features(genres, seed)
        rows = [
            {"genre": GENRES[genre], "artist": "ab"[number % 2], "work": f"w{number}", "tempo_bpm": 60 + float(value)}
            for number, (genre, value) in enumerate(zip(genres, features[:, 3], strict=True))
        ]
        return features, catalogue(*rows)

    return make


def _space(tracks) -> LabelSpace:
    return LabelSpace.of(tracks, ["genre", "artist"], ["tempo_bpm"])


def _truth(tracks, space, head="genre"):
    return space.class_targets(tracks)[head]


@pytest.mark.parametrize("count", [24, 90])
def test_heads_learn_what_is_there(side, count) -> None:
    """Classes, values and neighbours come out right on unseen tracks, with fewer tracks than features or more."""
    (train_x, train), (val_x, val), (test_x, test) = side(count, 1), side(24, 2), side(30, 3)
    space = _space(train)
    heads = fit_linear_heads(train_x, train, val_x, val, space, embedding=8)
    logits, values = heads.predict(test_x)
    assert macro_f1(_truth(test, space), logits["genre"].argmax(axis=1)) > 0.85
    wanted = space.attribute_targets(test)["tempo_bpm"]
    assert np.square(values["tempo_bpm"] - wanted).mean() < (0.8 if count == 24 else 0.2) * np.square(wanted).mean()
    embeddings = heads.embed(test_x)
    assert embeddings.shape == (30, 8)
    assert mean_average_precision(embeddings, _truth(test, space), np.arange(30)) > 0.8


def test_two_classes_get_two_logits(side) -> None:
    """A head of two classes has a logit for each, and their difference tells them apart."""
    (train_x, train), (val_x, val) = side(24, 1), side(24, 2)
    logits, _ = fit_linear_heads(train_x, train, val_x, val, _space(train), embedding=4).predict(train_x)
    assert logits["artist"].shape == (24, 2)
    np.testing.assert_allclose(logits["artist"].sum(axis=1), 0, atol=1e-4)
    assert (logits["artist"].argmax(axis=1) == _truth(train, _space(train), "artist")).mean() > 0.9


def test_missing_labels_train_nothing(side) -> None:
    """Tracks without labels leave the heads as they are, whatever their features."""
    (train_x, train), (val_x, val) = side(60, 1), side(24, 2)
    space = _space(train)
    expected = fit_linear_heads(train_x, train, val_x, val, space, embedding=4)
    blank = train.assign(genre=None, artist=None, tempo_bpm=np.nan).astype(train.dtypes.to_dict())
    import pandas as pd

    doubled = pd.concat([train, blank], ignore_index=True)  # equal features: the standardisation stays the same
    found = fit_linear_heads(np.concatenate([train_x, train_x]), doubled, val_x, val, space, embedding=4)
    for before, after in zip(expected.predict(val_x), found.predict(val_x), strict=True):
        for name, array in before.items():
            np.testing.assert_allclose(after[name], array, atol=0.02)


def test_validation_tracks_only_choose(side, monkeypatch) -> None:
    """With one strength to choose from, the validation tracks change nothing."""
    for name, grid in {"INVERSE_STRENGTHS": (0.1,), "STRENGTHS": (100.0,), "SHRINKAGES": (0.5,)}.items():
        monkeypatch.setattr(linear_fit, name, grid)
    train_x, train = side(24, 1)
    one = fit_linear_heads(train_x, train, *side(24, 2), _space(train), embedding=4)
    two = fit_linear_heads(train_x, train, *side(9, 5), _space(train), embedding=4)
    np.testing.assert_array_equal(one.classes["genre"].weights, two.classes["genre"].weights)
    np.testing.assert_array_equal(one.embedding.weights, two.embedding.weights)


def test_strength_with_the_best_score_is_chosen(side, monkeypatch) -> None:
    """A C so small that nothing is learned loses against one that learns."""
    (train_x, train), (val_x, val) = side(60, 1), side(24, 2)
    monkeypatch.setattr(linear_fit, "INVERSE_STRENGTHS", (1e-9, 0.1))
    monkeypatch.setattr(linear_fit, "STRENGTHS", (1e9, 10.0))
    heads = fit_linear_heads(train_x, train, val_x, val, _space(train), embedding=4)
    assert np.ptp(heads.predict(val_x)[0]["genre"], axis=1).min() > 0.1
    assert heads.predict(val_x)[1]["tempo_bpm"].std() > 0.1


def test_validation_without_labels_still_gives_heads(side) -> None:
    """Where nothing can be judged the middle strengths are taken."""
    (train_x, train), (val_x, val) = side(24, 1), side(6, 2)
    blank = val.assign(genre=None, artist=None, tempo_bpm=np.nan).astype(val.dtypes.to_dict())
    logits, values = fit_linear_heads(train_x, train, val_x, blank, _space(train), embedding=4).predict(val_x)
    assert all(np.isfinite(array).all() for array in (*logits.values(), *values.values()))


def test_class_without_features_is_never_said(side) -> None:
    """A class whose tracks all failed keeps its place in the order, far below the others."""
    (train_x, train), (val_x, val) = side(24, 1), side(24, 2)
    space = LabelSpace({"genre": ("air", "chorale", "march", "reel")}, {})
    logits, _ = fit_linear_heads(train_x, train, val_x, val, space, embedding=4).predict(val_x)
    assert (logits["genre"][:, 2] == ABSENT_LOGIT).all()
    assert logits["genre"][:, [0, 1, 3]].min() > ABSENT_LOGIT


def test_small_catalogue_has_a_small_embedding(side) -> None:
    """Six tracks span no more than six dimensions."""
    (train_x, train), (val_x, val) = side(6, 1), side(6, 2)
    embeddings = fit_linear_heads(train_x, train, val_x, val, _space(train), embedding=128).embed(val_x)
    assert embeddings.shape[1] <= 8
    assert np.isfinite(embeddings).all()
