"""`soundatlas summary`: what the last run made, or that there was none."""

from __future__ import annotations

import pandas as pd
import pytest
import tiny_project

from soundatlas.registry.pin import export_pin


@pytest.fixture
def finished(project):
    """Give a project after a whole run in which nobody became champion."""
    tracks = tiny_project.write_catalogue(project, audio=False)
    tiny_project.write_evaluation(project / "data/evaluation", tracks)
    export_pin(project, "soundatlas", None)
    (project / "data/predictions").mkdir()
    rows = [
        {"path": "data/inbox/[b]a.wav", "status": "classified", "message": None, "genre": "reel"}
        | {"genre_confidence": 0.75, "artist": "anna", "artist_confidence": 0.5},
        {"path": "data/inbox/b.wav", "status": "empty", "message": "the file holds no bytes"},
    ]
    pd.DataFrame(rows).to_parquet(project / "data/predictions/predictions.parquet", index=False)
    return project


def test_before_any_run(project, command):
    """There is nothing to show: exit code 1 and one line that says what to run."""
    code, out, err = command(project, "summary")
    assert (code, out) == (1, "")
    assert err == "soundatlas: nothing to show yet: run `make demo`, or `dvc repro`\n"


def test_whole_run_is_shown(finished, command):
    """Catalogue, scores with intervals, that there is no champion, and each prediction."""
    code, out, err = command(finished, "summary")
    assert (code, err) == (0, "")
    assert "12 tracks by 3 artists" in out
    assert "0.50 [0.40, 0.60]" in out
    assert "none yet: no model has passed the gate" in out
    assert "data/inbox/[b]a.wav" in out
    assert "reel 75%" in out
    assert "empty: the file holds no bytes" in out


def test_champion_is_named(finished, model, command):
    """With a champion its version and the start of its hash are shown."""
    content = tiny_project.install_champion(finished, model)
    _, out, _ = command(finished, "summary")
    assert f"soundatlas version 1 ({content[:12]})" in out


def test_long_inbox_is_cut(finished, command):
    """Of forty predictions thirty are shown, and the title says where all of them are."""
    rows = [{"path": f"{number:03d}.wav", "status": "empty", "message": "m"} for number in range(40)]
    pd.DataFrame(rows).to_parquet(finished / "data/predictions/predictions.parquet", index=False)
    _, out, _ = command(finished, "summary")
    assert "029.wav" in out
    assert "030.wav" not in out
    assert "40 files, the first 30 of them" in " ".join(out.split())  # the title is as wide as its table
