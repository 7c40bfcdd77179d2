"""From a track forward: every model that was trained on it, and every prediction that was made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soundatlas.history.flips import label_of
from soundatlas.history.store import history_path, open_history

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.lineage.subject import Subject
    from soundatlas.params import Params


def trace_impact(root: Path, params: Params, subject: Subject) -> dict[str, Any]:
    """Return what was made of some audio, as JSON-like values.

    Returns:
        "models": trainings that learned from it ("train") or were stopped, chosen and calibrated by it ("validation");
        "models_that_do_not_say": trainings of which it is not recorded; "predictions": all of the history.
    """
    from soundatlas.registry.trained_models import trained_models

    heard, silent = [], []
    for model in trained_models(root, params.promote.model_name):
        told = {
            "content_sha256": model.content_sha256,
            "versions": list(model.versions),
            "aliases": list(model.aliases),
            "mlflow_run": model.run_id,
            "mlflow_run_name": model.run_name,
            "experiment": model.experiment,
            "deleted": model.deleted,
        }
        if model.sides is None:
            silent.append(told)
        elif subject.audio_sha256 in model.sides:
            heard.append({**told, "side": model.sides[subject.audio_sha256]})
    return {
        "name": subject.name,
        "audio_sha256": subject.audio_sha256,
        "track_ids": list(subject.track_ids),
        "paths": list(subject.paths),
        "models": heard,
        "models_that_do_not_say": silent,
        "predictions": _predictions(root, subject),
    }


def _predictions(root: Path, subject: Subject) -> list[dict[str, Any]]:
    if not history_path(root).is_file():
        return []
    with open_history(root) as history:
        records = history.of_audio(subject.audio_sha256)
    told = []
    for record in records:
        row = record.answer.row()
        heads = [key.removesuffix("_confidence") for key in row if key.endswith("_confidence")]
        told.append(
            {
                "model_sha256": record.key.model_sha256,
                "made_at": record.made_at,
                "status": record.answer.status,
                "labels": {head: label_of(row, head) for head in heads},
            }
        )
    return told
