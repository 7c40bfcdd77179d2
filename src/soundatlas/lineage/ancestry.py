"""From a prediction back to the bytes that it came from: model, run, commit, hashes, checks, catalogue row, licence."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import git
import pandas as pd

from soundatlas.dag import read_lock
from soundatlas.files import read_json
from soundatlas.history.store import history_path, open_history
from soundatlas.lineage.subject import known, read_listings, read_tracks

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.lineage.subject import Subject
    from soundatlas.params import Params
    from soundatlas.registry.trained_models import TrainedModel

HIDDEN = ("_probabilities", "embedding")
PREDICTIONS = {
    "champion's prediction": "data/predictions/predictions.parquet",
    "evaluation": "data/evaluation/predictions.parquet",
}


def trace_ancestry(root: Path, params: Params, subject: Subject) -> dict[str, Any]:
    """Return all that a prediction for some audio goes back to, as JSON-like values.

    What the project does not know is None or empty: a track of the catalogue is not in the inbox, a file of the inbox
    is not in the catalogue, and a clone may lack the history or the runs.
    """
    from soundatlas.registry.trained_models import trained_models

    trained = trained_models(root, params.promote.model_name)
    trained.sort(key=lambda model: (model.is_registered, not model.deleted), reverse=True)  # then the latest, as it was
    models = {model.content_sha256: model for model in reversed(trained)}
    tracks, listing = read_tracks(root), read_listings(root)
    return {
        "name": subject.name,
        "audio_sha256": subject.audio_sha256,
        "paths": list(subject.paths),
        "catalogue": [_track(root, row) for row in _rows(tracks, subject)],
        "inbox": _rows(listing, subject),
        "predictions": _predictions(root, subject, models),
        "validation": _validation(root, subject),
        "now": {"git_commit": _commit(root), "dvc_lock": read_lock(root)},
    }


def _rows(table: pd.DataFrame, subject: Subject) -> list[dict[str, Any]]:
    return [known(row) for row in table[table["audio_sha256"] == subject.audio_sha256].to_dict("records")]


def _track(root: Path, row: dict[str, Any]) -> dict[str, Any]:
    """Return a catalogue row with its side, and where each of its labels comes from."""
    told: dict[str, Any] = {"row": row, "labels": [], "split": None}
    if (path := root / "data/catalog/labels.parquet").is_file():
        labels = pd.read_parquet(path)
        told["labels"] = [known(each) for each in labels[labels["track_id"] == row["track_id"]].to_dict("records")]
    if (path := root / "data/split/split.parquet").is_file():
        split = pd.read_parquet(path)
        for each in split[split["track_id"] == row["track_id"]].to_dict("records"):
            told["split"] = {"group": each["group"], "side": each["side"]}
    return told


def _predictions(root: Path, subject: Subject, models: dict[str, TrainedModel]) -> list[dict[str, Any]]:
    """Return what the project's tables say of the audio now, each with the model that said it and what made that."""
    when = {}
    if history_path(root).is_file():
        with open_history(root) as history:
            when = {record.key.model_sha256: record.made_at for record in history.of_audio(subject.audio_sha256)}
    found = []
    for name, relative in PREDICTIONS.items():
        path = root / relative
        table = pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=["audio_sha256"])
        for row in table[table["audio_sha256"] == subject.audio_sha256].to_dict("records"):
            content = row.get("model_sha256")
            said = {key: value for key, value in known(row).items() if not key.endswith(HIDDEN)}
            model = models.get(str(content))
            found.append(
                {
                    "of": name,
                    "prediction": said,
                    "made_at": when.get(str(content)),
                    "model": None if model is None else _model(model, subject),
                }
            )
    return found


def _model(model: TrainedModel, subject: Subject) -> dict[str, Any]:
    """Return what made a model, and whether it was trained on the audio."""
    return {
        "content_sha256": model.content_sha256,
        "versions": list(model.versions),
        "aliases": list(model.aliases),
        "mlflow_run": model.run_id,
        "mlflow_run_name": model.run_name,
        "git_commit": model.git_commit,
        "dvc_lock": model.inputs,
        "heard_this_track_in": "not recorded" if model.sides is None else model.sides.get(subject.audio_sha256),
    }


def _validation(root: Path, subject: Subject) -> dict[str, Any] | None:
    """Return the verdict on the data, and each rule that this track offends."""
    path = root / "data/validation/report.json"
    if not path.is_file():
        return None
    report = read_json(path)
    told: dict[str, Any] = {"passed": report["passed"], "counts": report.get("counts"), "offends": []}
    if (offenders := path.with_name("offenders.parquet")).is_file():
        table = pd.read_parquet(offenders)
        mine = pd.Series(data=False, index=table.index)
        for column, names in (("track_id", subject.track_ids), ("name", (*subject.track_ids, *subject.paths))):
            if column in table:
                mine |= table[column].isin(names)
        told["offends"] = [known(row) for row in table[mine].to_dict("records")]
    return told


def _commit(root: Path) -> str | None:
    """Return the commit that the project stands on; None outside of git."""
    with contextlib.suppress(git.InvalidGitRepositoryError, ValueError):
        return str(git.Repo(root, search_parent_directories=True).head.commit.hexsha)
    return None
