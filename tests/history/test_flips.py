"""Two champions' predictions side by side."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundatlas.history.flips import FLIPS, compare_predictions, label_of, population_stability_index

LABELS = st.lists(st.sampled_from(["air", "jig", "reel"]), min_size=1, max_size=30)


def row(label: str | None, confidence: float = 0.5, **more) -> dict[str, object]:
    """Return a prediction with one head; without a label, a file that was not classified."""
    if label is None:
        return {"status": "too_short", "genre": None, "genre_confidence": None, **more}
    return {"status": "classified", "genre": label, "genre_confidence": confidence, **more}


def table(**rows: dict[str, object]) -> pd.DataFrame:
    """Return the champion's predictions; the name of a file is the hash of its audio too."""
    return pd.DataFrame([{"path": f"{name}.wav", "audio_sha256": name, **each} for name, each in rows.items()])


def test_the_index_of_a_known_case():
    """By hand: 3 and 1 before, 1 and 3 after, half a track added to each of the two classes."""
    b, a = 3.5 / 5, 1.5 / 5
    expected = (a - b) * math.log(a / b) + ((1 - a) - (1 - b)) * math.log((1 - a) / (1 - b))
    assert population_stability_index(["x"] * 3 + ["y"], ["x"] + ["y"] * 3) == pytest.approx(expected)


@given(LABELS, LABELS)
def test_the_index_is_a_divergence(before, after):
    """It is finite, never negative, 0 for equal distributions, and the same in both directions."""
    index = population_stability_index(before, after)
    assert math.isfinite(index)
    assert index >= -1e-12
    assert index == pytest.approx(population_stability_index(after, before), abs=1e-12)
    assert population_stability_index(before, before[::-1]) == pytest.approx(0, abs=1e-12)


def test_one_track_in_a_new_class_of_a_small_inbox_is_no_alarm():
    """Of 28 files one moves to a class that was empty: far below the 0.25 of a major shift; if all move, far above."""
    assert population_stability_index(["air"] * 28, ["air"] * 27 + ["jig"]) < 0.1
    assert population_stability_index(["air"] * 28, ["jig"] * 28) > 1


def test_flips_confusion_and_confidence():
    """Which files changed their label, how often each change occurs, and how sure the two models are."""
    before = {"a": row("air", 0.4), "b": row("air", 0.6), "c": row("jig", 0.8)}
    after = table(a=row("jig", 0.9), b=row("air", 0.7), c=row("jig", 0.5), d=row("reel"))
    report, flips = compare_predictions(before, after, 0.25)
    genre = report["heads"]["genre"]
    assert (report["files"], report["compared"], report["new"]) == (4, 3, 1)
    assert (genre["compared"], genre["flipped"]) == (3, 1)
    assert genre["mean_confidence_before"] == pytest.approx(0.6)
    assert genre["mean_confidence_after"] == pytest.approx(0.7)
    assert {(each["before"], each["after"]): each["files"] for each in genre["confusion"]} == {
        ("air", "air"): 1,
        ("air", "jig"): 1,
        ("jig", "jig"): 1,
    }
    assert flips.to_dict("records") == [dict(zip(FLIPS, ("a.wav", "a", "genre", "air", "jig", 0.4, 0.9), strict=True))]


def test_drift_is_above_the_bound():
    """A head has drifted when its index is above the bound, and only then."""
    before = {name: row("air") for name in "abcdef"}
    after = table(**{name: row("jig") for name in "abcdef"})
    psi = compare_predictions(before, after, 1.0)[0]["heads"]["genre"]["psi"]
    assert compare_predictions(before, after, psi * 0.99)[0]["drifted"] == ["genre"]
    assert compare_predictions(before, after, psi)[0]["drifted"] == []


def test_files_that_are_classified_only_once_are_counted_apart():
    """Failures flip nothing; they are told as what they are."""
    before = {"a": row("air"), "b": row(None), "c": row(None)}
    report, flips = compare_predictions(before, table(a=row(None), b=row("air"), c=row(None)), 0.25)
    assert (report["compared"], report["no_longer_classified"], report["now_classified"]) == (0, 1, 1)
    assert report["heads"] == {}
    assert flips.empty


def test_a_head_that_one_of_the_two_lacks_is_left_out():
    """Champions with other labels are compared by those that they share."""
    before = {"a": row("air", mood="calm", mood_confidence=0.9)}
    after = table(a=row("air", decade="1780s", decade_confidence=0.4))
    assert list(compare_predictions(before, after, 0.25)[0]["heads"]) == ["genre"]


def test_a_class_that_is_hardly_known_is_called_unknown():
    """From known to unknown is a flip, although the nearest class stayed."""
    assert label_of(row("air", genre_known=False), "genre") == "unknown"
    report, _ = compare_predictions(
        {"a": row("air", genre_known=True)}, table(a=row("air", genre_known=False)), max_psi=9.0
    )
    assert report["heads"]["genre"]["flipped"] == 1


def test_no_earlier_prediction_is_an_empty_report():
    """With nothing to compare, no figure is made up."""
    report, flips = compare_predictions({}, table(a=row("air")), 0.25)
    assert (report["new"], report["compared"], report["heads"], report["drifted"]) == (1, 0, {}, [])
    assert flips.empty
