"""How far a map can be trusted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clouds import make_clouds
from sklearn.manifold import trustworthiness

from soundatlas.atlas import quality
from soundatlas.atlas.layout import fit_layout
from soundatlas.atlas.quality import faithfulness, label_agreement

COUNT = 90
WORKS = np.array([f"work {number}" for number in range(COUNT)], object)


@pytest.fixture(scope="module")
def clouds():
    """Give embeddings, a map of them, and the cloud of each."""
    _, embeddings, members = make_clouds(COUNT, spread=0.3)
    return embeddings, fit_layout(embeddings, seed=1), members


def test_trustworthiness_is_that_of_scikit_learn(clouds):
    """Our figure, which asks block by block, is the textbook's."""
    embeddings, layout, _ = clouds
    expected = trustworthiness(embeddings, layout, n_neighbors=10, metric="cosine")
    assert faithfulness(embeddings, layout)["trustworthiness"] == pytest.approx(expected, abs=1e-6)


def test_a_map_by_chance_keeps_what_chance_keeps(clouds):
    """Of a shuffled map, as many neighbours are right as `neighbour_preservation_chance` says; of a good one, more."""
    embeddings, layout, _ = clouds
    shuffled = np.random.default_rng(1).permutation(layout)
    good, bad = faithfulness(embeddings, layout), faithfulness(embeddings, shuffled)
    assert bad["neighbour_preservation"] == pytest.approx(bad["neighbour_preservation_chance"], abs=0.05)
    assert bad["trustworthiness"] == pytest.approx(0.5, abs=0.1)
    assert good["neighbour_preservation"] > 0.4


def test_many_tracks_are_sampled(clouds, monkeypatch):
    """Asked from some tracks only, the figures stay near those of all."""
    embeddings, layout, _ = clouds
    whole = faithfulness(embeddings, layout)
    monkeypatch.setattr(quality, "MOST_QUERIES", 30)
    assert faithfulness(embeddings, layout)["trustworthiness"] == pytest.approx(whole["trustworthiness"], abs=0.03)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_tracks_have_no_figures(count):
    """With less than three tracks nothing is claimed."""
    figures = faithfulness(np.ones((count, 4)), np.ones((count, 2)))
    assert all(np.isnan(value) for value in figures.values())


def test_agreement_is_high_in_clouds_and_chance_is_their_share(clouds):
    """Where labels are clouds, neighbours agree on the map and by the embedding; chance is the share of the label."""
    embeddings, layout, members = clouds
    labels = pd.Series([f"cloud {cloud}" for cloud in members])
    asked = np.arange(COUNT) % 3 == 0
    figures = label_agreement(embeddings, layout, labels, WORKS, asked)
    assert figures["tracks"] == 30
    assert figures["chance"] == pytest.approx(22 / 89, abs=0.02)
    assert figures["layout"] > 0.8
    assert figures["layout_low"] <= figures["layout"] <= figures["layout_high"]
    by_chance = label_agreement(
        embeddings, layout, labels.sample(frac=1, random_state=1, ignore_index=True), WORKS, asked
    )
    assert by_chance["layout_low"] < by_chance["chance"] < by_chance["layout_high"]


def test_tracks_of_one_work_never_answer_each_other(clouds):
    """Where only the other clips of a work share a label, agreement is 0."""
    embeddings, layout, members = clouds
    works = np.array([f"work {cloud}" for cloud in members], object)
    labels = pd.Series(works)
    assert label_agreement(embeddings, layout, labels, works, np.ones(COUNT, bool))["embedding"] == 0


def test_without_labels_or_held_out_tracks_nothing_is_said(clouds):
    """A label that no held-out track has gives no figures; tracks without it are no neighbours."""
    embeddings, layout, _ = clouds
    missing = pd.Series([None] * COUNT, dtype="str")
    assert label_agreement(embeddings, layout, missing, WORKS, np.ones(COUNT, bool)) == {}
    assert label_agreement(embeddings, layout, pd.Series(["a"] * COUNT), WORKS, np.zeros(COUNT, bool)) == {}
