"""Telling a class that was never heard."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from soundatlas.learning.labels import MISSING, Scale
from soundatlas.learning.open_set import OpenSet, fit_open_set
from soundatlas.learning.references import References
from soundatlas.learning.track import TrackOutput


def _output(sureness: float, place: float = 0.0) -> TrackOutput:
    features = np.full(4, place, np.float32)
    return TrackOutput({"artist": np.array([sureness, 0, 0], np.float32)}, {}, np.ones(1, np.float32), features)


@pytest.fixture(scope="module")
def references() -> References:
    """Return training tracks around 0, of class 0."""
    places = np.random.default_rng(0).normal(0, 1, (50, 4)).astype(np.float32)
    return References.of(places, np.zeros(50, np.int64))


@pytest.mark.parametrize("near", [False, True])
def test_share_of_known_tracks_passes(references, near) -> None:
    """Of the validation tracks of known classes, as many pass as were asked for, with references and without."""
    outputs = [
        _output(sureness, place) for sureness, place in zip(np.linspace(0, 5, 200), np.tile([0, 1], 100), strict=True)
    ]
    kept = references if near else None
    open_set = fit_open_set(outputs, np.zeros(200, np.int64), "artist", accepted=0.9, references=kept)
    passed = [open_set.knownness(output, kept) >= open_set.threshold for output in outputs]
    assert np.mean(passed) == pytest.approx(0.9, abs=0.01)


def test_the_less_sure_is_the_less_known() -> None:
    """Without references a flat distribution is less known than a sharp one; the typical one is known by half."""
    open_set = fit_open_set([_output(s) for s in (1.0, 2.0, 3.0)], np.zeros(3, np.int64), "artist", accepted=0.5)
    flat, sharp = (open_set.knownness(_output(sureness), None) for sureness in (0.0, 9.0))
    assert 0 < flat < 0.2
    assert 0.8 < sharp < 1
    mean = OpenSet("artist", 0.5, Scale(1 / 3, 0.1), None, 1.0)
    assert mean.knownness(_output(0.0), None) == pytest.approx(0.5)


def test_a_confident_answer_far_from_the_class_is_a_stranger(references) -> None:
    """Where the model is as sure of strangers as of its own, their distance tells them; sureness alone does not."""
    generator = np.random.default_rng(1)
    known = [
        _output(sure, place)
        for sure, place in zip(generator.normal(4, 1, 60), generator.normal(0, 0.3, 60), strict=True)
    ]
    strange = [_output(sure, 6.0) for sure in generator.normal(4, 1, 60)]
    alone = fit_open_set(known, np.zeros(60, np.int64), "artist", accepted=0.95)
    both = fit_open_set(known, np.zeros(60, np.int64), "artist", accepted=0.95, references=references)
    truth = [1] * 60 + [0] * 60
    assert roc_auc_score(truth, [both.knownness(output, references) for output in known + strange]) > 0.95
    assert roc_auc_score(truth, [alone.knownness(output, None) for output in known + strange]) < 0.65
    assert np.mean([both.knownness(output, references) < both.threshold for output in strange]) > 0.9


def test_tracks_without_label_do_not_move_the_threshold(references) -> None:
    """A validation track of a class outside training counts for nothing; without any track everything passes."""
    sure, unsure = [_output(s) for s in np.linspace(3, 5, 10)], [_output(0.0)] * 10
    with_them = fit_open_set(
        sure + unsure, np.array([0] * 10 + [MISSING] * 10), "artist", accepted=0.95, references=references
    )
    assert with_them == fit_open_set(sure, np.zeros(10, np.int64), "artist", accepted=0.95, references=references)
    nobody = fit_open_set(unsure, np.full(10, MISSING), "artist", accepted=0.95, references=references)
    assert nobody.knownness(_output(0.0, 50.0), references) >= nobody.threshold


def test_features_are_needed_where_there_are_references(references) -> None:
    """An output without features cannot be compared, and says so."""
    bare = TrackOutput({"artist": np.zeros(3, np.float32)}, {}, np.ones(1, np.float32))
    with pytest.raises(ValueError, match="need the features"):
        fit_open_set([bare], np.zeros(1, np.int64), "artist", accepted=0.95, references=references)


@pytest.mark.parametrize("near", [None, Scale(-1.0, 0.5)])
def test_contract_reads_back(near) -> None:
    """What the contract holds makes the same open set again, through JSON."""
    open_set = OpenSet("artist", 0.25, Scale(0.5, 0.1), near, 1.5)
    assert OpenSet.from_contract(json.loads(json.dumps(open_set.contract()))) == open_set
