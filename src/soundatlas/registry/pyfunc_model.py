"""The bundle as an MLflow pyfunc: a table with the column `path` in, a table of predictions out.

MLflow runs this file to load the model ("models from code"), so that no pickle is ever unpacked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import set_model

from soundatlas.errors import TrackError
from soundatlas.registry.bundle import Bundle

CLASSIFIED = "classified"


class SoundatlasModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # mlflow is not type-checked
    """Loads the bundle among its artifacts; refuses to when its golden array does not come out."""

    def load_context(self, context: Any) -> None:
        """Load the bundle."""
        self.bundle = Bundle(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002 - MLflow's signature
        """Return a row per path: its status and, where it was classified, the prediction."""
        return pd.DataFrame([self._row(Path(path)) for path in model_input["path"]])

    def _row(self, path: Path) -> dict[str, Any]:
        try:
            prediction = self.bundle.classify_file(path)
        except TrackError as error:
            return {"path": str(path), "status": error.reason, "message": error.message}
        return {"path": str(path), "status": CLASSIFIED, "message": None, **prediction.row()}


set_model(SoundatlasModel())
