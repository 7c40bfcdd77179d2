"""The bench as a whole: data, splits, cells, figures; `bench.json` and the tables."""

from __future__ import annotations

import math
import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console

from benchmarks.quality.cells import PREDICTIONS, make_plans, run_plans
from benchmarks.quality.comparison import compare, describe
from benchmarks.quality.data import analyse, load_demo
from benchmarks.quality.fma import load_fma
from benchmarks.quality.folder import load_folder
from benchmarks.quality.published import published_figures
from benchmarks.quality.roster import choose_peers
from benchmarks.quality.soundatlas_peer import Soundatlas
from benchmarks.quality.splits import GROUPED, RANDOM, divided_pairs, make_folds, untested_classes
from soundatlas.errors import SoundatlasError, UsageError
from soundatlas.files import write_json
from soundatlas.params import load_params
from soundatlas.stages.train import refuse_restricted
from soundatlas.tables import empty, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.quality.cells import Cell
    from benchmarks.quality.comparison import Absent
    from benchmarks.quality.data import Collection, Dataset
    from benchmarks.quality.peer import Peer
    from benchmarks.quality.splits import Fold
    from soundatlas.params import Params

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class Request:
    """What the command line asks for; see `__main__` for the meaning of each.

    Attributes:
        project: holds `params.yaml`, and `data/` of a finished run for the demo.
        folder: of recorded music, or None.
        fma: of FMA, or None.
        subset: of FMA.
        split: "work", "album", "random", a source's own, or None for the default.
        seeds: how many.
        folds: how many.
        peers: names, or "all".
        minutes: limit of one training of soundatlas.
        crnn_minutes: limit of one network of the artist CRNN.
        crnn_epochs: its limit in epochs.
        out: for results, or None for a folder below the project's `data/`.
    """

    project: Path
    folder: Path | None
    fma: Path | None
    subset: str
    split: str | None
    seeds: int
    folds: int
    peers: str
    minutes: float
    crnn_minutes: float
    crnn_epochs: int
    out: Path | None


def run_bench(request: Request) -> dict[str, Any]:
    """Run every cell that is not finished, write `bench.json` and `predictions.parquet`, and return the former.

    A peer that cannot learn from the data is a row with the reason, and the others go on.

    Raises:
        SoundatlasError: when the data, the project or the request cannot be used.
    """
    params = load_params(request.project / "params.yaml")
    peers = choose_peers(
        request.peers,
        minutes=request.minutes,
        crnn_minutes=request.crnn_minutes,
        crnn_epochs=request.crnn_epochs,
    )
    if params.train.stems and any(isinstance(peer, Soundatlas) for peer in peers):
        raise UsageError(
            "train.stems is true, which the bench cannot train: set it to false, or leave soundatlas out of --peers"
        )
    collection = _collect(request, params)
    splits = _splits(request.split, collection, params)
    out = request.out or request.project / "data" / "bench-quality" / collection.name.replace(" ", "-")
    dataset = analyse(collection, params, out)
    refuse_restricted(dataset.collection.tracks, allowed=params.train.i_have_permission_to_train_on_restricted_content)
    folds = {split: make_folds(dataset.collection, split, params, request.folds) for split in splits}
    seeds = [params.train.seed + number for number in range(request.seeds)]
    cells, absent = _run_cells(peers, folds, seeds, dataset, params, out)
    write_table(_with_origin(cells), out / "predictions.parquet")
    result = {
        "data": _about_data(dataset),
        "settings": _about_settings(request, params, seeds),
        "machine": {"processors": os.cpu_count(), "kind": platform.machine(), "python": platform.python_version()},
        "splits": {split: _about_split(parts, dataset, params) for split, parts in folds.items()},
        "rows": describe(peers, absent, cells, folds, dataset, params),
        "paired": compare(peers, absent, cells, folds, dataset, params),
        "published": [figure.__dict__ for figure in published_figures(dataset.collection)],
        "failures": dataset.collection.failures.to_dict("records"),
    }
    plain: dict[str, Any] = _without_nan(result)
    write_json(out / "bench.json", plain)
    return plain


def _collect(request: Request, params: Params) -> Collection:
    """Return the collection that was asked for."""
    if request.folder is not None and request.fma is not None:
        raise UsageError("give --folder or --fma, not both")
    if request.folder is not None:
        return load_folder(request.folder.expanduser().resolve())
    if request.fma is not None:
        return load_fma(request.fma.expanduser().resolve(), request.subset)
    return load_demo(request.project, params.split.group)


def _splits(asked: str | None, collection: Collection, params: Params) -> list[str]:
    """Return the splits to run; a random one never comes alone, since only the gap between the two tells something."""
    own = collection.sides_name or params.split.group
    known = {own, *GROUPED, RANDOM}
    if asked is not None and asked not in known:
        raise UsageError(f"--split is {asked!r}: one of {', '.join(sorted(known))}")
    return [own, RANDOM] if asked == RANDOM else [asked or own]


def _run_cells(
    peers: Sequence[Peer],
    folds: dict[str, list[Fold]],
    seeds: Sequence[int],
    dataset: Dataset,
    params: Params,
    out: Path,
) -> tuple[list[Cell], Absent]:
    """Return the cells, and why a peer has none: it cannot run here, or learn from these data."""
    missing = {peer.name: reason for peer in peers if (reason := peer.missing()) is not None}
    absent = {(name, split): reason for name, reason in missing.items() for split in folds}
    present = [peer for peer in peers if peer.name not in missing]
    flat = [fold for parts in folds.values() for fold in parts]
    plans = make_plans(present, flat, seeds, dataset, params, out / "cells")
    for peer in present:
        if not all(plan.path.is_file() for plan in plans if plan.peer is peer):
            try:
                peer.prepare(dataset, params)
            except SoundatlasError as error:
                absent |= {(peer.name, split): str(error) for split in folds}
    console = Console(stderr=True)
    cells: list[Cell] = []
    for number, plan in enumerate(plans, 1):
        fold = plan.task.fold
        if (plan.peer.name, fold.split) in absent:
            continue
        kept = " (kept)" if plan.path.is_file() else ""
        console.print(
            f"{number} of {len(plans)}: {plan.peer.title}, {fold.split} split, fold {fold.number + 1}, "
            f"seed {plan.task.seed}{kept}",
            highlight=False,
        )
        try:
            cells += run_plans([plan])
        except SoundatlasError as error:
            absent[plan.peer.name, fold.split] = str(error)
    return [cell for cell in cells if (cell.peer, cell.split) not in absent], absent


def _with_origin(cells: Sequence[Cell]) -> pd.DataFrame:
    """Return all predictions with peer, split, fold and seed, for tests of one's own."""
    tables = [
        cell.predictions.assign(peer=cell.peer, split=cell.split, fold=cell.fold, seed=cell.seed) for cell in cells
    ]
    return pd.concat(tables, ignore_index=True) if tables else empty(PREDICTIONS)


def _about_data(dataset: Dataset) -> dict[str, Any]:
    tracks = dataset.collection.tracks
    return {
        "name": dataset.collection.name,
        "tracks": len(tracks),
        "artists": int(tracks["artist"].nunique()),
        "hours": float(tracks["duration_seconds"].sum() / SECONDS_PER_HOUR),
        "failures": len(dataset.collection.failures),
        "near_duplicates": len(dataset.collection.duplicates),
    }


def _about_settings(request: Request, params: Params, seeds: list[int]) -> dict[str, Any]:
    return {
        "seeds": seeds,
        "folds": request.folds,
        "minutes": request.minutes,
        "crnn_minutes": request.crnn_minutes,
        "crnn_epochs": request.crnn_epochs,
        "bootstrap_resamples": params.evaluate.bootstrap_resamples,
        "confidence": params.evaluate.confidence,
        "spectrograms": params.spectrograms.model_dump(),
        "train": params.train.model_dump(),
    }


def _about_split(folds: list[Fold], dataset: Dataset, params: Params) -> dict[str, Any]:
    return {
        "tracks": [
            {"train": len(fold.train), "validation": len(fold.validation), "test": len(fold.test)} for fold in folds
        ],
        "heads": [*folds[0].space.classes],
        "attributes": [*folds[0].space.attributes],
        "left_out": [head for head in params.train.classes if head not in folds[0].space.classes],
        "classes_not_judged": untested_classes(folds),
        "near_duplicates_on_two_sides": divided_pairs(folds, dataset.collection.duplicates),
    }


def _without_nan(value: Any) -> Any:
    """Replace what cannot be computed by null, which JSON has and NaN it has not."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
