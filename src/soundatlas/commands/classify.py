"""`soundatlas classify`: loose files through the champion."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.markup import escape
from rich.table import Table

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.errors import NotReadyError, UsageError
from soundatlas.files import project_root
from soundatlas.params import load_params
from soundatlas.progress import progress
from soundatlas.sources.inbox import list_files, list_folder
from soundatlas.tables import INBOX
from soundatlas.workers import retrying

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from soundatlas.params import Params


def classify_paths(paths: Sequence[Path], *, as_json: bool) -> None:
    """Classify files and folders and print a table, or JSON with every probability and the embedding.

    Raises:
        UsageError: when a path does not exist.
        NotReadyError: when there is no champion yet.
    """
    if absent := [path for path in paths if not path.exists()]:
        raise UsageError(f"{absent[0]} does not exist")
    from soundatlas.registry.classification import classify_listing
    from soundatlas.registry.pin import read_champion

    root = project_root()
    params = load_params(root / "params.yaml")
    pinned = read_champion(root)
    if pinned is None:
        raise NotReadyError(
            "there is no champion yet: `dvc repro` trains one, and its last lines say what the gate found"
        )
    champion, folder = pinned
    listing = _list(paths, params)
    with progress("classifying", int(listing["reason"].isna().sum())) as advance:
        table = classify_listing(
            folder,
            champion,
            listing,
            Path.cwd(),
            timeout_seconds=params.spectrograms.timeout_seconds,
            map_jobs=retrying(params.spectrograms.retries),
            advance=advance,
        )
    if as_json:
        print(json.dumps(rows_as_json(table), ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
    else:
        wide_console().print(
            prediction_table(table, params.train.classes, f"{champion.name} version {champion.version}")
        )


def _list(paths: Sequence[Path], params: Params) -> pd.DataFrame:
    megabytes, here = params.ingest.max_file_megabytes, Path.cwd()
    with TemporaryDirectory() as folder:  # hashes of loose files are not worth remembering
        known = Path(folder) / "known-files.json"
        folders = [
            list_folder(path.resolve(), here, max_file_megabytes=megabytes, known=known)
            for path in paths
            if path.is_dir()
        ]
    files = [path.resolve() for path in paths if not path.is_dir()]
    parts = [list_files(files, here, max_file_megabytes=megabytes), *folders]
    return pd.concat(parts, ignore_index=True)[[*INBOX]].drop_duplicates("path", ignore_index=True)


def rows_as_json(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the predictions as JSON-like rows; what a file does not have is left out."""
    return [
        {str(name): value for name, value in row.items() if isinstance(value, dict | list) or pd.notna(value)}
        for row in table.to_dict("records")
    ]


def prediction_table(table: pd.DataFrame, heads: Sequence[str], title: str) -> Table:
    """Return the predictions for a terminal: per head the label and its probability, or why there is none."""
    shown = Table(title=escape(title), title_justify="left")
    shown.add_column("file", overflow="fold")
    for head in heads:
        shown.add_column(head)
    shown.add_column("status")
    for row in table.to_dict("records"):
        labels = [label_with_probability(row, head) for head in heads]
        message = row["message"] if isinstance(row["message"], str) else ""
        status = f"{row['status']}: {message}" if message else row["status"]
        shown.add_row(escape(printable(str(row["path"]))), *labels, escape(printable(status)))
    return shown


def label_with_probability(row: Mapping[Hashable, Any], head: str) -> str:
    """Return the label with its probability; one that the model hardly knows is called so."""
    if not isinstance(row.get(head), str):
        return ""
    said = f"{escape(str(row[head]))} {row[f'{head}_confidence']:.0%}"
    return said if row.get(f"{head}_known", True) else f"unknown (nearest: {said})"
