"""One track from several sources is one row; whose word counts; and that nothing is lost on the way."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundatlas.sources.identity import Part, unite
from soundatlas.sources.rows import Row, build_listing

SHA = "ab" * 32


def part(*tracks, ml_use="unknown", provenance=None) -> Part:
    """Return what a source brings: each track as a mapping with at least an id."""
    rows = []
    for track in tracks:
        source, _, source_id = track["track_id"].partition(":")
        about = {"source": source, "source_id": source_id, "licence": f"{source}'s", "ml_use": ml_use}
        rows.append(Row({**about, **track}, dict.fromkeys(track, provenance or source)))
    listing = build_listing(rows, [])
    return Part(listing.tracks, listing.labels)


def heard(track_id, sha=SHA, **more) -> dict:
    """Return a track with audio."""
    return {"track_id": track_id, "path": f"{track_id}.mp3", "audio_sha256": sha, "duration_seconds": 200.0, **more}


def named(track_id, seconds=200.0, artist="Anna", title="Air", **more) -> dict:
    """Return a track without audio."""
    return {"track_id": track_id, "duration_seconds": seconds, "artist": artist, "title": title, **more}


def ids(united) -> list[str]:
    """Return the ids of the tracks."""
    return united.tracks["track_id"].tolist()


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (heard("folder:a"), {"track_id": "deezer:1", "same_as": "folder:a"}, "same_as"),
        (heard("fma:2"), heard("fma:2", sha="cd" * 32), "track_id"),
        (heard("folder:a"), heard("fma:2"), "audio_sha256"),
        (heard("folder:a", isrc="GBAYE6900522"), {"track_id": "spotify:x", "isrc": "gb-aye-69-00522"}, "isrc"),
        (named("folder:a"), named("spotify:x", 201.9), "name"),
        (named("folder:a"), named("spotify:x", artist="ANNA feat. Bela", title="Aír!"), "name"),
    ],
    ids=["same_as", "track_id", "audio_sha256", "isrc", "name", "spelling"],
)
def test_the_same_track_is_one_row(one, other, why) -> None:
    """Each kind of evidence joins two listed tracks, under the first one's id, and is written down."""
    united = unite([part(one), part(other)])
    assert ids(united) == [one["track_id"]]
    assert sorted(united.identities["joined_by"]) == ["", why]


@pytest.mark.parametrize(
    "other",
    [
        named("spotify:x", 202.1),
        named("spotify:x", artist="Bela"),
        named("spotify:x", title="Jig"),
        named("spotify:x", None),
        named("spotify:x", title="!"),
    ],
    ids=["longer", "artist", "title", "no length", "no letters"],
)
def test_another_track_is_another_row(other) -> None:
    """More than 2 s apart, another name, or nothing to compare by: two rows."""
    assert len(unite([part(named("folder:a")), part(other)]).tracks) == 2


def test_two_of_one_source_stay_two() -> None:
    """Excerpts of one piece have one name and length, and two files may have one ISRC: neither is lost."""
    same_name = part(named("demo:1"), named("demo:2"))
    same_isrc = part(heard("folder:a", isrc="GBAYE6900522"), heard("folder:b", sha="cd" * 32, isrc="GBAYE6900522"))
    united = unite([same_name, same_isrc, part({"track_id": "spotify:x", "isrc": "GBAYE6900522"})])
    assert ids(united) == ["demo:1", "demo:2", "folder:a", "folder:b"]
    assert dict(zip(united.identities["listed_track_id"], united.identities["track_id"], strict=True))["spotify:x"] == (
        "folder:a"
    )


def test_files_of_equal_bytes_are_one_track() -> None:
    """The same bytes under two names are one track, even in one source."""
    assert ids(unite([part(heard("folder:a"), heard("folder:b"))])) == ["folder:a"]


def test_row_with_audio_gives_id_licence_and_use() -> None:
    """A track that the first source has without audio takes the audio of the next, and what goes with it."""
    spotify = part(named("spotify:x", isrc="GBAYE6900522"), ml_use="restricted")
    folder = part(heard("folder:a", isrc="GBAYE6900522"), ml_use="allowed")
    [row] = unite([spotify, folder]).tracks.to_dict("records")
    assert (row["track_id"], row["path"], row["audio_sha256"]) == ("folder:a", "folder:a.mp3", SHA)
    assert (row["licence"], row["ml_use"]) == ("folder's", "allowed")
    assert row["artist"] == "Anna"


@pytest.mark.parametrize("turned", [False, True], ids=["listed first", "listed last"])
def test_restriction_of_a_track_without_audio_holds_for_what_is_fetched_for_it(turned) -> None:
    """Spotify's row and MusicBrainz's are one track: no order of the sources makes it one that may be learnt from."""
    spotify = part(named("spotify:x", isrc="GBAYE6900522"), ml_use="restricted")
    musicbrainz = part({"track_id": "musicbrainz:m", "same_as": "spotify:x", "isrc": "GBAYE6900522"}, ml_use="allowed")
    parts = [musicbrainz, spotify] if turned else [spotify, musicbrainz]
    assert unite(parts).tracks["ml_use"].tolist() == ["restricted"]


@pytest.mark.parametrize("turned", [False, True], ids=["listed first", "listed last"])
def test_restriction_of_bytes_holds_wherever_they_lie(turned) -> None:
    """The same bytes in a folder of unknown use and in a restricted one are restricted; other bytes are not."""
    promos, mine = part(heard("folder:promos/a"), ml_use="restricted"), part(heard("folder:mine/a"))
    parts = [mine, promos] if turned else [promos, mine]
    assert unite(parts).tracks["ml_use"].tolist() == ["restricted"]
    other = part(heard("folder:mine/a", sha="cd" * 32, isrc="GBAYE6900522"))
    preview = part(heard("deezer:1", isrc="GBAYE6900522"), ml_use="restricted")
    assert unite([other, preview]).tracks["ml_use"].tolist() == ["unknown"]


def test_first_source_is_believed_and_the_others_are_written_down() -> None:
    """Where two disagree, the one that is listed first counts; the other value stands in the conflicts."""
    first = part(heard("folder:a", genre="reel", title="Air"), provenance="tag")
    second = part(heard("fma:2", genre="jig", title=" AIR", album="Airs"), provenance="fma")
    united = unite([first, second])
    [row] = united.tracks.to_dict("records")
    assert (row["genre"], row["album"]) == ("reel", "Airs")
    origins = dict(zip(united.labels["label"], united.labels["provenance"], strict=True))
    assert origins == {"genre": "tag", "title": "tag", "album": "fma"}
    [conflict] = united.conflicts.to_dict("records")
    assert conflict == {
        "track_id": "folder:a",
        "label": "genre",
        "value": "reel",
        "provenance": "tag",
        "from_track_id": "folder:a",
        "other_value": "jig",
        "other_provenance": "fma",
        "other_track_id": "fma:2",
        "because": "listed first",
    }


@pytest.mark.parametrize(("one", "other"), [("NaN", "nan"), ("inf", "INF"), ("Anna", "ANNA"), ("1e2", "100")])
def test_values_that_agree_are_no_conflict(one, other) -> None:
    """The same text but for its spelling agrees, also where a number could be read in it, and the same number does."""
    assert unite([part(heard("a:1", artist=one)), part(heard("b:1", artist=other))]).conflicts.empty


def test_restricted_value_gives_way() -> None:
    """A value that must not be learnt from is not believed where another source has one, though it is listed first."""
    spotify = part(heard("spotify:x", genre="pop"), ml_use="restricted")
    folder = part(heard("folder:a", genre="reel"))
    united = unite([spotify, folder])
    assert united.tracks["genre"].tolist() == ["reel"]
    assert united.conflicts["because"].tolist() == ["may be learnt from"]
    assert united.labels["ml_use"].tolist() == ["unknown"]


def test_decade_goes_with_the_year() -> None:
    """The decade is that of the year which is believed, whoever else has one."""
    spotify = part(heard("spotify:x", year=1999.0), ml_use="restricted")
    folder = part(heard("folder:a", decade="1770s"))
    musicbrainz = part(heard("musicbrainz:1", year=1771.0))
    united = unite([spotify, musicbrainz, folder])
    assert united.tracks[["year", "decade"]].to_numpy().tolist() == [[1771.0, "1770s"]]
    assert unite([part(heard("a:1", decade="1770s")), part(heard("b:1", year=1999.0))]).tracks["decade"].item() == (
        "1990s"
    )


def test_further_label_of_two_kinds_is_text() -> None:
    """A column that is a number in one source and a word in another is text, so that the table can be written."""
    united = unite([part(heard("a:1", mood=1.0)), part(heard("b:1", sha="cd" * 32, mood="sad"))])
    assert united.tracks["mood"].tolist() == ["1.0", "sad"]


def test_nothing_is_nothing() -> None:
    """No sources, and sources without tracks, are an empty catalogue with all columns."""
    for parts in ([], [part()], [part(), part()]):
        united = unite(parts)
        assert united.tracks.empty
        assert {"track_id", "path", "genre"} <= set(united.tracks.columns)
        assert "same_as" not in united.tracks.columns


tracks = st.fixed_dictionaries(
    {
        "path": st.sampled_from([None, "a.mp3", "b.mp3"]),
        "audio_sha256": st.sampled_from([None, SHA, "cd" * 32, "ef" * 32]),
        "isrc": st.sampled_from([None, "GBAYE6900522", "DEA000000001", "none"]),
        "artist": st.sampled_from([None, "Anna", "ANNA", "Bela"]),
        "title": st.sampled_from([None, "Air", "air", "Jig"]),
        "duration_seconds": st.sampled_from([None, 100.0, 101.0, 200.0]),
        "genre": st.sampled_from([None, "reel", "jig"]),
        "year": st.sampled_from([None, 1771.0, 1999.0]),
        "same_as": st.sampled_from([None, "a:0", "b:1", "nobody"]),
    }
)


@given(st.lists(st.lists(tracks, max_size=4), max_size=3))
def test_every_listed_track_is_one_row_exactly_once(sources) -> None:
    """Whatever is listed, each listed track is one row of the catalogue, and each label is of a row and of a source."""
    parts = [
        part(*({"track_id": f"{name}:{number}", **track} for number, track in enumerate(listed)))
        for name, listed in zip("abc", sources, strict=False)
    ]
    united = unite(parts)
    listed = sorted(track_id for each in parts for track_id in each.tracks["track_id"])
    assert sorted(united.identities["listed_track_id"]) == listed
    assert sorted(set(united.identities["track_id"])) == ids(united)
    assert united.tracks["track_id"].is_unique
    shas = {sha for each in parts for sha in each.tracks.loc[each.tracks["path"].notna(), "audio_sha256"].dropna()}
    kept = set(united.tracks.loc[united.tracks["path"].notna(), "audio_sha256"].dropna())
    assert kept <= shas
    values = united.tracks.set_index("track_id")
    for row in united.labels.to_dict("records"):
        assert pd.notna(values.loc[row["track_id"], row["label"]])
    assert not united.labels.duplicated(["track_id", "label"]).any()
    present = values[["artist", "title", "genre", "year", "isrc"]].notna().sum().sum()
    assert present == united.labels["label"].isin(["artist", "title", "genre", "year", "isrc"]).sum()
