"""The flip report of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from soundatlas.history.answers import Answer
from soundatlas.history.flip_report import report_flips
from soundatlas.history.store import ModelKey, open_history

if TYPE_CHECKING:
    from pathlib import Path


def show(root: Path, model: str | None, **genres: str) -> None:
    """Put a model's predictions where `classify` does."""
    rows = [
        {"path": f"{sha}.wav", "audio_sha256": sha, "status": "classified", "genre": genre, "genre_confidence": 0.5}
        for sha, genre in genres.items()
    ]
    folder = root / "data/predictions"
    folder.mkdir(parents=True, exist_ok=True)
    columns = ["path", "audio_sha256", "status", "genre", "genre_confidence"]
    pd.DataFrame(rows, columns=columns).assign(model_sha256=model).to_parquet(folder / "predictions.parquet")


def remember(root: Path, model: str, **genres: str) -> None:
    """Put predictions into the history, and note that they were shown."""
    with open_history(root) as history:
        for sha, genre in genres.items():
            answer = Answer.of_row({"genre": genre, "genre_confidence": 0.4, "embedding": [1.0]})
            history.keep(ModelKey(model, "contract"), {sha: answer})
        history.note_projection(model)


@pytest.mark.parametrize("shown", ["nothing", "no champion", "an empty inbox"])
def test_without_predictions_there_is_no_report(tmp_path, shown):
    """Before the first champion, and with an empty inbox, there is nothing to compare."""
    if shown != "nothing":
        show(tmp_path, None, **({} if shown == "an empty inbox" else {"a": "air"}))
    assert report_flips(tmp_path, 0.25) is None


def test_the_first_champion_has_nobody_before(tmp_path):
    """A fresh clone has no history: the report says so, and the champion is noted for the next time."""
    show(tmp_path, "v1", a="air")
    report = report_flips(tmp_path, 0.25)
    assert report is not None
    assert (report["number"], report["before"], report["after"], report["new"]) == (1, None, "v1", 1)


def test_the_champion_against_the_one_before(tmp_path):
    """The report is returned and lies in data/flips/, with a table of what flipped."""
    remember(tmp_path, "v1", a="air", b="jig")
    remember(tmp_path, "v2", a="reel", b="jig", c="jig")
    show(tmp_path, "v2", a="reel", b="jig", c="jig")
    report = report_flips(tmp_path, 0.25)
    assert report is not None
    assert (report["before"], report["after"], report["number"]) == ("v1", "v2", 2)
    assert [(flip["path"], flip["before"], flip["after"]) for flip in report["flips"]] == [("a.wav", "air", "reel")]
    written = json.loads((tmp_path / "data/flips/report.json").read_text())
    assert written == {key: value for key, value in report.items() if key != "flips"}
    assert pd.read_csv(tmp_path / "data/flips/flips.csv")["audio_sha256"].tolist() == ["a"]


def test_a_rollback_that_dvc_restored_is_noticed(tmp_path):
    """Predictions that came from DVC's cache, without a run of `classify`, are compared with what was shown before."""
    remember(tmp_path, "v1", a="air")
    remember(tmp_path, "v2", a="reel")
    show(tmp_path, "v1", a="air")
    report = report_flips(tmp_path, 0.25)
    assert report is not None
    assert (report["before"], report["after"], report["number"]) == ("v2", "v1", 3)
    assert report_flips(tmp_path, 0.25) == report
