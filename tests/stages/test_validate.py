"""Stage `validate`: sound data pass; errors stop the line, and leave their report even then."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from soundatlas.errors import DataRefusedError
from soundatlas.files import read_json
from soundatlas.stages import validate
from soundatlas.tables import LABELS, TRACKS, conform, write_table

LABELLED = [column for column in TRACKS if column not in {"track_id", "source", "source_id", "path", "audio_sha256"}]


@pytest.fixture
def checked(catalogued, repository):
    """A small sound catalogue, each label with where it comes from, and the committed suites beside it."""
    shutil.copytree(repository / "gx", catalogued / "gx")
    tracks = pd.read_parquet(catalogued / "data/catalog/tracks.parquet")
    labels = tracks.melt(id_vars="track_id", value_vars=LABELLED, var_name="label").dropna()
    labels = labels.assign(value=labels["value"].astype(str), provenance="score", licence="public domain")
    write_table(conform(labels.assign(ml_use="allowed"), LABELS), catalogued / "data/catalog/labels.parquet")
    return catalogued


def failed_errors(root):
    """Give the names of the error rules that do not hold, from the written report."""
    rows = read_json(root / "data/validation/report.json")["expectations"]
    return {row["says"] for row in rows if row["severity"] == "error" and not row["success"]}


def test_sound_data_pass(checked, tiny_params):
    """Nothing is raised, and the report says so."""
    validate.run(checked, tiny_params)
    assert read_json(checked / "data/validation/report.json")["passed"] is True
    assert failed_errors(checked) == set()


def test_errors_stop_the_line_and_leave_the_report(checked, tiny_params, change_tracks):
    """Years that cannot be are refused; report and Data Docs are there to say why."""
    change_tracks(checked, year=99_999.0)
    with pytest.raises(DataRefusedError, match=r"data/data_docs/index\.html"):
        validate.run(checked, tiny_params)
    assert read_json(checked / "data/validation/report.json")["passed"] is False
    assert any("year" in name.lower() for name in failed_errors(checked))
    assert (checked / "data/data_docs/index.html").is_file()
