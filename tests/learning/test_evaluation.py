"""Judging a model on the test tracks."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.learning import score
from soundatlas.learning.evaluation import Predictions, evaluate
from soundatlas.learning.labels import LabelSpace, Scale

SPACE = LabelSpace(
    {"genre": ("chorale", "reel"), "artist": ("aird", "bach", "ryan")},
    {"tempo_bpm": Scale(90.0, 10.0), "mean_pitch": Scale(60.0, 5.0)},
)


def _probabilities(tracks: int, head: str, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(len(SPACE.classes[head])), tracks).astype(np.float32)


def _predictions(tracks: int) -> Predictions:
    generator = np.random.default_rng(1)
    return Predictions(
        {head: _probabilities(tracks, head, 0) for head in SPACE.classes},
        {"tempo_bpm": generator.normal(90, 10, tracks), "mean_pitch": generator.normal(60, 5, tracks)},
    )


def _evaluate(tracks, model=None):
    peers = {
        name: {head: _probabilities(len(tracks), head, seed) for head in SPACE.classes}
        for seed, name in enumerate(("majority", "other"), start=5)
    }
    groups = np.arange(len(tracks)) // 2
    return evaluate(
        tracks, groups, SPACE, model or _predictions(len(tracks)), peers, resample_count=100, confidence=0.9
    )


@pytest.fixture(scope="module")
def tracks(catalogue):
    """Give twelve test tracks: some without a genre, some of an artist never seen, some without a tempo."""
    return catalogue(
        *(
            {
                "genre": [None, "reel", "chorale"][number % 3],
                "artist": ["aird", "bach", "ryan", "oneill"][number % 4],
                "tempo_bpm": None if number < 5 else 80.0 + number,
            }
            for number in range(12)
        )
    )


def test_every_head_is_scored_beside_the_baselines(tracks) -> None:
    """Heads, attributes and baselines have their figures; an attribute without any value has none."""
    metrics = _evaluate(tracks).metrics
    assert list(metrics["classes"]) == ["genre", "artist"]
    assert list(metrics["attributes"]) == ["tempo_bpm"]
    assert {name: list(heads) for name, heads in metrics["baselines"].items()} == {
        "majority": ["genre", "artist"],
        "other": ["genre", "artist"],
    }
    assert [metrics["classes"][head]["classes"] for head in SPACE.classes] == [2, 3]


def test_figures_are_of_the_labelled_tracks(tracks) -> None:
    """What is known of some tracks is scored on those tracks, with samples of their groups."""
    model = _predictions(12)
    metrics = _evaluate(tracks, model).metrics
    known = tracks["genre"].notna().to_numpy()
    truth = (tracks["genre"][known] == "reel").to_numpy(np.int64)
    samples = score.resamples((np.arange(12) // 2)[known], 100)
    expected = score.class_scores(truth, model.probabilities["genre"][known], samples, 0.9)
    assert metrics["classes"]["genre"] == expected | {"classes": 2}
    assert metrics["attributes"]["tempo_bpm"]["tracks"] == 7
    assert metrics["attributes"]["tempo_bpm"]["mae"] == pytest.approx(
        np.abs(tracks["tempo_bpm"].to_numpy()[5:] - model.values["tempo_bpm"][5:]).mean()
    )


def test_predictions_for_unlabelled_tracks_do_not_count(tracks) -> None:
    """Whatever the model says of tracks whose label is missing or was never seen, the evaluation is the same."""
    model = _predictions(12)
    other = _predictions(12)
    for head in SPACE.classes:
        unknown = ~tracks[head].isin(SPACE.classes[head]).to_numpy()
        assert unknown.any()
        other.probabilities[head][unknown] = other.probabilities[head][unknown][:, ::-1]
    other.values["tempo_bpm"][:5] += 1_000
    one, two = _evaluate(tracks, model), _evaluate(tracks, other)
    assert one.metrics == two.metrics
    assert one.confusion.equals(two.confusion)


def test_tables_hold_a_row_per_track_and_class(tracks) -> None:
    """The confusion table has a row per labelled track and head, the class table one per class."""
    evaluation = _evaluate(tracks)
    assert evaluation.confusion.groupby("head").size().to_dict() == {"artist": 9, "genre": 8}
    assert set(evaluation.confusion["actual"]) <= {"chorale", "reel", "aird", "bach", "ryan"}
    assert list(zip(evaluation.per_class["head"], evaluation.per_class["class"], strict=True)) == [
        (head, name) for head, names in SPACE.classes.items() for name in names
    ]
    assert evaluation.calibration.groupby("head")["tracks"].sum().to_dict() == {"artist": 9.0, "genre": 8.0}


def test_confusion_names_truth_and_guess(tracks) -> None:
    """A model that always says the first class is seen to."""
    model = _predictions(12)
    model.probabilities["artist"][:] = [0.6, 0.3, 0.1]
    rows = _evaluate(tracks, model).confusion.query("head == 'artist'")
    assert set(rows["predicted"]) == {"aird"}
    assert rows["actual"].tolist() == [name for name in tracks["artist"] if name != "oneill"]


def test_head_without_any_label_is_left_out(tracks) -> None:
    """A label that no test track has gets no figures and breaks none."""
    evaluation = _evaluate(tracks.assign(genre=None))
    assert list(evaluation.metrics["classes"]) == ["artist"]
    assert list(evaluation.metrics["baselines"]["majority"]) == ["artist"]
    assert set(evaluation.confusion["head"]) == {"artist"}


def test_no_label_at_all_gives_tables_without_rows(tracks) -> None:
    """Test tracks that nothing is known of give empty tables with their columns."""
    evaluation = _evaluate(tracks.assign(genre=None, artist=None, tempo_bpm=np.nan))
    assert evaluation.metrics["classes"] == evaluation.metrics["attributes"] == {}
    tables = (evaluation.per_class, evaluation.confusion, evaluation.calibration)
    full = _evaluate(tracks)
    assert [list(table) for table in tables] == [
        list(table) for table in (full.per_class, full.confusion, full.calibration)
    ]
    assert [len(table) for table in tables] == [0, 0, 0]
