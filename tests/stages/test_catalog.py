"""Stage `catalog`: the tables that it leaves beside the audio."""

from __future__ import annotations

import pandas as pd
import pytest
import tiny_project

from soundatlas.files import write_json
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
