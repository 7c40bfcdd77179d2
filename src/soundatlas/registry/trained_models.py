"""The models of a project as MLflow knows them: what made each, and which tracks it was trained on."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException

from soundatlas.registry.tracking import CONTENT_TAG, EXPERIMENT_TAG, TRACKS_TAG, Tracking
from soundatlas.registry.training_tracks import TRACKS_NAME, read_training_tracks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pandas as pd
    from mlflow.entities import Run

PAGE = 500
COMMIT_TAG = "mlflow.source.git.commit"


@dataclass(frozen=True)
class TrainedModel:
    """A training that ended with a model.

    Attributes:
        run_id: of the training.
        run_name: of the training.
        began_at: of the run; UTC, ISO 8601, to the second.
        content_sha256: identity of the model.
        versions: of the registered model that hold it; none for an experiment's.
        aliases: that point to one of them, such as "champion".
        is_registered: whether one of them was registered from this run; the same model may have been trained again.
        git_commit: that the training ran from; None outside of git.
        inputs: out of a stage before `train` -> its hash in dvc.lock then.
        experiment: name of the DVC experiment, or None.
        deleted: whether somebody deleted the run; MLflow keeps it until its garbage collection.
        sides: audio SHA-256 -> "train" or "validation"; None where that was not recorded or cannot be fetched.
    """

    run_id: str
    run_name: str
    began_at: str
    content_sha256: str
    versions: tuple[str, ...]
    aliases: tuple[str, ...]
    is_registered: bool
    git_commit: str | None
    inputs: dict[str, str]
    experiment: str | None
    deleted: bool
    sides: dict[str, str] | None


def trained_models(root: Path, model_name: str) -> list[TrainedModel]:
    """Return every training that ended with a model, the latest first, deleted runs included.

    Args:
        root: the project.
        model_name: of the registered model.
    """
    tracking = Tracking(root)
    versions = _versions(tracking, model_name)
    remembered: dict[str, dict[str, str] | None] = {}  # many trainings are on the same tracks
    models = []
    for run in _runs(tracking):
        tags = run.data.tags
        tracks = tags.get(TRACKS_TAG)
        if tracks is not None and remembered.get(tracks) is None:
            remembered[tracks] = tracks_heard(tracking, run.info.run_id)
        found = versions.get(tags[CONTENT_TAG], [])
        models.append(
            TrainedModel(
                run_id=str(run.info.run_id),
                run_name=str(run.info.run_name),
                began_at=_moment(run.info.start_time),
                content_sha256=str(tags[CONTENT_TAG]),
                versions=tuple(str(version.version) for version in found),
                aliases=tuple(sorted(str(alias) for version in found for alias in version.aliases)),
                is_registered=any(version.run_id == run.info.run_id for version in found),
                git_commit=tags.get(COMMIT_TAG),
                inputs={key.removeprefix("dvc."): value for key, value in tags.items() if _is_input(key)},
                experiment=tags.get(EXPERIMENT_TAG),
                deleted=run.info.lifecycle_stage == "deleted",
                sides=None if tracks is None else remembered[tracks],
            )
        )
    return models


def tracks_heard(tracking: Tracking, run_id: str) -> dict[str, str] | None:
    """Return audio SHA-256 -> side in the training of a run; None where that is gone, out of reach or not recorded."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return read_training_tracks(Path(tracking.client.download_artifacts(run_id, TRACKS_NAME, folder)))
        except (MlflowException, OSError):
            return None


def in_heard_groups(tracks: pd.DataFrame, heard: Collection[str]) -> pd.Series[bool]:
    """Return whether a model was trained on a track or on another one of its group: it is no test track of that model.

    Args:
        tracks: with `audio_sha256` and `group`.
        heard: audio SHA-256 of what the model was trained on.
    """
    return tracks["group"].isin(tracks.loc[tracks["audio_sha256"].isin(list(heard)), "group"].dropna())


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _is_input(tag: str) -> bool:
    """Whether a tag holds the hash of what a training read, e.g. `dvc.catalog.catalog`."""
    return tag.startswith("dvc.") and tag != EXPERIMENT_TAG


def _runs(tracking: Tracking) -> Iterator[Run]:
    """Yield the runs that ended with a model."""
    token = None
    while True:
        page = tracking.client.search_runs(
            [tracking.experiment_id()],
            filter_string=f"tags.{CONTENT_TAG} LIKE '%'",
            run_view_type=ViewType.ALL,
            order_by=["attributes.start_time DESC"],
            max_results=PAGE,
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return


def _versions(tracking: Tracking, model_name: str) -> dict[str, list[Any]]:
    """Return content hash -> versions that hold it, with their aliases."""
    found: dict[str, list[Any]] = {}
    aliases: dict[str, str] = {}
    versions = tracking.client.search_model_versions(f"name = '{model_name}'")
    if versions:
        aliases = tracking.client.get_registered_model(model_name).aliases
    for version in sorted(versions, key=lambda each: int(each.version)):
        # a search leaves the aliases out
        version.aliases = [alias for alias, number in aliases.items() if str(number) == str(version.version)]
        if CONTENT_TAG in version.tags:
            found.setdefault(version.tags[CONTENT_TAG], []).append(version)
    return found
