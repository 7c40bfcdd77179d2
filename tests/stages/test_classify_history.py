"""Stage `classify` and the history of predictions: what is computed, what comes back, and that both are the same."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import tiny_project

from soundatlas.history.answers import Answer
from soundatlas.history.store import HISTORY, open_history
from soundatlas.registry.contract import read_contract
from soundatlas.registry.prediction_key import model_key
from soundatlas.stages import classify, ingest
from soundatlas.tables import INBOX, conform, empty, write_table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory, tiny_params) -> Path:
    """Give a model with other weights; copy it, never write to it."""
    folder = tmp_path_factory.mktemp("other-model") / "model"
    tiny_project.write_model(folder, tiny_params, seed=2)
    return folder


@pytest.fixture
def run(project: Path, tiny_params, model, capsys):
    """Give a function that lists the inbox and classifies it, and returns the last line; the model is champion."""
    tiny_project.install_champion(project, model)
    write_table(empty(INBOX), project / "data/catalog/inbox.parquet")

    def classify_inbox(params=tiny_params) -> str:
        ingest.run(project, params)
        classify.run(project, params)
        return capsys.readouterr().out.splitlines()[-1]

    return classify_inbox


def predictions(project: Path) -> list[bytes]:
    """Return the bytes of all that the stage wrote."""
    names = ("predictions.parquet", "predictions.csv", "summary.json")
    return [(project / "data/predictions" / name).read_bytes() for name in names]


def test_from_history_or_computed_gives_the_same_bytes(project, run):
    """The projection is a function of listing and champion: all from history, in part, and none of it."""
    for number in range(3):
        tiny_project.write_clip(project / f"data/inbox/{number}.wav", number, seconds=1.5)
    (project / "data/inbox/broken.mp3").write_bytes(b"no music at all")
    assert run().endswith("4 computed")
    made = predictions(project)
    assert run().endswith("0 computed")
    assert predictions(project) == made
    (project / "data/inbox/0.wav").rename(project / "0.wav")
    shutil.rmtree(project / HISTORY.parent)
    assert run().endswith("3 computed")
    (project / "0.wav").rename(project / "data/inbox/0.wav")
    assert run().endswith("1 computed")
    assert predictions(project) == made
    shutil.rmtree(project / HISTORY.parent)
    assert run().endswith("4 computed")
    assert predictions(project) == made


def test_what_is_projected_is_what_the_bundle_says(project, run, model):
    """Through the history and back, every number is the bundle's own, to the bit."""
    from soundatlas.registry.bundle import Bundle

    tiny_project.write_clip(project / "data/inbox/a.wav", 4, seconds=1.5)
    run()
    run()
    (row,) = pd.read_parquet(project / "data/predictions/predictions.parquet").to_dict("records")
    said = Bundle(model).classify_file(project / "data/inbox/a.wav").row()
    np.testing.assert_array_equal(row.pop("embedding"), said.pop("embedding"))
    assert {name: row[name] for name in said} == said


def test_a_new_champion_hears_all_once_and_a_rollback_nothing(project, run, model, other_model):
    """Each model hears each file once; back to the earlier champion, its predictions come back byte for byte."""
    for number in range(3):
        tiny_project.write_clip(project / f"data/inbox/{number}.wav", number)
    run()
    first = predictions(project)
    tiny_project.install_champion(project, other_model)
    assert run().endswith("3 computed")
    assert run().endswith("0 computed")
    second = predictions(project)
    assert second[0] != first[0]
    shutil.rmtree(project / "mlruns/bundles")
    content = tiny_project.install_champion(project, model)
    assert run().endswith("0 computed")
    assert predictions(project) == first
    with open_history(project) as history:
        shown = [each.model_sha256 for each in history.projections()]
    assert (len(shown), shown[0], shown[-1]) == (3, content, content)


def test_equal_bytes_are_heard_once_and_a_renamed_file_not_at_all(project, run):
    """The audio counts and not its name: two copies cost one, and a rename costs nothing."""
    tiny_project.write_clip(project / "data/inbox/a.wav", 1)
    shutil.copy(project / "data/inbox/a.wav", project / "data/inbox/b.wav")
    assert run() == "classify: 2 files: 2 classified; 1 computed"
    (project / "data/inbox/a.wav").rename(project / "data/inbox/c.wav")
    assert run() == "classify: 2 files: 2 classified; 0 computed"
    table = pd.read_parquet(project / "data/predictions/predictions.parquet")
    assert table["path"].tolist() == ["data/inbox/b.wav", "data/inbox/c.wav"]
    assert table["genre_confidence"][0] == table["genre_confidence"][1]


def test_faults_of_the_bytes_are_remembered_and_others_tried_again(project, run, repository):
    """A file that is no audio is not decoded twice; one that took too long is, and is classified when it does not."""
    (project / "data/inbox/broken.mp3").write_bytes(b"no music at all")
    tiny_project.write_clip(project / "data/inbox/slow.wav", 1)
    hasty = tiny_project.params_of(repository, spectrograms={"timeout_seconds": 1e-9})
    assert run(hasty) == "classify: 2 files: 0 classified, 2 timeout; 2 computed"
    assert run() == "classify: 2 files: 1 classified, 1 not_audio; 2 computed"
    assert run() == "classify: 2 files: 1 classified, 1 not_audio; 0 computed"


@pytest.mark.usefixtures("run")
def test_a_copy_speaks_for_a_file_that_vanished(project, tiny_params):
    """Of two equal files one vanishes after the listing: the other is heard, and both have its prediction."""
    tiny_project.write_clip(project / "data/inbox/a.wav", 1)
    shutil.copy(project / "data/inbox/a.wav", project / "data/inbox/b.wav")
    ingest.run(project, tiny_params)
    (project / "data/inbox/a.wav").unlink()
    classify.run(project, tiny_params)
    table = pd.read_parquet(project / "data/predictions/predictions.parquet")
    assert table["status"].tolist() == ["classified", "classified"]


def test_a_damaged_history_is_one_line_and_the_predictions_stay(project, run):
    """A history that is no database says what to do, and nothing is written."""
    from soundatlas.errors import HistoryError

    tiny_project.write_clip(project / "data/inbox/a.wav", 1)
    run()
    made = predictions(project)
    for path in (project / HISTORY.parent).iterdir():
        path.unlink()
    (project / HISTORY).write_bytes(b"?" * 5000)
    with pytest.raises(HistoryError, match="move it away"):
        run()
    assert predictions(project) == made


@pytest.mark.usefixtures("run")
def test_with_five_thousand_present_one_new_file_is_one(project, tiny_params, model, capsys):
    """However many predictions are there, one new file is heard and no other is even opened."""
    row = {"duration_seconds": 0.8, "genre": "reel", "genre_confidence": 0.5, "embedding": [0.5] * 8}
    shas = [f"{number:064x}" for number in range(5000)]
    with open_history(project) as history:
        history.keep(model_key(read_contract(model)), dict.fromkeys(shas, Answer.of_row(row)))
    tiny_project.write_clip(project / "data/inbox/new.wav", 1)
    ingest.run(project, tiny_params)
    path = project / "data/ingest/inbox.parquet"
    present = pd.DataFrame({"path": [f"gone/{sha}.wav" for sha in shas], "audio_sha256": shas}).assign(size_bytes=1)
    write_table(conform(pd.concat([pd.read_parquet(path), present]), INBOX), path)
    capsys.readouterr()
    classify.run(project, tiny_params)
    assert capsys.readouterr().out.splitlines()[-1] == "classify: 5001 files: 5001 classified; 1 computed"
