"""Stage `catalog`: the tables that it leaves beside the audio."""

from __future__ import annotations

import pandas as pd
import pytest
import tiny_project

from soundatlas.stages import catalog
from soundatlas.tables import FAILURES, INBOX, LABELS, TRACKS

pytest.importorskip("music21", reason="the demo catalogue's packages are optional")

SOURCE = {"source": "demo", "clips": {"ryan": 2}, "inbox_clips": {"oneill": 1}, "clip_seconds": 2.0}


def test_tables_and_audio_belong_together(project, repository, capsys):
    """Every listed track has its file and its labels; the line counts tracks, artists and failures."""
    params = tiny_project.params_of(repository, catalog={"sources": [{**SOURCE, "sample_rate": 8_000}]})
    catalog.run(project, params)
    tables = {path.stem: pd.read_parquet(path) for path in (project / "data/catalog").iterdir()}
    schemas = {"tracks": TRACKS, "labels": LABELS, "failures": FAILURES, "inbox": INBOX}
    assert set(tables) == set(schemas)
    assert all(set(schema) <= set(tables[name].columns) for name, schema in schemas.items())
    assert (len(tables["tracks"]), len(tables["inbox"])) == (2, 1)
    assert all((project / path).is_file() for name in ("tracks", "inbox") for path in tables[name]["path"])
    assert set(tables["labels"]["track_id"]) == set(tables["tracks"]["track_id"])
    assert capsys.readouterr().out.startswith("catalog: 2 tracks by 1 artists, 0.00 hours; ")
