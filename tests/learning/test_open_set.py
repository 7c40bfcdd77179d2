"""Telling a class that was never heard."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.learning.labels import MISSING
from soundatlas.learning.open_set import OpenSet, fit_open_set
from soundatlas.learning.track import TrackOutput


def _output(sureness: float) -> TrackOutput:
    return TrackOutput({"artist": np.array([sureness, 0, 0], np.float32)}, {}, np.ones(1, np.float32))


def test_share_of_known_tracks_passes() -> None:
    """Of the validation tracks of known classes, as many pass as were asked for."""
    outputs = [_output(sureness) for sureness in np.linspace(0, 5, 200)]
    open_set = fit_open_set(outputs, np.zeros(200, np.int64), "artist", accepted=0.9)
    assert np.mean([open_set.is_known(output) for output in outputs]) == pytest.approx(0.9, abs=0.01)


def test_the_less_sure_is_the_less_known() -> None:
    """A flat distribution is known to a third, a sharp one nearly wholly."""
    open_set = OpenSet("artist", 0.5)
    assert open_set.knownness(_output(0.0)) == pytest.approx(1 / 3)
    assert open_set.knownness(_output(9.0)) > 0.99
    assert [open_set.is_known(_output(sureness)) for sureness in (0.0, 9.0)] == [False, True]


def test_tracks_without_label_do_not_move_the_threshold() -> None:
    """A validation track of a class outside training counts for nothing; without any track everything passes."""
    sure, unsure = [_output(4.0)] * 10, [_output(0.0)] * 10
    truth = np.array([0] * 10 + [MISSING] * 10)
    assert fit_open_set(sure + unsure, truth, "artist", accepted=0.95).threshold > 0.9
    assert fit_open_set(unsure, np.full(10, MISSING), "artist", accepted=0.95).is_known(_output(0.0))


def test_contract_reads_back() -> None:
    """What the contract holds makes the same open set again."""
    assert OpenSet(**OpenSet("artist", 0.25).contract()) == OpenSet("artist", 0.25)
