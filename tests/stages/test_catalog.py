"""Stage `catalog`: the tables that it leaves beside the audio."""

from __future__ import annotations

import pandas as pd
import pytest
import tiny_project
from hypothesis import given, settings
from hypothesis import strategies as st

from soundatlas.errors import NotReadyError, TooManyFailuresError
from soundatlas.files import write_json
from soundatlas.sources.listing_files import SOURCES, source_key, write_listing
from soundatlas.sources.rows import Row, build_listing, failure
from soundatlas.stages import catalog
from soundatlas.tables import CONFLICTS, FAILURES, IDENTITIES, INBOX, LABELS, TRACKS

pytest.importorskip("music21", reason="the demo catalogue's packages are optional")

SOURCE = {"source": "demo", "clips": {"ryan": 2}, "inbox_clips": {"oneill": 1}, "clip_seconds": 2.0}


@pytest.fixture(autouse=True)
def _nothing_denied(project):
    """Let `ingest` have found nothing denied."""
    write_json(project / "data/ingest/denied.json", {"audio_sha256": [], "track_ids": []})


def test_tables_and_audio_belong_together(project, repository, capsys):
    """Every listed track has its file and its labels; the line counts tracks, artists and failures."""
    params = tiny_project.params_of(repository, catalog={"sources": [{**SOURCE, "sample_rate": 8_000}]})
    catalog.run(project, params)
    tables = {path.stem: pd.read_parquet(path) for path in (project / "data/catalog").iterdir()}
    schemas = {
        "tracks": TRACKS,
        "labels": LABELS,
        "without_audio": TRACKS,
        "labels_without_audio": LABELS,
        "identities": IDENTITIES,
        "conflicts": CONFLICTS,
        "failures": FAILURES,
        "inbox": INBOX,
    }
    assert set(tables) == set(schemas)
    assert all(set(schema) <= set(tables[name].columns) for name, schema in schemas.items())
    assert (len(tables["tracks"]), len(tables["inbox"])) == (2, 1)
    assert all((project / path).is_file() for name in ("tracks", "inbox") for path in tables[name]["path"])
    assert set(tables["labels"]["track_id"]) == set(tables["tracks"]["track_id"])
    assert capsys.readouterr().out.startswith("catalog: 2 tracks by 1 artists, 0.00 hours; ")


def test_denied_tracks_are_left_out_and_their_audio_goes(project, repository):
    """By id or by hash: rows, labels and sound of a denied track are nowhere, however often the stage runs."""
    params = tiny_project.params_of(repository, catalog={"sources": [{**SOURCE, "sample_rate": 8_000}]})
    catalog.run(project, params)
    tracks = pd.read_parquet(project / "data/catalog/tracks.parquet")
    new = pd.read_parquet(project / "data/catalog/inbox.parquet")
    gone, stays = tracks.iloc[0], tracks.iloc[1]
    denied = {"audio_sha256": new["audio_sha256"].tolist(), "track_ids": [gone["track_id"]]}
    write_json(project / "data/ingest/denied.json", denied)
    for _ in range(2):
        catalog.run(project, params)
        assert pd.read_parquet(project / "data/catalog/tracks.parquet")["track_id"].tolist() == [stays["track_id"]]
        assert set(pd.read_parquet(project / "data/catalog/labels.parquet")["track_id"]) == {stays["track_id"]}
        assert pd.read_parquet(project / "data/catalog/inbox.parquet").empty
        audio = {path.relative_to(project).as_posix() for path in (project / "data/audio").rglob("*.flac")}
        assert audio == {stays["path"]}


def write_source(root, params, position, rows, failures=()):
    """Write the listing of a configured source."""
    key = source_key(params.catalog.sources[position], root.resolve())
    write_listing(root / SOURCES / key, build_listing(rows, failures), {})


def row(track_id, **more) -> Row:
    """Return a track of a listing."""
    source, _, source_id = track_id.partition(":")
    use = "restricted" if source == "spotify" else "unknown"
    return Row({"track_id": track_id, "source": source, "source_id": source_id, "licence": "x", "ml_use": use, **more})


HEARD = {"path": "/music/a.mp3", "audio_sha256": "ab" * 32, "duration_seconds": 200.0}
LISTED = [{"source": "folder", "path": "music"}, {"source": "spotify", "saved": True}]


@pytest.fixture
def listed(project, repository):
    """Give parameters with a folder and Spotify, and their listings: three tracks, two of them one, two failures."""
    params = tiny_project.start_project(project, repository, catalog={"sources": LISTED})
    write_source(
        project,
        params,
        0,
        [row("folder:a", **HEARD, artist="Anna", title="Air", genre="reel")],
        [failure("music", "linked_folder", "a link")],
    )
    write_source(
        project,
        params,
        1,
        [
            row("spotify:x", artist="Anna", title="Air", duration_seconds=201.0, genre="pop", year=1999.0),
            row("spotify:y", artist="Bela", title="Jig"),
        ],
        [failure("spotify:z", "not_a_track", "an episode")],
    )
    return params


def test_listings_become_one_catalogue(project, listed, capsys):
    """Every listed input is a track, a track without audio, or a failure with its source; conflicts are written."""
    catalog.run(project, listed)
    tables = {path.stem: pd.read_parquet(path) for path in (project / "data/catalog").iterdir()}
    assert tables["tracks"][["track_id", "path", "genre", "year", "ml_use"]].to_numpy().tolist() == [
        ["folder:a", "/music/a.mp3", "reel", 1999.0, "unknown"]
    ]
    assert tables["without_audio"]["track_id"].tolist() == ["spotify:y"]
    assert set(tables["labels_without_audio"]["track_id"]) == {"spotify:y"}
    assert sorted(tables["identities"]["listed_track_id"]) == ["folder:a", "spotify:x", "spotify:y"]
    assert tables["conflicts"]["other_value"].tolist() == ["pop"]
    uses = dict(zip(tables["labels"]["label"], tables["labels"]["ml_use"], strict=True))
    assert (uses["genre"], uses["year"]) == ("unknown", "restricted")
    assert sorted(name.split("-")[0] for name in tables["failures"]["source"]) == ["folder", "spotify"]
    assert capsys.readouterr().out == (
        "catalog: 1 tracks by 1 artists, 0.06 hours; 2 failed; 1 more without audio; 1 conflicting labels\n"
    )
    assert (project / "data/audio").is_dir()


def test_permission_for_spotify_allows_what_it_brings(project, repository, listed):
    """Whoever states written permission may learn from Spotify's labels and rows; nothing else changes its terms."""
    del listed
    permit = {"sources": LISTED, "i_have_permission_to_train_on_spotify_content": True}
    catalog.run(project, tiny_project.params_of(repository, catalog=permit))
    labels = pd.read_parquet(project / "data/catalog/labels.parquet").set_index("label")["ml_use"]
    assert (labels["genre"], labels["year"]) == ("unknown", "allowed")
    assert pd.read_parquet(project / "data/catalog/without_audio.parquet")["ml_use"].tolist() == ["allowed"]


def test_denied_listed_tracks_are_left_out(project, listed):
    """A track on the deny-list is in no table, though its listing still has it."""
    write_json(project / "data/ingest/denied.json", {"audio_sha256": ["ab" * 32], "track_ids": ["spotify:x"]})
    catalog.run(project, listed)
    assert pd.read_parquet(project / "data/catalog/tracks.parquet").empty
    assert pd.read_parquet(project / "data/catalog/without_audio.parquet")["track_id"].tolist() == ["spotify:y"]


def test_source_without_a_listing_is_not_ready(project, repository):
    """A source that was never ingested is named with what to run."""
    params = tiny_project.params_of(repository, catalog={"sources": LISTED})
    with pytest.raises(NotReadyError, match="run `soundatlas ingest folder`"):
        catalog.run(project, params)


def test_too_many_broken_files_stop_the_line(project, listed):
    """Broken files above the rate stop the stage, with the tables written; what is no fault does not count."""
    broken = [failure(f"music/{number}.mp3", "truncated", "half of it") for number in range(3)]
    write_source(project, listed, 0, [row("folder:a", **HEARD)], broken)
    with pytest.raises(TooManyFailuresError, match="3 tracks failed"):
        catalog.run(project, listed)
    assert len(pd.read_parquet(project / "data/catalog/failures.parquet")) == 4


MIXED = [*LISTED, {"source": "deezer", "non_commercial": True}, {"source": "musicbrainz"}]
inputs = st.fixed_dictionaries(
    {
        "path": st.sampled_from([None, "/music/a.mp3", "/music/b.mp3"]),
        "audio_sha256": st.sampled_from(["ab" * 32, "cd" * 32]),
        "isrc": st.sampled_from([None, "GBAYE6900522", "DEA000000001"]),
        "artist": st.sampled_from([None, "Anna", "Bela"]),
        "title": st.sampled_from([None, "Air", "air!"]),
        "duration_seconds": st.sampled_from([None, 100.0, 101.0, 200.0]),
        "year": st.sampled_from([None, 1771.0, 1999.0]),
        "same_as": st.sampled_from([None, "folder:0", "spotify:1"]),
    }
)
faults = st.sampled_from(["truncated", "silent", "not_found", "no_preview"])
listings = st.tuples(st.lists(inputs, max_size=3), st.lists(faults, max_size=2))


@settings(max_examples=20, deadline=None)
@given(st.tuples(*[listings] * len(MIXED)))
def test_every_input_of_mixed_sources_is_there_exactly_once(tmp_path_factory, repository, mixed):
    """Whatever four sources list, each input is one row, one of the rows that became one, or one failure."""
    root = tmp_path_factory.mktemp("mixed")
    params = tiny_project.params_of(repository, catalog={"sources": MIXED, "max_failure_rate": 1.0})
    write_json(root / "data/ingest/denied.json", {"audio_sha256": [], "track_ids": []})
    listed, failed = [], []
    for position, (tracks, reasons) in enumerate(mixed):
        name = MIXED[position]["source"]
        rows = [row(f"{name}:{number}", **track) for number, track in enumerate(tracks)]
        failures = [failure(f"{name}:bad{number}", reason, "why") for number, reason in enumerate(reasons)]
        write_source(root, params, position, rows, failures)
        listed += [f"{name}:{number}" for number in range(len(tracks))]
        failed += [f"{name}:bad{number}" for number in range(len(reasons))]
    catalog.run(root, params)
    tables = {path.stem: pd.read_parquet(path) for path in (root / "data/catalog").iterdir()}
    assert sorted(tables["identities"]["listed_track_id"]) == sorted(listed)
    there = [*tables["tracks"]["track_id"], *tables["without_audio"]["track_id"]]
    assert sorted(there) == sorted(set(tables["identities"]["track_id"]))
    assert tables["tracks"]["path"].notna().all()
    assert tables["without_audio"]["path"].isna().all()
    assert sorted(tables["failures"]["path"]) == sorted(failed)
