"""The cells of the bench: one training of one peer on one fold with one seed, kept so that a rerun goes on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import soundatlas
from benchmarks.quality.peer import Task
from benchmarks.quality.splits import with_groups
from soundatlas.files import read_json, sha256_file, sha256_json, write_json
from soundatlas.learning.labels import MISSING
from soundatlas.learning.retrieval import average_precisions
from soundatlas.tables import conform, read_table, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from benchmarks.quality.data import Dataset
    from benchmarks.quality.peer import Fitted, Peer
    from benchmarks.quality.splits import Fold
    from soundatlas.learning.evaluation import Predictions
    from soundatlas.params import Params

PACKAGE = Path(soundatlas.__file__).parent
SHARED_CODE = (  # of all peers: what they hear, how their answers are scored, and how cells are made
    *(PACKAGE / name for name in ("audio", "learning", "store")),
    Path(__file__),
)
TIMED_CLIPS = 10  # test clips, one after another, after one that is not timed
MILLISECONDS = 1000

# One row per test track and head (or attribute) whose truth is known; per stranger one per head that lacks its class.
PREDICTIONS = {
    "track_id": "str",
    "group": "str",
    "head": "str",
    "actual": "str",
    "predicted": "str",
    "probabilities": "object",  # floats, in the order of `all_classes`
    "learnt": "bool",  # whether a training track has the class; where none has, the row tells unknown classes apart
    "knownness": "float64",  # how surely the track is of a class that was learnt, on a scale of the peer's own
    "average_precision": "float64",  # at 10, of the training tracks nearest in the peer's space
    "actual_value": "float64",
    "predicted_value": "float64",
    "train_mean": "float64",  # of an attribute, over the training tracks
}


@dataclass(frozen=True)
class Cell:
    """A finished cell.

    Attributes:
        peer: its name.
        split: name of the split.
        fold: number of the fold.
        seed: of the training.
        train_seconds: wall time of the training, features and spectrograms left out.
        train_processor_seconds: of all threads, in the same training; it hardly minds what else the machine does.
        ms_per_clip: mean wall time from an audio file to probabilities, one file at a time.
        notes: what the training has to say.
        predictions: `PREDICTIONS`.
    """

    peer: str
    split: str
    fold: int
    seed: int
    train_seconds: float
    train_processor_seconds: float
    ms_per_clip: float
    notes: tuple[str, ...]
    predictions: pd.DataFrame


@dataclass(frozen=True)
class Heard:
    """What a peer says of some tracks.

    Attributes:
        predictions: probabilities and values.
        knownness: head -> how surely each is of a class that was learnt.
        precisions: head -> average precision at 10 of each, searched among the training tracks; none without a space.
    """

    predictions: Predictions
    knownness: dict[str, NDArray[np.float64]]
    precisions: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Plan:
    """A cell to be done.

    Attributes:
        peer: who learns.
        task: from what.
        classes: head -> all classes of the data set, the columns of every probability.
        folder: where finished cells lie.
    """

    peer: Peer
    task: Task
    classes: dict[str, tuple[str, ...]]
    folder: Path

    @cached_property
    def path(self) -> Path:
        """Where the cell's figures lie, its predictions beside them; other data, settings or code lie elsewhere."""
        task = self.task
        key = sha256_json(
            {
                "data": data_sha256(task.fold),
                "strangers": sorted(task.dataset.collection.strangers["audio_sha256"]),
                "classes": self.classes,
                "settings": self.peer.settings(task.params),
                "code": {path.name: _code_sha256(path) for path in (*SHARED_CODE, *self.peer.code)},
                "seed": task.seed,
            }
        )
        name = f"{self.peer.name}-{task.fold.split}-fold{task.fold.number}-seed{task.seed}-{key[:12]}.json"
        return self.folder / name


def make_plans(
    peers: Sequence[Peer], folds: Sequence[Fold], seeds: Sequence[int], dataset: Dataset, params: Params, folder: Path
) -> list[Plan]:
    """Return the cells to be done, peer by peer; a peer without a seed is trained once per fold."""
    tracks = dataset.collection.tracks
    return [
        Plan(peer, Task(dataset, fold, seed, params), all_classes(tracks, fold), folder)
        for peer in peers
        for fold in folds
        for seed in (seeds if peer.seeded else seeds[:1])
    ]


def all_classes(tracks: pd.DataFrame, fold: Fold) -> dict[str, tuple[str, ...]]:
    """Return head -> every class of the data set, in order, whichever of them the fold's training tracks have."""
    return {head: tuple(sorted(tracks[head].dropna().unique())) for head in fold.space.classes}


def run_plans(plans: Iterable[Plan]) -> Iterator[Cell]:
    """Do each cell, or read it where it is finished."""
    for plan in plans:
        yield read_cell(plan.path) if plan.path.is_file() else _run(plan)


def read_cell(path: Path) -> Cell:
    """Read a finished cell."""
    about = read_json(path)
    return Cell(
        **{**about, "notes": tuple(about["notes"])}, predictions=read_table(path.with_suffix(".parquet"), PREDICTIONS)
    )


def _run(plan: Plan) -> Cell:
    """Train, predict, time, and keep the result; its figures are written last and mark it finished."""
    task, path = plan.task, plan.path
    started, processor_started = time.perf_counter(), time.process_time()
    fitted = plan.peer.fit(task)
    train_seconds = time.perf_counter() - started
    train_processor_seconds = time.process_time() - processor_started
    heard = listen(fitted, task.fold.test, task.fold)
    strangers = task.dataset.collection.strangers
    table = prediction_table(heard, task.fold, plan.classes)
    if len(strangers):
        strangers = with_groups(strangers, task.params.split)
        strange = stranger_table(listen(fitted, strangers, task.fold), strangers, task.fold, plan.classes)
        table = conform(pd.concat([table, strange]), PREDICTIONS)
    about = {
        "peer": plan.peer.name,
        "split": task.fold.split,
        "fold": task.fold.number,
        "seed": task.seed,
        "train_seconds": train_seconds,
        "train_processor_seconds": train_processor_seconds,
        "ms_per_clip": _ms_per_clip(fitted, task),
        "notes": list(fitted.notes),
    }
    write_table(table, path.with_suffix(".parquet"))
    write_json(path, about)
    return read_cell(path)


def _ms_per_clip(fitted: Fitted, task: Task) -> float:
    paths = [task.dataset.collection.root / path for path in task.fold.test["path"].head(TIMED_CLIPS + 1)]
    fitted.predict_file(paths[0])
    timed = paths[1:] or paths
    started = time.perf_counter()
    for path in timed:
        fitted.predict_file(path)
    return (time.perf_counter() - started) / len(timed) * MILLISECONDS


def listen(fitted: Fitted, tracks: pd.DataFrame, fold: Fold) -> Heard:
    """Return what a peer says of some tracks, and how well it brings them near training tracks of their classes."""
    predictions = fitted.predict(tracks)
    queries, gallery = fitted.embed(tracks), fitted.embed(fold.train)
    precisions = {}
    if queries is not None and gallery is not None:
        wanted, offered = fold.space.class_targets(tracks), fold.space.class_targets(fold.train)
        precisions = {
            head: average_precisions(queries, wanted[head], gallery, offered[head]) for head in fold.space.classes
        }
    return Heard(predictions, fitted.knownness(tracks, predictions), precisions)


def prediction_table(heard: Heard, fold: Fold, classes: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    """Return `PREDICTIONS` of a fold's test tracks.

    Args:
        heard: with a column per class of the fold's label space.
        fold: whose test tracks it is of.
        classes: head -> the classes to give a probability each, those of the fold among them.
    """
    tables = []
    about = fold.test[["track_id", "group"]]
    for head, truth in fold.space.class_targets(fold.test).items():
        rows = _class_rows(heard, about.assign(head=head, actual=fold.test[head]), fold, classes[head])
        tables.append(rows.assign(learnt=truth != MISSING)[fold.test[head].notna()])
    for name, values in heard.predictions.values.items():
        truth = fold.test[name].to_numpy(np.float64)
        rows = about.assign(
            head=name,
            actual_value=truth,
            predicted_value=values,
            train_mean=fold.space.attributes[name].mean,
            learnt=True,
        )
        tables.append(rows[np.isfinite(truth)])
    return conform(pd.concat(tables), PREDICTIONS)


def stranger_table(
    heard: Heard, strangers: pd.DataFrame, fold: Fold, classes: dict[str, tuple[str, ...]]
) -> pd.DataFrame:
    """Return `PREDICTIONS` of strangers, which have their `group`, for the heads whose classes lack theirs."""
    about = strangers[["track_id", "group"]].assign(learnt=False)
    tables = []
    for head, names in classes.items():
        rows = _class_rows(heard, about.assign(head=head, actual=strangers[head]), fold, names)
        tables.append(rows[strangers[head].notna() & ~strangers[head].isin(names)])
    return conform(pd.concat(tables), PREDICTIONS)


def _class_rows(heard: Heard, about: pd.DataFrame, fold: Fold, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the rows of one head, with a probability per class of the data set."""
    head = about["head"].iloc[0]
    wide = np.zeros((len(about), len(names)), np.float32)
    wide[:, [names.index(name) for name in fold.space.classes[head]]] = heard.predictions.probabilities[head]
    guess = np.asarray(names, dtype=object)[wide.argmax(axis=1)]
    return about.assign(
        predicted=guess,
        probabilities=list(wide),
        knownness=heard.knownness[head],
        average_precision=heard.precisions.get(head, np.nan),
    )


def data_sha256(fold: Fold) -> str:
    """Return the hash of all that a peer can learn from or is judged by: audio, labels, sides and groups."""
    labels = [*fold.space.classes, *fold.space.attributes]
    parts: dict[str, Any] = {"space": fold.space.contract(), "split": fold.split}
    for side in ("train", "validation", "test"):
        rows: pd.DataFrame = getattr(fold, side)
        parts[side] = rows[["track_id", "audio_sha256", "group", *labels]].to_csv(index=False)
    return sha256_json(parts)


def _code_sha256(path: Path) -> str:
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return sha256_json([sha256_file(file) for file in files])
