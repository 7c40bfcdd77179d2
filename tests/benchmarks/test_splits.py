"""Who learns and who judges in the bench."""

from __future__ import annotations

import pandas as pd
import pytest
import tiny_project

from benchmarks.quality.splits import divided_pairs, make_folds, untested_classes
from soundatlas.errors import DataRefusedError, UsageError
from soundatlas.tables import DUPLICATES, SPLIT, conform


@pytest.fixture(scope="module")
def params(repository):
    """Give parameters with two heads."""
    return tiny_project.params_of(repository, train={"classes": ["genre", "artist"], "attributes": ["tempo_bpm"]})


@pytest.fixture(scope="module")
def collection(collection_of):
    """Give sixty tracks: thirty works twice, three genres, two artists, some labels missing."""
    rows = [
        {
            "work": f"work {number // 2}",
            "genre": ("jig", "reel", "waltz")[number // 2 % 3],
            "artist": None if number // 2 % 7 == 0 else ("ana", "bo")[number // 2 % 2],
            "tempo_bpm": 100.0 + number,
        }
        for number in range(60)
    ]
    return collection_of(rows)


@pytest.mark.parametrize("split", ["work", "random"])
def test_every_track_judges_once(collection, params, split):
    """In K folds each track is a test track once, the three sides are apart, and no group of a grouped split is cut."""
    folds = make_folds(collection, split, params, 4)
    assert sorted(track for fold in folds for track in fold.test["track_id"]) == collection.tracks["track_id"].tolist()
    for fold in folds:
        sides = [set(side["track_id"]) for side in (fold.train, fold.validation, fold.test)]
        assert all(sides)
        assert sum(map(len, sides)) == len(set().union(*sides)) == 60
        if split == "work":
            groups = [set(side["group"]) for side in (fold.train, fold.validation, fold.test)]
            assert sum(map(len, groups)) == 30


def test_a_random_split_cuts_groups(collection, params):
    """In the random split the two tracks of some work are on two sides, and intervals still go by the work."""
    (fold,) = make_folds(collection, "random", params, 1)
    assert set(fold.train["group"]) & set(fold.test["group"])
    assert fold.test["group"].str.startswith("work:").all()


@pytest.fixture(scope="module")
def copied(collection_of):
    """Give forty tracks of forty titles, of which each odd one is a copy of the one before it."""
    rows = [{"genre": ("jig", "reel")[number // 2 % 2], "album": f"album {number % 2}"} for number in range(40)]
    pairs = [{"track_id": f"t:{number:03d}", "other_track_id": f"t:{number + 1:03d}"} for number in range(0, 40, 2)]
    return collection_of(rows, duplicates=conform(pd.DataFrame(pairs), DUPLICATES))


@pytest.mark.parametrize("folds", [1, 3])
@pytest.mark.parametrize("split", ["work", "album"])
def test_copies_of_a_recording_stay_on_one_side(copied, params, split, folds):
    """Near-duplicates of other titles and albums are one group, in one split and in folds."""
    divided = make_folds(copied, split, params, folds)
    assert divided_pairs(divided, copied.duplicates) == 0
    groups = pd.concat([divided[0].train, divided[0].validation, divided[0].test])["group"]
    assert groups.value_counts().tolist() == [2] * 20


def test_copies_on_two_sides_are_counted(copied, collection_of, params):
    """A pair that the source's own split cuts, or any fold of a random one, counts once."""
    table = copied.tracks.assign(group=copied.tracks["track_id"], side=["train"] * 20 + ["validation", "test"] * 10)
    official = collection_of(
        copied.tracks.to_dict("records"),
        sides=conform(table, SPLIT),
        sides_name="official",
        duplicates=copied.duplicates,
    )
    assert divided_pairs(make_folds(official, "official", params, 1), copied.duplicates) == 10
    pairs = divided_pairs(make_folds(copied, "random", params, 4), copied.duplicates)
    assert 10 < pairs <= 20


def test_sides_of_a_catalogue_do_not_matter_to_a_folder(copied, params):
    """With `split.sides: official`, tracks that have no official side are divided as ever."""
    official = params.split.model_copy(update={"sides": "official"})
    (fold,) = make_folds(copied, "work", params.model_copy(update={"split": official}), 1)
    (usual,) = make_folds(copied, "work", params, 1)
    assert fold.test.equals(usual.test)


def test_a_split_of_the_source_is_kept(collection_of, params):
    """Sides and groups that the source brings are used as they are, and cannot be folded."""
    rows = [{"genre": ("jig", "reel")[number % 2], "artist": f"artist {number // 4}"} for number in range(12)]
    base = collection_of(rows)
    sides = base.tracks.assign(
        group="artist:" + base.tracks["artist"], side=["train"] * 4 + ["validation"] * 4 + ["test"] * 4
    )
    official = collection_of(rows, sides=conform(sides, SPLIT), sides_name="official")
    (fold,) = make_folds(official, "official", params, 1)
    assert fold.test["group"].unique().tolist() == ["artist:artist 2"]
    assert [*fold.space.classes] == ["genre"], "no test track has an artist that the training tracks have"
    assert fold.space.attributes == {}
    with pytest.raises(UsageError, match="--folds does not go with the official split"):
        make_folds(official, "official", params, 3)


def test_classes_that_cannot_be_judged_are_named(collection_of, params):
    """A class without test tracks, and one without training tracks, are listed per head."""
    genres = ["jig", "reel", "polka", "jig", "jig", "reel", "march"]
    sides = ["train", "train", "train", "validation", "test", "test", "test"]
    base = collection_of([{"genre": genre} for genre in genres])
    table = conform(base.tracks.assign(group=base.tracks["track_id"], side=sides), SPLIT)
    folds = make_folds(
        collection_of([{"genre": genre} for genre in genres], sides=table, sides_name="own"), "own", params, 1
    )
    assert untested_classes(folds) == {
        "genre": {"without_test_tracks": ["polka"], "without_training_tracks": ["march"]}
    }


def test_too_little_data_is_refused(collection_of, params):
    """More folds than tracks of a class, an empty side, and no label to learn are each one line."""
    few = collection_of([{"genre": "jig"}, {"genre": "reel"}])
    with pytest.raises(UsageError, match="5 folds are more than"):
        make_folds(few, "work", params, 5)
    with pytest.raises(DataRefusedError, match="no track on the"):
        make_folds(few, "work", params, 1)
    with pytest.raises(DataRefusedError, match=r"no label of train\.classes"):
        make_folds(collection_of([{"title": f"{number}"} for number in range(40)]), "work", params, 1)


def test_missing_genres_do_not_stop_folds(collection_of, params):
    """Tracks without the label by which folds are balanced are divided like a class of their own."""
    rows = [{"genre": None if number % 2 else ("jig", "reel")[number // 2 % 2]} for number in range(40)]
    folds = make_folds(collection_of(rows), "work", params, 2)
    assert pd.concat([fold.test for fold in folds])["genre"].isna().sum() == 20
