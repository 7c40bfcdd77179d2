"""Who learns and who judges."""

from __future__ import annotations

import hashlib

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundatlas.errors import ParamsError
from soundatlas.learning.split import MIN_ALBUMS, assign_sides, side_of
from soundatlas.params import SplitParams
from soundatlas.tables import DUPLICATES, SIDES, SPLIT, TRACKS, conform, empty

BY_WORK = SplitParams(
    group="work", sides="hash", salt="salt", validation=0.2, test=0.2, near_duplicates=True, max_bit_error_rate=0.09
)
BY_ALBUM = BY_WORK.model_copy(update={"group": "album"})

NAMES = st.sampled_from([None, "", "Un", "ün", "Deux", "deux!", "Trois", "Quatre"])
ROWS = st.fixed_dictionaries(
    {
        "artist": st.sampled_from([None, "Ana", "ANA", "Bo", "Çelik"]),
        "work": NAMES,
        "title": NAMES,
        "album": NAMES,
        "isrc": st.sampled_from([None, None, None, "USRC17607839", "us-rc1-76-07839", "GBAYE0000001"]),
        "bytes": st.integers(0, 30),
    }
)
CATALOGUES = st.lists(ROWS, min_size=1, max_size=25)


def _tracks(rows: list[dict], first: int = 0) -> pd.DataFrame:
    """Make a catalogue of drawn rows; an empty string stays what it is, as a careless source may give it."""
    numbered = [
        {"track_id": f"t:{number:03d}", "audio_sha256": hashlib.sha256(str(row["bytes"]).encode()).hexdigest(), **row}
        for number, row in enumerate(rows, first)
    ]
    return conform(pd.DataFrame(numbered), TRACKS)


def _groups(tracks: pd.DataFrame, params: SplitParams = BY_WORK) -> list[str]:
    """Return each track's group, in the catalogue's own order."""
    return assign_sides(tracks, params).set_index("track_id")["group"].reindex(tracks["track_id"]).tolist()


@settings(max_examples=50)
@given(CATALOGUES, st.sampled_from([BY_WORK, BY_ALBUM]))
def test_no_group_is_on_two_sides(rows, params) -> None:
    """Every track has a side, and tracks with the same group, bytes or ISRC have the same one."""
    tracks = _tracks(rows)
    split = assign_sides(tracks, params)
    assert split.dtypes.astype(str).to_dict() == SPLIT
    assert split["track_id"].tolist() == sorted(tracks["track_id"])
    assert set(split["side"]) <= set(SIDES)
    isrc = tracks["isrc"].str.upper().str.replace("-", "").to_numpy()
    for key in ("group", "audio_sha256", isrc):
        assert split.groupby(key)[["side", "group"]].nunique().le(1).all(axis=None)


@settings(max_examples=50)
@given(CATALOGUES, st.sampled_from([BY_WORK, BY_ALBUM]), st.randoms(use_true_random=False))
def test_order_of_the_catalogue_does_not_matter(rows, params, random) -> None:
    """Shuffled rows give the same split."""
    tracks = _tracks(rows)
    order = list(range(len(tracks)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(assign_sides(tracks.iloc[order], params), assign_sides(tracks, params))


@settings(max_examples=50)
@given(CATALOGUES, st.lists(ROWS, max_size=10))
def test_new_tracks_that_unite_nothing_move_no_one(rows, more) -> None:
    """Tracks of new works and further tracks of old works leave every old track's group and side as they were."""
    before = assign_sides(_tracks(rows), BY_WORK)
    new = [{**row, "bytes": 100 + number, "isrc": None} for number, row in enumerate(more)]
    after = assign_sides(_tracks([*rows, *new]), BY_WORK).iloc[: len(rows)]
    pd.testing.assert_frame_equal(after, before)


def test_only_the_united_move(catalogue) -> None:
    """A track that unites two works puts both on one side and moves no other."""
    rows = [{"artist": "Ana", "work": f"work {number}", "isrc": f"ISRC{number}"} for number in range(40)]
    before = assign_sides(catalogue(*rows), BY_WORK).set_index("track_id")
    rows.append({"artist": "Ana", "work": "work 3", "isrc": "ISRC7"})
    after = assign_sides(catalogue(*rows), BY_WORK).set_index("track_id")
    assert after.loc["t:003", "group"] == after.loc["t:007", "group"] == after.loc["t:040", "group"]
    assert after.loc["t:003", "side"] == after.loc["t:007", "side"]
    others = before.index.difference(["t:003", "t:007"])
    pd.testing.assert_frame_equal(after.loc[others], before.loc[others])


def _pairs(*numbers: tuple[int, int]) -> pd.DataFrame:
    """Make pairs of near-duplicates of tracks by their numbers."""
    rows = [{"track_id": f"t:{min(pair):03d}", "other_track_id": f"t:{max(pair):03d}"} for pair in numbers]
    return conform(pd.DataFrame(rows), DUPLICATES) if rows else empty(DUPLICATES)


PAIRS = st.lists(st.tuples(st.integers(0, 34), st.integers(0, 34)).filter(lambda pair: pair[0] != pair[1]), max_size=8)


@settings(max_examples=50)
@given(CATALOGUES, st.lists(ROWS, max_size=10), PAIRS, st.sampled_from([BY_WORK, BY_ALBUM]))
def test_near_duplicates_are_on_one_side(rows, more, pairs, params) -> None:
    """Whatever the names say, both tracks of a pair have one group and one side."""
    tracks = _tracks([*rows, *more])
    known = [pair for pair in pairs if max(pair) < len(tracks)]
    split = assign_sides(tracks, params, _pairs(*known)).set_index("track_id")
    for one, other in known:
        assert split.loc[f"t:{one:03d}", "group"] == split.loc[f"t:{other:03d}", "group"]
        assert split.loc[f"t:{one:03d}", "side"] == split.loc[f"t:{other:03d}", "side"]


@settings(max_examples=50)
@given(CATALOGUES, st.lists(ROWS, max_size=10), PAIRS)
def test_new_near_duplicates_move_only_whom_they_unite(rows, more, pairs) -> None:
    """As a catalogue and its pairs grow, a group that no new track unites with another keeps its side."""
    new = [{**row, "bytes": 100 + number, "isrc": None} for number, row in enumerate(more)]
    tracks = _tracks([*rows, *new])
    before = assign_sides(tracks.iloc[: len(rows)], BY_WORK, _pairs(*(p for p in pairs if max(p) < len(rows))))
    after = assign_sides(tracks, BY_WORK, _pairs(*(p for p in pairs if max(p) < len(tracks)))).iloc[: len(rows)]
    old_groups_of_new = before["group"].groupby(after["group"].to_numpy()).transform("nunique")
    untouched = (old_groups_of_new == 1).to_numpy() & before["group"].isin(after["group"]).to_numpy()
    pd.testing.assert_frame_equal(after[untouched], before[untouched])
    assert set(after.loc[~untouched, "group"]) <= set(after.loc[after["group"].to_numpy() != before["group"], "group"])


def test_copy_of_a_copy_is_in_the_group(catalogue) -> None:
    """Pairs chain: a re-encoding, and an excerpt of that, lie with the original, whose group they take."""
    tracks = catalogue(*({"artist": name, "work": "W"} for name in ("Ana", "Bo", "Cy", "Di")))
    assert assign_sides(tracks, BY_WORK, _pairs((0, 1), (1, 3)))["group"].tolist() == [
        "work:ana/w",
        "work:ana/w",
        "work:cy/w",
        "work:ana/w",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Für Elise", "FUR  ELISE"),
        ("Symphony No. 5", "symphony no 5"),
        ("Symphony No. 5", "Symphony, No.5!"),
        ("Straße", "STRASSE"),
        ("Cafe\u0301", "Café"),
        ("\N{LATIN SMALL LIGATURE FI}nale", "Finale"),
    ],
)
@pytest.mark.parametrize("column", ["work", "title", "artist"])
def test_spellings_of_one_name_meet(column, one, other, catalogue) -> None:
    """Case, accents and punctuation do not make another work, title or artist."""
    named = {"artist": "Ana", "work": "Work"} if column != "title" else {"artist": "Ana"}
    first, second = _groups(catalogue({**named, column: one}, {**named, column: other}))
    assert first == second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"artist": "Ana", "work": "Un"}, {"artist": "Bo", "work": "Un"}),
        ({"artist": "Ana", "work": "Un"}, {"artist": "Ana", "work": "Deux"}),
        ({"artist": "Ana", "work": "No. 5"}, {"artist": "Ana", "work": "No. 6"}),
        ({"artist": "Ana", "work": "Un", "title": "T"}, {"artist": "Ana", "work": "Deux", "title": "T"}),
        ({"artist": "Ana"}, {"artist": "Ana"}),
        ({"artist": "Ana", "work": "?!"}, {"artist": "Ana", "work": "..."}),
        ({"artist": "Ana", "title": "?!"}, {"artist": "Ana", "title": "?!"}),
        ({"artist": "Ana", "isrc": None}, {"artist": "Ana", "isrc": None}),
        ({}, {}),
    ],
)
def test_tracks_that_share_nothing_stand_alone(one, other, catalogue) -> None:
    """Another artist or work, or nothing to go by, is another group."""
    first, second = _groups(catalogue(one, other))
    assert first != second


def test_title_stands_in_for_a_missing_work(catalogue) -> None:
    """Recordings of one title by one artist are one work where none is named."""
    first, second, third = _groups(
        catalogue({"artist": "Ana", "title": "Un"}, {"artist": "Ana", "work": "Un", "title": "I"}, {"title": "Un"})
    )
    assert first == second != third


@pytest.mark.parametrize(
    "shared",
    [{"audio_sha256": "0" * 64}, {"isrc": "USRC17607839"}],
    ids=["bytes", "ISRC"],
)
def test_same_recording_under_other_names_is_one_group(shared, catalogue) -> None:
    """A copy that goes by another artist and title cannot be on another side."""
    rows = [{"artist": "Ana", "work": "Un"}, {"artist": "Bo", "work": "Deux"}]
    assert len(set(_groups(catalogue(*rows)))) == 2
    assert len(set(_groups(catalogue(*({**row, **shared} for row in rows))))) == 1


def test_isrc_is_the_same_with_and_without_hyphens(catalogue) -> None:
    """ISRCs are compared as registered, not as printed."""
    first, second = _groups(catalogue({"work": "a", "isrc": "us-rc1-76-07839"}, {"work": "b", "isrc": "USRC17607839"}))
    assert first == second


def test_uniting_goes_through_chains(catalogue) -> None:
    """A is tied to B by work and B to C by bytes: all three are one group, named after the smallest."""
    groups = _groups(
        catalogue(
            {"artist": "Ana", "work": "Un"},
            {"artist": "Ana", "work": "Un", "audio_sha256": "0" * 64},
            {"artist": "Bo", "work": "Deux", "audio_sha256": "0" * 64},
        )
    )
    assert groups == ["work:ana/un"] * 3


@pytest.mark.parametrize("albums", [MIN_ALBUMS - 1, MIN_ALBUMS])
def test_albums_are_groups_of_artists_with_enough_of_them(albums, catalogue) -> None:
    """An artist with fewer albums than there are sides is grouped by work, though albums were asked for."""
    rows = [
        {"artist": "Ana", "album": f"Album {number}", "work": f"{number} {track}"}
        for number in range(albums)
        for track in range(3)
    ]
    groups = _groups(catalogue(*rows), BY_ALBUM)
    enough = albums >= MIN_ALBUMS
    assert len(set(groups)) == (albums if enough else len(rows))
    assert all(group.startswith("album:ana/" if enough else "work:ana/") for group in groups)


def test_third_album_regroups_its_artist_alone(catalogue) -> None:
    """When an artist comes to have enough albums, no other artist's tracks move."""
    rows = [
        {"artist": artist, "album": f"Album {number % 2}", "work": f"work {number}"}
        for artist in ("Ana", "Bo")
        for number in range(6)
    ]
    before = assign_sides(catalogue(*rows), BY_ALBUM)
    after = assign_sides(catalogue(*rows, {"artist": "Bo", "album": "Album 2"}), BY_ALBUM)
    pd.testing.assert_frame_equal(after.iloc[:6], before.iloc[:6])
    assert after["group"].iloc[6:].str.startswith("album:bo/").all()


def test_albums_are_counted_per_artist_and_by_spelling(catalogue) -> None:
    """Other artists' albums, and spellings of one album, do not make an artist one with many."""
    rows = [{"artist": "Ana", "album": album, "work": album} for album in ("Un", "UN!", "Deux")]
    rows += [{"artist": "Bo", "album": album, "work": album} for album in ("Trois", "Quatre")]
    assert {group.partition(":")[0] for group in _groups(catalogue(*rows), BY_ALBUM)} == {"work"}


def test_track_without_an_album_goes_by_its_work(catalogue) -> None:
    """A single by an artist with albums is grouped by work."""
    rows = [{"artist": "Ana", "album": f"Album {number}"} for number in range(MIN_ALBUMS)]
    assert _groups(catalogue(*rows, {"artist": "Ana", "work": "Single"}), BY_ALBUM)[-1] == "work:ana/single"


def test_albums_do_not_matter_to_a_split_by_work(catalogue) -> None:
    """Without being asked for, albums unite nothing."""
    rows = [{"artist": "Ana", "album": f"{number // 2}", "work": f"{number}"} for number in range(10)]
    assert len(set(_groups(catalogue(*rows)))) == 10


def test_shares_of_groups_are_about_those_asked_for() -> None:
    """Among thousands of groups each side has its share."""
    params = BY_WORK.model_copy(update={"salt": "any", "validation": 0.3, "test": 0.1})
    sides = pd.Series([side_of(f"work:{number}", params) for number in range(5_000)])
    shares = sides.value_counts(normalize=True)
    assert shares["test"] == pytest.approx(0.1, abs=0.02)
    assert shares["validation"] == pytest.approx(0.3, abs=0.03)
    assert shares["train"] == pytest.approx(0.6, abs=0.03)


@given(st.text(max_size=20), st.floats(0.01, 0.4), st.floats(0.01, 0.4), st.floats(0.001, 0.1))
def test_larger_test_share_takes_no_one_from_test(group, validation, test, more) -> None:
    """Raising a share only adds to it."""
    params = BY_WORK.model_copy(update={"validation": validation, "test": test})
    wider = params.model_copy(update={"test": test + more})
    if side_of(group, params) == "test":
        assert side_of(group, wider) == "test"
    if side_of(group, wider) == "train":
        assert side_of(group, params) == "train"


def test_salt_deals_anew() -> None:
    """Another salt is another split."""
    groups = [f"work:{number}" for number in range(200)]
    other = BY_WORK.model_copy(update={"salt": "pepper"})
    assert [side_of(group, BY_WORK) for group in groups] != [side_of(group, other) for group in groups]


def test_empty_catalogue_is_an_empty_split(catalogue) -> None:
    """No tracks have no sides."""
    split = assign_sides(catalogue({"work": "a"}).iloc[:0], BY_WORK)
    assert len(split) == 0
    assert list(split.columns) == list(SPLIT)


OFFICIAL = BY_WORK.model_copy(update={"sides": "official"})


def _official(*rows: tuple[str, str | None]) -> pd.DataFrame:
    """Make a catalogue of (work, official side); equal works are one group."""
    cells = [{"work": work, "bytes": number} for number, (work, _) in enumerate(rows)]
    return _tracks(cells).assign(official_split=pd.Series([side for _, side in rows], dtype="str"))


def test_official_sides_are_the_sources() -> None:
    """A track is on the side where its source has it; one without is on the side of its hash."""
    tracks = _official(("a", "test"), ("b", "train"), ("c", "validation"), ("d", None), ("e", None))
    sides = assign_sides(tracks, OFFICIAL).set_index("track_id")["side"]
    assert sides.tolist()[:3] == ["test", "train", "validation"]
    assert sides.tolist()[3:] == assign_sides(tracks, BY_WORK)["side"].tolist()[3:]


def test_group_on_several_official_sides_learns() -> None:
    """Copies of what is judged are not learnt from: a group on several sides is on the first."""
    tracks = _official(("a", "test"), ("a", "train"), ("b", "test"), ("b", "validation"), ("c", "test"), ("c", None))
    assert assign_sides(tracks, OFFICIAL)["side"].tolist() == [*["train"] * 2, *["validation"] * 2, *["test"] * 2]


@pytest.mark.parametrize("tracks", [_tracks([{"bytes": 1}]), _official(("a", None))])
def test_official_sides_that_nobody_has_are_refused(tracks) -> None:
    """Asking for a split that no source brings is a wrong parameter."""
    with pytest.raises(ParamsError, match=r"split\.sides is official, but no track"):
        assign_sides(tracks, OFFICIAL)
