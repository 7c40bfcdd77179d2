"""The gate: who becomes champion, and who does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from soundatlas.registry.gate import judge_against, judge_first

TRACKS = 60
GENRES, ARTISTS = ("chorale", "reel", "waltz"), ("anna", "bela")


@pytest.fixture
def truth() -> pd.DataFrame:
    """Give the labels of the test tracks."""
    return pd.DataFrame(
        {
            "genre": [GENRES[number % 3] for number in range(TRACKS)],
            "artist": [ARTISTS[number // 3 % 2] for number in range(TRACKS)],
        }
    )


@pytest.fixture
def groups() -> np.ndarray:
    """Give the tracks' groups: two tracks each."""
    return np.arange(TRACKS) // 2


@pytest.fixture
def section(tiny_params):
    """Give the gate's parameters, changed by keyword."""

    def change(**changes):
        return tiny_params.promote.model_copy(update=changes)

    return change


def wrong_on(truth: pd.DataFrame, rows: slice) -> pd.DataFrame:
    """Return the labels with those of some rows exchanged for other classes."""
    guess = truth.copy()
    for head, names in (("genre", GENRES), ("artist", ARTISTS)):
        following = dict(zip(names, (*names[1:], names[0]), strict=True))
        guess.loc[truth.index[rows], head] = truth[head].iloc[rows].map(following)
    return guess


def test_clear_winner_is_promoted(truth, groups, section):
    """A challenger that is right everywhere against a champion that is wrong on half earns the place."""
    verdict = judge_against(truth, truth, wrong_on(truth, slice(0, 30)), groups, section())
    assert verdict.promoted
    assert verdict.figures["challenger"] == 1.0
    assert verdict.figures["gain_low"] > 0
    assert verdict.figures["rival_name"] == "the champion"
    assert f"{TRACKS} test tracks" in verdict.reason


def test_equals_and_worse_are_refused(truth, groups, section):
    """The champion keeps its place against its equal, and against a worse one."""
    half = wrong_on(truth, slice(0, 30))
    equal = judge_against(truth, half, half, groups, section())
    worse = judge_against(truth, half, truth, groups, section())
    assert (equal.promoted, equal.figures["gain"]) == (False, 0.0)
    assert not worse.promoted
    assert worse.figures["gain"] < 0


def test_gain_that_could_be_luck_is_refused(truth, groups, section):
    """One track more right, out of sixty, is a gain whose lower bound is not above zero."""
    verdict = judge_against(truth, wrong_on(truth, slice(0, 9)), wrong_on(truth, slice(0, 10)), groups, section())
    assert verdict.figures["gain"] > 0
    assert not verdict.promoted


def test_least_gain_is_asked_for(truth, groups, section):
    """The lower bound must lie above `min_gain`: just below it promotes, just above it refuses."""
    champion = wrong_on(truth, slice(0, 30))
    low = judge_against(truth, truth, champion, groups, section()).figures["gain_low"]
    assert judge_against(truth, truth, champion, groups, section(min_gain=low - 0.01)).promoted
    assert not judge_against(truth, truth, champion, groups, section(min_gain=low)).promoted
    assert not judge_against(truth, truth, champion, groups, section(min_gain=low + 0.01)).promoted


def test_tracks_without_a_label_do_not_count(truth, groups, section):
    """Where the truth is missing, it does not matter what anyone says."""
    unknown = truth.copy()
    unknown.loc[:29, "genre"] = None
    champion = wrong_on(truth, slice(40, 60))
    verdict = judge_against(unknown, truth, champion, groups, section(primary=["genre"]))
    noisy = judge_against(unknown, wrong_on(truth, slice(0, 30)), champion, groups, section(primary=["genre"]))
    assert verdict.figures["challenger"] == noisy.figures["challenger"] == 1.0
    assert verdict.figures["gain"] == noisy.figures["gain"]


def test_champion_without_a_head_is_never_right_there(truth, groups, section):
    """An older champion that was never taught the artist has an F1 of nothing in it."""
    verdict = judge_against(truth, truth, truth[["genre"]], groups, section())
    assert verdict.figures["rival"] == pytest.approx(0.5)
    assert verdict.promoted


def test_labels_are_matched_by_row_and_not_by_index(truth, groups, section):
    """Tables with other indices are compared in their order."""
    shifted = truth.set_axis(range(1000, 1000 + TRACKS))
    assert judge_against(shifted, truth, truth, groups, section()).figures["challenger"] == 1.0


def test_verdict_is_always_the_same(truth, groups, section):
    """The same predictions get the same verdict to the last digit."""
    champion = wrong_on(truth, slice(10, 30))
    assert judge_against(truth, truth, champion, groups, section()) == judge_against(
        truth, truth, champion, groups, section()
    )


def test_only_the_primary_heads_decide(truth, groups, section):
    """A challenger that is better in the artist alone does not win by the genre."""
    challenger, champion = wrong_on(truth, slice(0, 30)), wrong_on(truth, slice(0, 30))
    challenger["artist"] = truth["artist"]
    assert judge_against(truth, challenger, champion, groups, section(primary=["artist"])).promoted
    assert not judge_against(truth, challenger, champion, groups, section(primary=["genre"])).promoted


def test_first_model_must_beat_the_majority_class(truth, groups, section):
    """Without a champion a model that always says the most frequent class is refused, and a good one promoted."""
    majority = {"genre": "reel", "artist": "anna"}
    always = pd.DataFrame({head: [name] * TRACKS for head, name in majority.items()})
    assert judge_first(truth, truth, majority, groups, section()).promoted
    refused = judge_first(truth, always, majority, groups, section())
    assert not refused.promoted
    assert refused.figures["rival_name"] == "the majority class"
    assert refused.figures["rival"] == pytest.approx((0.5 / 3 + 2 / 3 / 2) / 2, abs=1e-6)
