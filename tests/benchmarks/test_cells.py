"""Cells are done once and kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.quality import cells
from benchmarks.quality.cells import PREDICTIONS, make_plans, run_plans
from benchmarks.quality.data import Dataset, Stores
from soundatlas.files import read_json


@pytest.fixture
def plans(fold, collection_of, tmp_path, tiny_params):
    """Give a function that plans the cells of some peers on the fold."""
    rows = [{"genre": genre} for genre in ("jig", "march", "reel", "waltz")]

    def plan(*peers, seeds=(1, 2), on=fold, strangers=()):
        strange = collection_of([*strangers]).tracks
        dataset = Dataset(collection_of(rows, strangers=strange), Stores(tmp_path, tmp_path, {}, 1.0), tmp_path)
        return make_plans(peers, [on], seeds, dataset, tiny_params, tmp_path / "cells")

    return plan


def test_a_finished_cell_is_not_done_again(plans, counting_peer):
    """A second run trains nothing and gives the same cells; a further seed is one more training."""
    peer = counting_peer()
    first = list(run_plans(plans(peer)))
    assert (peer.trainings, [cell.seed for cell in first]) == (2, [1, 2])
    again = counting_peer()
    second = list(run_plans(plans(again)))
    assert again.trainings == 0
    for one, other in zip(first, second, strict=True):
        assert replace(one, predictions=None) == replace(other, predictions=None)
        assert one.predictions.drop(columns="probabilities").equals(other.predictions.drop(columns="probabilities"))
        np.testing.assert_array_equal(np.stack(one.predictions["probabilities"][:2]), np.eye(4)[[0, 0]])
    list(run_plans(plans(again, seeds=(1, 2, 3))))
    assert again.trainings == 1


def test_other_settings_data_or_code_is_another_cell(plans, fold, counting_peer, tmp_path, monkeypatch):
    """A changed setting, label, side or line of code, of the peer or of all, trains anew; what is kept stays."""
    code = tmp_path / "code.py"
    code.write_text("1", encoding="utf-8")
    peer = counting_peer(code=(code,))
    list(run_plans(plans(peer, seeds=(1,))))
    list(run_plans(plans(replace(peer, strength=2.0), seeds=(1,))))
    relabelled = replace(fold, train=fold.train.assign(genre=["reel", "jig", "waltz"] * 2))
    list(run_plans(plans(peer, seeds=(1,), on=relabelled)))
    code.write_text("2", encoding="utf-8")
    list(run_plans(plans(peer, seeds=(1,))))
    assert len(list((tmp_path / "cells").glob("*.json"))) == 4
    monkeypatch.setattr(cells, "SHARED_CODE", (code,))
    list(run_plans(plans(peer, seeds=(1,))))
    assert len(list((tmp_path / "cells").glob("*.json"))) == 5


def test_a_cell_without_its_figures_is_unfinished(plans, counting_peer, tmp_path):
    """Predictions alone, as a kill may leave them, do not count."""
    list(run_plans(plans(counting_peer(), seeds=(1,))))
    for path in (tmp_path / "cells").glob("*.json"):
        path.unlink()
    peer = counting_peer()
    list(run_plans(plans(peer, seeds=(1,))))
    assert peer.trainings == 1


def test_a_peer_without_a_seed_is_trained_once(plans, counting_peer):
    """Seeds that would change nothing cost nothing."""
    assert len(plans(counting_peer(seeded=False))) == 1


def test_what_is_kept(plans, counting_peer, tmp_path):
    """Figures beside a table of predictions in the columns that are promised."""
    (cell,) = run_plans(plans(counting_peer(), seeds=(5,)))
    assert [*cell.predictions] == [*PREDICTIONS]
    assert cell.predictions["head"].tolist() == ["genre"] * 3 + ["tempo_bpm"] * 3
    assert cell.predictions["actual"].tolist()[:3] == ["jig", "march", "waltz"]
    assert cell.predictions["predicted"].tolist()[:3] == ["jig"] * 3
    assert cell.predictions["learnt"].tolist() == [True, False, True, True, True, True]
    assert cell.predictions["knownness"].tolist()[:3] == [0.0, 0.5, 1.0]
    precisions = cell.predictions["average_precision"].tolist()
    assert precisions[0] == pytest.approx((1 + 2 / 4) / 2)  # jigs are the first and the fourth training track
    assert np.isnan(precisions[1])
    (path,) = (tmp_path / "cells").glob("*.json")
    about = read_json(path)
    assert (about["peer"], about["split"], about["seed"], about["notes"]) == ("counting", "work", 5, ["counted"])
    assert {"train_seconds", "ms_per_clip"} < set(about)


def test_strangers_are_heard_and_judge_no_class(plans, counting_peer):
    """A stranger has a row for each head that lacks its class, marked as never learnt; new strangers are a new cell.

    Strangers of one work are one group.
    """
    peer = counting_peer()
    (plain,) = run_plans(plans(peer, seeds=(1,)))
    strangers = [{"genre": "polka"}, {"genre": "jig"}, {"genre": None}, {"genre": "polka", "title": "Title 0"}]
    (cell,) = run_plans(plans(peer, seeds=(1,), strangers=strangers))
    assert peer.trainings == 2
    added = cell.predictions.iloc[len(plain.predictions) :]
    assert (
        added[["head", "actual", "learnt", "group"]].to_numpy().tolist()
        == [["genre", "polka", False, "work:/title 0"]] * 2
    )
