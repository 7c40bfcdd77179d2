"""Erasing a track from what the pipeline made below `data/`. The model, and the user's own files, are left alone."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.files import remove_leftovers, replacing_file, write_json
from soundatlas.history.audit import audit_path, open_audit
from soundatlas.history.store import history_path, open_history
from soundatlas.learning.backbone_features import FEATURES_NAME, read_features, remove_features
from soundatlas.sources.deny_list import AUDIO_FOLDERS, audio_files
from soundatlas.store.shards import Shard, list_shards
from soundatlas.store.writing import remove_from_store
from soundatlas.tables import write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from soundatlas.lineage.holding import Traces

Step = tuple[str, "Callable[[], object]"]

# Folders of ours with tables and pages. `data/ingest` holds the hashes of the user's files, so that a denied one is not
# read again and again; `data/model` is the model.
FOLDERS = (
    "ingest",
    "catalog",
    "spectrograms",
    "backbone",
    "stems",
    "stem_audio",
    "split",
    "validation",
    "data_docs",
    "repeats",
    "evaluation",
    "predictions",
    "flips",
    "history/answers",
    "history/layouts",
    "history/descriptors",
)
TEXTS = {".json", ".html", ".txt", ".md", ".png"}  # a picture of tracks names them unseen
KEPT = ("known-files", "denied.json")  # of a folder's files, and of denied ones: how their names begin
MEDIA = {"clips", "pictures"}  # of the map: a file per audio, named by the first digits of its hash
SHORT = 16
MAP_TABLE = "similar.parquet"
UNFINISHED = "data/.unfinished"
BY = "forget"


def erasing_steps(root: Path, traces: Traces) -> Iterator[Step]:
    """Yield what is to be done, as words and a function; nothing has been done yet, and each can be done twice."""
    yield from _leftovers(root)
    yield from _audio(root, traces)
    yield from _spectrograms(root, traces)
    for name in FOLDERS:
        folder = root / "data" / name
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and not path.name.startswith(KEPT):
                yield from _file(root, path, traces)
    yield from _map(root, traces)
    yield from _history(root, traces)
    if (unfinished := root / UNFINISHED).is_dir() and any(unfinished.rglob("*")):
        yield f"remove the state of a training that was cut off: {UNFINISHED}", lambda: shutil.rmtree(unfinished)


def _leftovers(root: Path) -> Iterator[Step]:
    """Remove what killed runs left half-written, whoever it is of, and put nothing back; but for the model."""
    data = root / "data"
    for folder in (data, *(data / "atlas" / name for name in sorted(MEDIA))):
        for left in sorted(folder.glob(".*.part*")):
            if not left.name.startswith(".model-"):
                shown = left.relative_to(root).as_posix()
                yield f"remove {shown}, which a killed run left", partial(_remove, left)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _audio(root: Path, traces: Traces) -> Iterator[Step]:
    paths, shas = {*traces.paths, *_listed_paths(root, traces)}, [traces.audio_sha256]
    for path in (path for folder in AUDIO_FOLDERS for path in audio_files(root, root / folder, paths, shas)):
        yield f"remove {path.relative_to(root).as_posix()}", partial(path.unlink, missing_ok=True)


def _listed_paths(root: Path, traces: Traces) -> Iterator[str]:
    """Yield where sources have audio of the track, which may be in other bytes than the catalogue's."""
    for listing in sorted((root / "data/ingest").glob("*/*/tracks.parquet")):
        table = pd.read_parquet(listing)
        yield from table.loc[traces.rows(table), "path"].dropna()


def _spectrograms(root: Path, traces: Traces) -> Iterator[Step]:
    sha = traces.audio_sha256
    for folder in (root / "data/spectrograms", root / "data/stems"):
        holding = [path for path in list_shards(folder) if sha in Shard(path).rows]
        if holding:
            shown = holding[0].relative_to(root).as_posix()
            yield f"take its spectrogram out of {shown}", partial(remove_from_store, folder, {sha})
    for path in sorted((root / "data/stem_audio").glob(f"{sha[:SHORT]}-*")):
        yield f"remove {path.relative_to(root).as_posix()}", partial(path.unlink, missing_ok=True)
    features = root / "data/backbone" / FEATURES_NAME
    if features.is_file() and sha in read_features(features):
        yield f"take its features out of data/backbone/{FEATURES_NAME}", lambda: remove_features(features, {sha})


def _file(root: Path, path: Path, traces: Traces) -> Iterator[Step]:
    shown = path.relative_to(root).as_posix()
    if path.suffix in {".parquet", ".csv"}:
        if count := int(traces.rows(_read(path)).sum()):
            yield f"take {count} of the rows out of {shown}", lambda: _take_out_rows(path, traces)
    elif path.suffix in TEXTS and traces.are_in(path):
        yield f"remove {shown}, which names it", lambda: path.unlink(missing_ok=True)


def _map(root: Path, traces: Traces) -> Iterator[Step]:
    """Remove the track's clip and picture, and the pages that name it; the other clips are not cut again."""
    folder = root / "data/atlas"
    for path in sorted(folder.glob(f"*/{traces.audio_sha256[:SHORT]}-*")):
        yield f"remove {path.relative_to(root).as_posix()}", partial(path.unlink, missing_ok=True)
    table = folder / MAP_TABLE
    if table.is_file() and _read(table)["id"].isin({traces.audio_sha256, *traces.track_ids}).any():
        yield "remove the map, which shows it; `dvc repro atlas` draws another", lambda: _remove_map(folder)


def _remove_map(folder: Path) -> None:
    """Remove all but clips and pictures; the table, which says whom the map shows, goes last: a kill is found out."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == MAP_TABLE):
        if path.name in MEDIA:
            continue
        _remove(path)


def _history(root: Path, traces: Traces) -> Iterator[Step]:
    if history_path(root).is_file():
        with open_history(root) as history:
            count = len(history.of_audio(traces.audio_sha256))
        if count:
            yield f"take {count} of the predictions out of the history", lambda: _forget(root, traces)
    if audit_path(root).is_file():
        with open_audit(root, BY) as trail:
            count = len(trail.of_audio(traces.audio_sha256))
        if count:
            yield f"take {count} of the steps out of the audit trail", lambda: _forget_steps(root, traces)


def _forget(root: Path, traces: Traces) -> None:
    with open_history(root) as history:
        history.forget([traces.audio_sha256])


def _forget_steps(root: Path, traces: Traces) -> None:
    with open_audit(root, BY) as trail:
        trail.forget([traces.audio_sha256])


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _take_out_rows(path: Path, traces: Traces) -> None:
    """Write a table again without the track's rows; `data/predictions/summary.json` counts what is left."""
    remove_leftovers(path.parent)
    table = _read(path)
    left = table[~traces.rows(table)].reset_index(drop=True)
    if path.suffix == ".parquet":
        write_table(left, path)
    else:
        with replacing_file(path) as beside:
            left.to_csv(beside, index=False, lineterminator="\n")
    if path.parent.name == "predictions" and path.suffix == ".parquet":
        counts = left["status"].value_counts()
        write_json(path.parent / "summary.json", {str(status): int(count) for status, count in counts.items()})
