"""The gate: who becomes champion, and who does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from soundatlas.registry.gate import Answers, judge_against, judge_first

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


def against(truth, challenger, champion, groups, params):
    """Judge two tables of labels."""
    return judge_against(truth, Answers(challenger), Answers(champion), groups, params)


def first(truth, challenger, majority, groups, params):
    """Judge a table of labels while there is no champion."""
    return judge_first(truth, Answers(challenger), majority, groups, params)


def wrong_on(truth: pd.DataFrame, rows: slice) -> pd.DataFrame:
    """Return the labels with those of some rows exchanged for other classes."""
    guess = truth.copy()
    for head, names in (("genre", GENRES), ("artist", ARTISTS)):
        following = dict(zip(names, (*names[1:], names[0]), strict=True))
        guess.loc[truth.index[rows], head] = truth[head].iloc[rows].map(following)
    return guess


def test_clear_winner_is_promoted(truth, groups, section):
    """A challenger that is right everywhere against a champion that is wrong on half earns the place."""
    verdict = against(truth, truth, wrong_on(truth, slice(0, 30)), groups, section())
    assert verdict.promoted
    assert verdict.figures["challenger"] == 1.0
    assert verdict.figures["gain_low"] > 0
    assert verdict.figures["rival_name"] == "the champion"
    assert f"{TRACKS} test tracks" in verdict.reason


def test_equals_and_worse_are_refused(truth, groups, section):
    """The champion keeps its place against its equal, and against a worse one."""
    half = wrong_on(truth, slice(0, 30))
    equal = against(truth, half, half, groups, section())
    worse = against(truth, half, truth, groups, section())
    assert (equal.promoted, equal.figures["gain"]) == (False, 0.0)
    assert not worse.promoted
    assert worse.figures["gain"] < 0


def test_gain_that_could_be_luck_is_refused(truth, groups, section):
    """One track more right, out of sixty, is a gain whose lower bound is not above zero."""
    verdict = against(truth, wrong_on(truth, slice(0, 9)), wrong_on(truth, slice(0, 10)), groups, section())
    assert verdict.figures["gain"] > 0
    assert not verdict.promoted


def test_least_gain_is_asked_for(truth, groups, section):
    """The lower bound must lie above `min_gain`: just below it promotes, just above it refuses."""
    champion = wrong_on(truth, slice(0, 30))
    low = against(truth, truth, champion, groups, section()).figures["gain_low"]
    assert against(truth, truth, champion, groups, section(min_gain=low - 0.01)).promoted
    assert not against(truth, truth, champion, groups, section(min_gain=low)).promoted
    assert not against(truth, truth, champion, groups, section(min_gain=low + 0.01)).promoted


def test_tracks_without_a_label_do_not_count(truth, groups, section):
    """Where the truth is missing, it does not matter what anyone says."""
    unknown = truth.copy()
    unknown.loc[:29, "genre"] = None
    champion = wrong_on(truth, slice(40, 60))
    verdict = against(unknown, truth, champion, groups, section(primary=["genre"]))
    noisy = against(unknown, wrong_on(truth, slice(0, 30)), champion, groups, section(primary=["genre"]))
    assert verdict.figures["challenger"] == noisy.figures["challenger"] == 1.0
    assert verdict.figures["gain"] == noisy.figures["gain"]


def test_champion_without_a_head_is_never_right_there(truth, groups, section):
    """An older champion that was never taught the artist has an F1 of nothing in it."""
    verdict = against(truth, truth, truth[["genre"]], groups, section())
    assert verdict.figures["rival"] == pytest.approx(0.5)
    assert verdict.promoted


def test_labels_are_matched_by_row_and_not_by_index(truth, groups, section):
    """Tables with other indices are compared in their order."""
    shifted = truth.set_axis(range(1000, 1000 + TRACKS))
    assert against(shifted, truth, truth, groups, section()).figures["challenger"] == 1.0


def test_verdict_is_always_the_same(truth, groups, section):
    """The same predictions get the same verdict to the last digit."""
    champion = wrong_on(truth, slice(10, 30))
    assert against(truth, truth, champion, groups, section()) == against(truth, truth, champion, groups, section())


def test_only_the_primary_heads_decide(truth, groups, section):
    """A challenger that is better in the artist alone does not win by the genre."""
    challenger, champion = wrong_on(truth, slice(0, 30)), wrong_on(truth, slice(0, 30))
    challenger["artist"] = truth["artist"]
    assert against(truth, challenger, champion, groups, section(primary=["artist"])).promoted
    assert not against(truth, challenger, champion, groups, section(primary=["genre"])).promoted


def test_first_model_must_beat_the_majority_class(truth, groups, section):
    """Without a champion a model that always says the most frequent class is refused, and a good one promoted."""
    majority = {"genre": "reel", "artist": "anna"}
    always = pd.DataFrame({head: [name] * TRACKS for head, name in majority.items()})
    assert first(truth, truth, majority, groups, section()).promoted
    refused = first(truth, always, majority, groups, section())
    assert not refused.promoted
    assert refused.figures["rival_name"] == "the majority class"
    assert refused.figures["rival"] == pytest.approx((0.5 / 3 + 2 / 3 / 2) / 2, abs=1e-6)


def sure(labels: pd.DataFrame, confidence: float, **more) -> Answers:
    """Return answers of one confidence throughout."""
    return Answers(labels, pd.DataFrame(confidence, index=labels.index, columns=labels.columns), **more)


def check(verdict, name: str):
    """Return one of the things that were asked."""
    return next(each for each in verdict.checks if each.name == name)


def test_class_that_loses_much_is_refused(truth, groups, section):
    """A challenger that is better on the whole does not become champion at the cost of a class with enough tracks."""
    champion = truth.assign(genre=truth["genre"].map({"chorale": "reel", "reel": "chorale", "waltz": "waltz"}))
    challenger = truth.copy()
    challenger.loc[challenger.index[truth["genre"] == "waltz"][4:], "genre"] = "reel"
    judged = judge_against(truth, Answers(challenger), Answers(champion), groups, section(primary=["genre"]))
    assert judged.figures["gain_low"] > 0
    assert not judged.promoted
    assert judged.reason == check(judged, "classes").says
    assert "waltz (genre)" in judged.reason
    lenient = section(primary=["genre"], max_class_loss=1.0)
    assert judge_against(truth, Answers(challenger), Answers(champion), groups, lenient).promoted


def test_small_class_has_no_say(truth, groups, section):
    """What a class with nine test tracks loses could be luck: it refuses nobody."""
    few = truth.copy()
    few["genre"] = "reel"
    few.loc[:8, "genre"] = "waltz"
    few.loc[9:40, "genre"] = "chorale"
    champion = few.copy()
    champion.loc[9:, "genre"] = "waltz"
    challenger = few.copy()
    challenger.loc[:8, "genre"] = "reel"
    judged = judge_against(few, Answers(challenger), Answers(champion), groups, section(primary=["genre"]))
    lost = next(row for row in judged.classes if row["class"] == "waltz")
    assert (lost["tracks"], lost["challenger"], lost["change"] < 0) == (9, 0.0, True)
    assert check(judged, "classes").passed


def test_confidence_that_lies_is_refused(truth, groups, section):
    """A calibration error above `max_ece` refuses the best of models, a first one too; below it promotes."""
    champion = wrong_on(truth, slice(0, 30))
    for judged in (
        judge_against(truth, sure(truth, 0.4), Answers(champion), groups, section()),
        judge_first(truth, sure(truth, 0.4), {"genre": "reel", "artist": "anna"}, groups, section()),
    ):
        assert not judged.promoted
        assert judged.figures["ece"] == pytest.approx({"genre": 0.6, "artist": 0.6})
        assert "calibration error (ECE)" in judged.reason
    assert judge_against(truth, sure(truth, 0.9), Answers(champion), groups, section()).promoted


def test_slow_challenger_is_refused(truth, groups, section):
    """More than `max_slowdown` times the champion's time per clip refuses; as much does not; unmeasured does not."""
    champion = Answers(wrong_on(truth, slice(0, 30)), milliseconds=10.0, clips=15)
    limit = section(max_slowdown=2.0)
    slow = judge_against(truth, Answers(truth, milliseconds=20.1, clips=15), champion, groups, limit)
    assert not slow.promoted
    assert "20.1 ms per clip against 10.0 (median of 15 clips)" in slow.reason
    assert judge_against(truth, Answers(truth, milliseconds=20.0, clips=15), champion, groups, limit).promoted
    unmeasured = judge_against(truth, Answers(truth), champion, groups, limit)
    assert unmeasured.promoted
    assert "not timed" in check(unmeasured, "speed").says


def test_labels_that_the_champion_never_learned_are_told(truth, groups, section):
    """They count against the champion; the sentence says how many tracks and how the models compare on the others."""
    champion = truth.copy()
    champion.loc[truth["genre"] == "waltz", "genre"] = "reel"
    learned = {"genre": GENRES, "artist": ARTISTS}
    old = Answers(champion, learned={"genre": ("chorale", "minuet", "reel"), "artist": ARTISTS})
    judged = judge_against(truth, Answers(truth, learned=learned), old, groups, section())
    assert judged.promoted
    assert judged.figures["labels"] == {"genre": {"never_learned": {"waltz": 20}, "new": ["waltz"], "gone": ["minuet"]}}
    assert (judged.figures["shared_tracks"], judged.figures["shared_gain"]) == (40, 0.0)
    assert "20 of the tracks have labels that the champion never learned (waltz)" in judged.reason
    assert "on the others the gain is +0.000" in judged.reason


def test_champion_of_wholly_other_labels(truth, groups, section):
    """When the champion learned no label of the test, it is never right, and that there is nothing else is said."""
    old = Answers(truth.replace(dict.fromkeys(GENRES, "minuet")), learned={"genre": ("minuet",), "artist": ARTISTS})
    new = Answers(truth, learned={"genre": GENRES, "artist": ARTISTS})
    judged = judge_against(truth, new, old, groups, section(primary=["genre"]))
    assert judged.promoted
    assert judged.figures["shared_gain"] is None
    assert "there are no others" in judged.reason


def test_nothing_to_judge_by_is_refused(truth, groups, section):
    """A primary head without a label in the test, or that the model lacks, refuses with the head's name."""
    blank = truth.assign(genre=None)
    assert first(blank, truth, {"genre": "reel", "artist": "anna"}, groups, section()).reason == (
        "no test track has a label of 'genre', which promote.primary asks for"
    )
    lacking = against(truth, truth[["artist"]], truth, groups, section())
    assert (lacking.promoted, lacking.reason) == (
        False,
        "the model has no head 'genre', which promote.primary asks for",
    )


def test_first_model_has_a_floor_of_its_own(truth, groups, section):
    """What a first model must gain over the majority class is `min_first_gain`, whatever `min_gain` says."""
    majority = {"genre": "reel", "artist": "anna"}
    always = pd.DataFrame({head: [name] * TRACKS for head, name in majority.items()})
    assert not first(truth, always, majority, groups, section(min_gain=-1.0)).promoted
    assert first(truth, always, majority, groups, section(min_first_gain=-1.0)).promoted


def test_every_reason_to_refuse_is_told(truth, groups, section):
    """A challenger that fails in two things hears of both."""
    champion = Answers(truth, milliseconds=1.0, clips=3)
    judged = judge_against(
        truth, Answers(truth, milliseconds=9.0, clips=3), champion, groups, section(max_slowdown=2.0)
    )
    assert "the lower bound is not above 0" in judged.reason
    assert "9.00 times, above 2" in judged.reason
    assert [each.name for each in judged.checks] == ["gain", "calibration", "classes", "speed"]


def test_confusions_of_both_stand_side_by_side(truth, groups, section):
    """Per head the names, and who was taken for whom by each of them."""
    judged = against(truth, truth, wrong_on(truth, slice(0, 60)), groups, section(primary=["genre"]))
    counts = judged.confusions["genre"]
    assert counts["names"] == ["chorale", "reel", "waltz"]
    assert counts["challenger"] == [[20, 0, 0], [0, 20, 0], [0, 0, 20]]
    assert counts["rival"] == [[0, 20, 0], [0, 0, 20], [20, 0, 0]]
