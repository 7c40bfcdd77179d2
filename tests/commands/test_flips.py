"""`soundatlas flips`: what the champion calls otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from soundatlas.history.answers import Answer
from soundatlas.history.store import ModelKey, open_history

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "[bold]a\x1b.wav"


@pytest.fixture
def flipped(project: Path) -> Path:
    """Give a project whose second champion calls the one file otherwise."""
    for model, genre in (("v1", "air"), ("v2", "reel")):
        with open_history(project) as history:
            answer = Answer.of_row({"genre": genre, "genre_confidence": 0.5, "embedding": [1.0]})
            history.keep(ModelKey(model, "contract"), {"sha": answer})
            history.note_projection(model)
    folder = project / "data/predictions"
    folder.mkdir(parents=True)
    row = {"path": HOSTILE, "audio_sha256": "sha", "status": "classified", "genre": "reel", "genre_confidence": 0.5}
    pd.DataFrame([{**row, "model_sha256": "v2"}]).to_parquet(folder / "predictions.parquet")
    return project


def test_flips_are_shown_and_names_are_text(flipped, command):
    """Models, figures and files are printed; a hostile name does nothing to the terminal."""
    code, out, err = command(flipped, "flips")
    assert (code, err) == (0, "")
    assert "model v1 -> model v2" in out
    assert "1 of 1 files compared" in out
    assert "air -> reel (1)" in out
    assert "[bold]a\N{REPLACEMENT CHARACTER}.wav" in out


def test_flips_as_json(flipped, command):
    """Another program reads the whole report, with every flip."""
    code, out, _ = command(flipped, "flips", "--json")
    report = json.loads(out)
    assert code == 0
    assert (report["before"], report["after"], report["heads"]["genre"]["flipped"]) == ("v1", "v2", 1)
    assert report["flips"][0]["path"] == HOSTILE


def test_before_any_prediction(project, command):
    """Without predictions the command is not ready, and says what to run: exit code 3, one line."""
    code, out, err = command(project, "flips")
    assert (code, out) == (3, "")
    assert "run `dvc repro`" in err
    assert err.count("\n") == 1
