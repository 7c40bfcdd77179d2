"""Stage `promote`: from a model to the pin, by way of the gate and the alias."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import tiny_project

from soundatlas.files import read_json
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.pin import read_champion
from soundatlas.registry.promotion import ModelRegistry
from soundatlas.registry.tracking import Tracking
from soundatlas.stages import promote

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def evaluated(catalogued: Path, model: Path) -> Path:
    """Give a project after `evaluate`, with a model that is right on every test track."""
    shutil.copytree(model, catalogued / "data/model")
    tracks = pd.read_parquet(catalogued / "data/catalog/tracks.parquet")
    tiny_project.write_evaluation(catalogued / "data/evaluation", tracks)
    return catalogued


def test_champion_is_made_kept_and_challenged(evaluated, tiny_params, capsys):
    """The first good model is promoted and pinned; a second look changes nothing; a worse model is refused."""
    champion = content_sha256(evaluated / "data/model")
    promote.run(evaluated, tiny_params)
    assert read_champion(evaluated)[0].content_sha256 == champion
    assert "version 1 promoted" in capsys.readouterr().out
    pin = (evaluated / "data/champion.json").stat().st_mtime_ns
    promote.run(evaluated, tiny_params)
    assert capsys.readouterr().out == "promote: the champion is version 1\n"
    assert (evaluated / "data/champion.json").stat().st_mtime_ns == pin
    shutil.rmtree(evaluated / "data/model")
    tiny_project.write_model(evaluated / "data/model", tiny_params, seed=2)
    tracks = pd.read_parquet(evaluated / "data/catalog/tracks.parquet")
    tiny_project.write_evaluation(evaluated / "data/evaluation", tracks, right=False)
    promote.run(evaluated, tiny_params)
    assert "version 2 refused" in capsys.readouterr().out
    assert read_champion(evaluated)[0].content_sha256 == champion


def test_experiment_promotes_nothing(evaluated, tiny_params, monkeypatch, capsys):
    """Inside a DVC experiment nothing is registered or judged; the pin says who is champion, here nobody."""
    monkeypatch.setenv("DVC_EXP_NAME", "wider-windows")
    promote.run(evaluated, tiny_params)
    assert capsys.readouterr().out == "promote: the champion is none yet\n"
    assert read_json(evaluated / "data/champion.json")["content_sha256"] is None
    registry = ModelRegistry(Tracking(evaluated), tiny_params.promote.model_name)
    assert registry.client.search_registered_models() == []
