"""A tiny project whose registry holds some versions, none judged. Logging a model costs seconds: make it once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import tiny_project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = "soundatlas"


def make_registered(root: Path, repository: Path, models: Sequence[Path], database: Path | None = None) -> Path:
    """Make a project and register models in it, in order; the last one lies in `data/model/`.

    Args:
        root: of the project.
        repository: whose parameters it gets.
        models: folders of bundles.
        database: of MLflow with empty tables, to save making them.
    """
    from soundatlas.registry.promotion import ModelRegistry
    from soundatlas.registry.tracking import Tracking

    tiny_project.start_project(root, repository)
    tracks = tiny_project.write_catalogue(root, audio=False)
    tiny_project.write_evaluation(root / "data/evaluation", tracks)
    (root / "mlruns").mkdir()
    if database is not None:
        shutil.copyfile(database, root / "mlruns/mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.delenv("DVC_ROOT", raising=False)
        tracking = Tracking(root)
        registry = ModelRegistry(tracking, NAME)
        for folder in models:
            shutil.rmtree(root / "data/model", ignore_errors=True)
            shutil.copytree(folder, root / "data/model")
            registry.register(root / "data/model", tracking.publish(root / "data/model", root / "data/evaluation"))
    return root
