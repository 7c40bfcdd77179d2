"""Luck and leakage: repeated trainings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from soundatlas.learning.repeats import FOLDS, GROUPED, RANDOM, random_sides, summarise
from soundatlas.params import SplitParams

PARAMS = SplitParams(
    group="work", sides="hash", salt="s", validation=0.2, test=0.2, near_duplicates=False, max_bit_error_rate=0.09
)


def _split(groups: int, each: int) -> pd.DataFrame:
    rows = range(groups * each)
    return pd.DataFrame(
        {
            "track_id": [f"t:{row:04d}" for row in rows],
            "audio_sha256": [f"{row:064x}" for row in rows],
            "group": [f"work:{row // each}" for row in rows],
            "side": "train",
        }
    )


def test_random_sides_do_not_keep_works_together() -> None:
    """The shares are kept, a file is always on one side, and works are torn apart."""
    split = random_sides(_split(200, 5), PARAMS)
    assert split["side"].value_counts(normalize=True)["test"] == pytest.approx(0.2, abs=0.04)
    assert split.groupby("group")["side"].nunique().gt(1).mean() > 0.6
    twin = pd.concat([split.head(1), split.head(1).assign(track_id="t:x")], ignore_index=True)
    assert len(set(random_sides(twin, PARAMS)["side"])) == 1


def _predictions(right: dict[tuple[str, int], float], tracks: int = 120) -> pd.DataFrame:
    """Make trainings that are right on a given share of the tracks of two classes."""
    parts = []
    for (split, seed), share in right.items():
        truth = np.arange(tracks) % 2
        wrong = np.arange(tracks) >= round(share * tracks)
        parts.append(
            pd.DataFrame(
                {
                    "split": split,
                    "seed": seed,
                    "track_id": [f"{split}:{row:03d}" for row in range(tracks)],
                    "group": [f"g{row // 2}" for row in range(tracks)],
                    "artist": np.where(truth ^ wrong, "b", "a"),
                    "artist_truth": np.where(truth, "b", "a"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_figures_are_means_over_seeds_with_their_spread() -> None:
    """Macro F1 and accuracy are averaged over the seeds; the smallest and the largest stand beside, in the interval."""
    table = _predictions({(GROUPED, 1): 0.5, (GROUPED, 2): 0.6, (GROUPED, 3): 0.7})
    figures = summarise(table, ["artist"], resample_count=300, confidence=0.95)["artist"][GROUPED]
    assert (figures["seeds"], figures["tracks"]) == (3, 120)
    assert figures["accuracy"] == pytest.approx(0.6)
    assert figures["macro_f1"] == pytest.approx(0.6, abs=0.01)
    assert (figures["macro_f1_min"], figures["macro_f1_max"]) == pytest.approx((0.5, 0.7), abs=0.01)
    assert figures["macro_f1_low"] < figures["macro_f1"] < figures["macro_f1_high"]


def test_the_two_test_sides_of_the_gap_are_drawn_apart() -> None:
    """With as many groups in both, an interval of the gap does not vanish because the draws are the same."""
    table = _predictions({(GROUPED, 1): 0.7, (RANDOM, 1): 0.7})
    gap = summarise(table, ["artist"], resample_count=300, confidence=0.95)["artist"]["gap"]
    assert gap["macro_f1_low"] < -0.02 < 0.02 < gap["macro_f1_high"]


def test_gap_is_what_the_random_split_scores_more() -> None:
    """The gap has an interval that excludes 0 where the splits differ clearly; without a random split there is none."""
    table = _predictions({(GROUPED, 1): 0.4, (RANDOM, 1): 0.9})
    gap = summarise(table, ["artist"], resample_count=300, confidence=0.95)["artist"]["gap"]
    assert gap["macro_f1"] == pytest.approx(0.5, abs=0.02)
    assert 0 < gap["macro_f1_low"] < gap["macro_f1_high"]
    alone = summarise(table[table["split"] == GROUPED], ["artist"], resample_count=300, confidence=0.95)
    assert set(alone["artist"]) == {GROUPED}


def test_tracks_without_truth_are_left_out() -> None:
    """A label that training never saw counts neither for nor against."""
    table = _predictions({(GROUPED, 1): 0.5})
    table.loc[table["track_id"].str.endswith(("7", "8", "9")), "artist_truth"] = None
    figures = summarise(table, ["artist"], resample_count=100, confidence=0.95)["artist"][GROUPED]
    assert figures["tracks"] == 84


def test_folds_are_scored_as_one() -> None:
    """The test tracks of all folds are one test set, in which every track is once."""
    whole = _predictions({(FOLDS, 7): 0.9})
    found = summarise(whole, ["artist"], resample_count=100, confidence=0.95)["artist"][FOLDS]
    assert (found["seeds"], found["tracks"]) == (1, 120)
    assert found["accuracy"] == pytest.approx(0.9)
    assert found["macro_f1_low"] < found["macro_f1"] < found["macro_f1_high"]
