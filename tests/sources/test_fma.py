"""The FMA data set as a source: every row of the metadata becomes a track or a failure, from folders and from zips."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest
from fma_folder import audio_name, echonest_csv, mp3, tracks_csv, write_archives, write_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soundatlas.errors import NotReadyError, SoundatlasError
from soundatlas.files import sha256_file
from soundatlas.params import IngestParams
from soundatlas.source_params import FmaSourceParams
from soundatlas.sources import fma
from soundatlas.sources.audio_store import AudioStore
from soundatlas.sources.base import IngestContext
from soundatlas.sources.deny_list import DenyList
from soundatlas.sources.rows import STAGE
from soundatlas.tables import FAILURES, LABELS, REASONS, TRACKS, empty

ROWS = (
    {"number": 2, "title": "Food"},
    {"number": 3, "artist": "Бо", "date": "", "genre": "", "split": "validation"},
    {"number": 5, "licence": "FMA-Limited: Download Only"},
    {"number": 10, "title": "the same as 2"},
    {"number": 20, "title": "gone"},
    {"number": 1040, "title": "a second"},
    {"number": 1041, "title": "empty"},
    {"number": 1042, "title": "a page"},
    {"number": 1043, "licence": "Music Sharing", "split": "test", "date": "0001-01-01"},
    {"number": 1044, "subset": "medium"},
    {"number": 1045, "subset": "large"},
    {"number": 99134, "title": "known to hold nothing"},
    {"number": 98565, "title": "known to be a scrap"},
    {"number": 2, "title": "again"},
    {"number": 1046, "cells": 9},
    {"number": "", "title": "nameless"},
)
GOOD, OTHER, THIRD = mp3(2.5, 440.0), mp3(2.5, 330.0), mp3(2.5, 550.0)
AUDIO = {
    audio_name(2): GOOD,
    audio_name(3): OTHER,
    audio_name(5): OTHER,
    audio_name(10): GOOD,
    audio_name(1040): mp3(1.0),
    audio_name(1041): b"",
    audio_name(1042): b"<html>Not found</html>" * 20,
    audio_name(1043): THIRD,
    audio_name(98565): GOOD,
}
ATTRIBUTES = echonest_csv({3: [0.5, 0.25, 0.1, 0.9, 0.2, 0.3, 120.5, 0.75], 4: [0.1] * 8})
FILES = {"fma_metadata/tracks.csv": tracks_csv(ROWS), "fma_metadata/echonest.csv": ATTRIBUTES, **AUDIO}
EXPECTED = {
    "fma:5": "not_permitted",
    "fma:10": "duplicate",
    "fma:20": "missing",
    "fma:1040": "too_short",
    "fma:1041": "empty",
    "fma:1042": "not_audio",
    "fma:98565": "too_short",
    "fma:99134": "no_samples",
    "fma_metadata/tracks.csv:31": "bad_row",
    "fma_metadata/tracks.csv:32": "bad_row",
    "fma_metadata/tracks.csv:34": "bad_row",
}


def _context(root, **changes):
    limits = IngestParams(
        max_file_megabytes=5, min_seconds=0.5, timeout_seconds=60.0, silence_db=-60.0, max_clipped_share=0.1
    )
    usual = {
        "root": root,
        "environ": {},
        "store": AudioStore(root),
        "memory": root / "data/ingest/memory/fma",
        "limits": limits,
        "previous": None,
        "known_tracks": empty(TRACKS),
        "save": lambda listing: None,  # noqa: ARG005 - nobody looks at it
    }
    return IngestContext(**usual | changes)


def _ingest(root, folder, subset="small", **changes):
    return fma.ingest(FmaSourceParams(source="fma", path=str(folder), subset=subset), _context(root, **changes))


def _reasons(listing):
    return dict(zip(listing.failures["path"], listing.failures["reason"], strict=True))


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """Give what the miniature gives, unpacked and as zip files; look at it, change nothing."""
    top = tmp_path_factory.mktemp("fma")
    write_files(top / "unpacked", FILES)
    write_archives(top / "zipped", FILES)
    (top / "project").mkdir()
    (top / "other").mkdir()
    return SimpleNamespace(
        top=top,
        unpacked=_ingest(top / "project", top / "unpacked"),
        zipped=_ingest(top / "other", top / "zipped"),
    )


def test_every_row_of_the_subset_is_a_track_or_a_failure(listed):
    """Three tracks, and a failure with its reason for each other one; medium's and large's are not asked for."""
    assert listed.unpacked.tracks["track_id"].tolist() == ["fma:2", "fma:3", "fma:1043"]
    assert _reasons(listed.unpacked) == EXPECTED
    assert set(EXPECTED.values()) <= set(REASONS)
    assert set(listed.unpacked.failures["stage"]) == {STAGE}
    assert [*listed.unpacked.failures.columns] == [*FAILURES]


def test_failures_say_why(listed):
    """A message names the twin of a duplicate, the length of a scrap, the missing file and the licence."""
    messages = dict(zip(listed.unpacked.failures["path"], listed.unpacked.failures["message"], strict=True))
    assert messages["fma:10"] == "the same bytes as fma:2"
    assert "1.0 s of sound" in messages["fma:1040"]
    assert audio_name(20) in messages["fma:20"]
    assert "Download Only" in messages["fma:5"]
    assert "track 2 has a row already" in messages["fma_metadata/tracks.csv:31"]


def test_track_has_its_labels(listed):
    """What the metadata say stands in the row, with its licence and what that allows; nothing is guessed."""
    first, second, third = listed.unpacked.tracks.to_dict("records")
    assert (first["artist"], first["title"], first["genre"]) == ("AWOL", "Food", "Hip-Hop")
    assert (first["year"], first["decade"], first["official_split"]) == (2009.0, "2000s", "train")
    assert (first["source"], first["source_id"], first["ml_use"]) == ("fma", "2", "allowed")
    assert first["audio_sha256"] == sha256_file(listed.top / "unpacked" / audio_name(2))
    assert first["path"] == str(listed.top / "unpacked" / audio_name(2))
    assert first["duration_seconds"] == pytest.approx(2.5, abs=0.2)
    assert (second["artist"], second["official_split"], second["tempo_bpm"]) == ("Бо", "validation", 120.5)
    assert listed.unpacked.tracks.loc[1, ["year", "decade", "genre", "album"]].isna().tolist() == [1, 1, 1, 0]
    assert (third["ml_use"], third["official_split"], third["licence"]) == ("unknown", "test", "Music Sharing")
    assert listed.unpacked.tracks["danceability"].isna().tolist() == [True, False, True]


def test_label_says_where_it_comes_from(listed):
    """Each label that is present has one row with value, provenance and licence; Echo Nest's are of unknown use."""
    labels = listed.unpacked.labels
    assert [*labels.columns] == [*LABELS]
    assert not labels.duplicated(["track_id", "label"]).any()
    rows = labels[labels["track_id"] == "fma:3"].set_index("label")
    assert rows["value"].to_dict() == {
        "artist": "Бо",
        "album": "AWOL - A Way Of Life",
        "title": "Food",
        "official_split": "validation",
        "acousticness": "0.5",
        "danceability": "0.25",
        "energy": "0.1",
        "instrumentalness": "0.9",
        "liveness": "0.2",
        "speechiness": "0.3",
        "tempo_bpm": "120.5",
        "valence": "0.75",
    }
    assert rows.loc["valence", ["provenance", "ml_use"]].tolist() == ["echonest", "unknown"]
    assert rows.loc["artist", ["provenance", "ml_use"]].tolist() == ["FMA metadata", "allowed"]
    years = labels[labels["label"].isin(["year", "decade"])]
    assert years["track_id"].tolist() == ["fma:2", "fma:2"]
    assert set(years["value"]) == {"2009", "2000s"}


def test_zip_files_give_the_same_listing(listed):
    """From the archives come the same rows, but for where the audio lies: in the project's own store."""
    apart = ["path"]
    assert listed.zipped.tracks.drop(columns=apart).equals(listed.unpacked.tracks.drop(columns=apart))
    assert listed.zipped.labels.equals(listed.unpacked.labels)
    assert _reasons(listed.zipped) == EXPECTED
    for row in listed.zipped.tracks.to_dict("records"):
        assert row["path"].startswith("data/ingest/audio/")
        assert sha256_file(listed.top / "other" / row["path"]) == row["audio_sha256"]
    assert sorted(path.name for path in (listed.top / "zipped").iterdir()) == ["fma_metadata.zip", "fma_small.zip"]


def test_users_folder_is_not_written_to(listed):
    """Nothing is added to, or taken from, the folder that is read."""
    found = {path.relative_to(listed.top / "unpacked").as_posix() for path in (listed.top / "unpacked").rglob("*.*")}
    assert found == set(FILES)


def test_notes_count_licences_and_attributes(listed):
    """The person who runs it is told what the licences allow and how many tracks have attributes."""
    assert listed.unpacked.notes == [
        "licences, for machine learning: 2 allowed, 0 restricted, 1 unknown",
        "1 tracks have Echo Nest attributes, the others have none",
    ]
    assert listed.unpacked.counts == {"rows of the subset": 11, "rows that cannot be read": 3}


def test_larger_subset_holds_the_smaller(tmp_path):
    """Medium has small's rows too, large and full have all; only clips are known to be scraps."""
    rows = [{"number": 2}, {"number": 3, "subset": "medium"}, {"number": 4, "subset": "large"}, {"number": 99134}]
    files = {audio_name(number, subset): GOOD for subset in ("medium", "large", "full") for number in (3, 99134)}
    write_files(tmp_path / "fma", {"fma_metadata/tracks.csv": tracks_csv(rows), **files})
    found = {subset: _reasons(_ingest(tmp_path, tmp_path / "fma", subset)) for subset in ("medium", "large", "full")}
    assert found == {
        "medium": {"fma:2": "missing", "fma:99134": "no_samples"},
        "large": {"fma:2": "missing", "fma:4": "missing", "fma:99134": "no_samples"},
        "full": {"fma:2": "missing", "fma:4": "missing", "fma:99134": "duplicate"},
    }


def test_denied_tracks_are_left_out(tmp_path):
    """A track that is denied by its id or its bytes is neither a track nor a failure, and not unpacked by its id."""
    write_archives(tmp_path / "zipped", FILES)
    sha = _ingest(tmp_path, tmp_path / "zipped").tracks.set_index("track_id").loc["fma:1043", "audio_sha256"]
    shutil.rmtree(tmp_path / "data")
    denied = DenyList(frozenset([sha]), frozenset(["fma:2"]))
    listing = _ingest(tmp_path, tmp_path / "zipped", denied=denied)
    assert listing.tracks["track_id"].tolist() == ["fma:3", "fma:10"]
    assert not {"fma:2", "fma:1043"} & {*listing.failures["path"]}


@pytest.mark.parametrize(
    ("lost", "match"),
    [
        ("fma_metadata", r"neither fma_metadata/ nor fma_metadata\.zip"),
        ("fma_small", r"neither fma_small/ nor fma_small\.zip"),
        ("fma_metadata/tracks.csv", r"holds no tracks\.csv"),
        ("", "is no folder"),
    ],
)
def test_what_is_missing_is_named(tmp_path, lost, match):
    """Metadata, audio, the table or the folder itself: one line says what to put where, exit code 3."""
    write_files(tmp_path / "fma", FILES)
    path = tmp_path / "fma" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(NotReadyError, match=match) as raised:
        _ingest(tmp_path, tmp_path / "fma")
    assert raised.value.exit_code == 3


def test_readiness_follows_the_folder(tmp_path):
    """It is ready once metadata and audio are there, and says what is missing before."""
    config = FmaSourceParams(source="fma", path=str(tmp_path / "fma"), subset="small")
    assert not fma.readiness(None, {}).ready
    assert "is no folder" in fma.readiness(config, {}).message
    write_archives(tmp_path / "fma", {"fma_metadata/tracks.csv": ""})
    assert "fma_small.zip" in fma.readiness(config, {}).message
    write_files(tmp_path / "fma", {audio_name(2): b""})
    assert fma.readiness(config, {}).ready


def test_metadata_without_attributes_have_none(tmp_path):
    """`echonest.csv` may be absent: the columns are there, and empty."""
    write_files(tmp_path / "fma", {"fma_metadata/tracks.csv": tracks_csv([{"number": 2}]), audio_name(2): GOOD})
    listing = _ingest(tmp_path, tmp_path / "fma")
    assert listing.tracks["track_id"].tolist() == ["fma:2"]
    assert listing.tracks[["danceability", "valence", "tempo_bpm"]].isna().all(axis=None)


@pytest.mark.parametrize("name", ["fma_metadata.zip", "fma_small.zip"])
def test_hostile_archive_leaves_nothing(tmp_path, name):
    """One member that leads out, in either archive, and nothing of it is read or written."""
    hostile = FILES | {f"{name.removesuffix('.zip')}/../../evil": b"evil"}
    write_archives(tmp_path / "zipped", hostile)
    with pytest.raises(SoundatlasError, match="leads out of the folder"):
        _ingest(tmp_path, tmp_path / "zipped")
    assert not [*tmp_path.rglob("evil")]
    assert not [*tmp_path.rglob("*.mp3")]


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """Give a project that has heard the miniature's files before, so that no example waits for a decoder."""
    root = tmp_path_factory.mktemp("heard")
    write_files(root / "fma", FILES)
    _ingest(root, root / "fma")
    return root


CELLS = st.one_of(st.just(""), st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12))
NUMBERS = st.sampled_from([2, 3, 5, 10, 20, 1040, 1041, 1042, 1043, 98565, 99134, 77, "", "x", "-1", "2.0", 10**7])
METADATA_ROWS = st.lists(
    st.fixed_dictionaries(
        {"number": NUMBERS, "subset": st.sampled_from(["small", "medium", "large", "", "huge"])},
        optional={
            "cells": st.integers(1, 52),
            "licence": st.one_of(CELLS, st.sampled_from(["Attribution", "All Rights Reserved"])),
            "artist": CELLS,
            "date": CELLS,
            "split": CELLS,
        },
    ),
    max_size=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=METADATA_ROWS, subset=st.sampled_from(["small", "medium"]))
def test_whatever_the_metadata_hold_each_row_is_accounted_for_once(heard, rows, subset):
    """Every row that is of the subset, or cannot be told, is exactly one track or one failure with a known reason."""
    (heard / "fma/fma_metadata/tracks.csv").write_text(tracks_csv(rows), encoding="utf-8", newline="")
    if subset == "medium" and not (heard / "fma/fma_medium").exists():
        (heard / "fma/fma_medium").symlink_to(heard / "fma/fma_small")
    listing = _ingest(heard, heard / "fma", subset)
    values = {"small": ("small",), "medium": ("small", "medium")}[subset]
    first: dict[int, str] = {}
    unusable = 0
    for row in rows:
        if "cells" in row or row["number"] not in range(10**6) or row["number"] in first:
            unusable += 1
        else:
            first[row["number"]] = row["subset"]
    wanted = [f"fma:{number}" for number, its in first.items() if its in values]
    failed = listing.failures["path"].tolist()
    assert sorted([*listing.tracks["track_id"], *[path for path in failed if path.startswith("fma:")]]) == sorted(
        wanted
    )
    assert len([path for path in failed if path.startswith("fma_metadata/")]) == unusable
    assert len({*failed}) == len(failed)
    assert set(listing.failures["reason"]) <= set(REASONS)
    assert set(listing.labels["track_id"]) <= set(listing.tracks["track_id"])
