"""Stage `evaluate`: the figures of the test tracks, and their run."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
import tiny_project

from soundatlas.errors import DataRefusedError
from soundatlas.files import read_json
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.tracking import Tracking
from soundatlas.stages import evaluate, repeats


def test_without_test_tracks_there_is_nothing_to_say(catalogued, tiny_params):
    """A split with nobody on the test side is refused, and no figures are written."""
    path = catalogued / "data/split/split.parquet"
    split = pd.read_parquet(path)
    split.assign(side=split["side"].replace("test", "train")).to_parquet(path, index=False)
    with pytest.raises(DataRefusedError, match="test side"):
        evaluate.run(catalogued, tiny_params)
    assert not (catalogued / "data/evaluation").exists()


def test_figures_are_of_the_test_tracks_alone(catalogued, tiny_params, model):
    """Metrics, predictions and the model's run speak of the four test tracks; every class head has a contact sheet."""
    shutil.copytree(model, catalogued / "data/model")
    repeats.run(catalogued, tiny_params)
    promote = tiny_params.promote.model_copy(update={"primary": ["genre"]})
    evaluate.run(catalogued, tiny_params.model_copy(update={"promote": promote}))
    folder = catalogued / "data/evaluation"
    metrics = read_json(folder / "metrics.json")
    assert set(metrics["classes"]) == set(tiny_project.SPACE.classes)
    assert metrics["about"]["tracks"] == 4
    predictions = pd.read_parquet(folder / "predictions.parquet")
    assert list(predictions["track_id"]) == ["demo:08", "demo:09", "demo:10", "demo:11"]
    assert set(predictions["model_sha256"]) == {content_sha256(model)}
    assert {path.name for path in (folder / "figures").glob("contact_sheet_*")} == {
        f"contact_sheet_{head}.png" for head in tiny_project.SPACE.classes
    }
    assert len(Tracking(catalogued).find_runs(content_sha256(model))) == 1
