"""A folder of recorded music with `tracks.csv` as a data set: one row per file, labels where somebody knows them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmarks.quality.data import Collection
from soundatlas.errors import UsageError
from soundatlas.files import sha256_file
from soundatlas.progress import progress
from soundatlas.sources.inbox import PASSED_OVER
from soundatlas.tables import FAILURES, TRACKS, conform

if TYPE_CHECKING:
    from pathlib import Path

TABLE_NAME = "tracks.csv"
FILLED_IN = {"track_id", "source", "source_id", "audio_sha256", "duration_seconds", "ml_use"}  # never from the table
SURPLUS = "\0"  # under which cells beyond the header are put
NUMBERS = {name for name, dtype in TRACKS.items() if dtype == "float64"} - FILLED_IN


def load_folder(folder: Path) -> Collection:
    """Read a folder's `tracks.csv`: header `path,artist,album,title,year,genre`, all but `path` optional, more allowed.

    A row that cannot be used, or a number that is none, becomes a failure; an empty cell is a missing label.

    Raises:
        UsageError: when the table itself cannot be read.
    """
    rows, failures = _read_rows(folder / TABLE_NAME), []
    tracks: list[dict[str, Any]] = []
    seen: set[str] = set()
    with progress("reading the folder", len(rows)) as advance:
        for number, row in rows:
            track, faults = _track(folder, number, row, seen)
            tracks += [track] if track else []
            failures += faults
            advance()
    if not tracks:
        raise UsageError(f"no row of {TABLE_NAME} can be used: {failures[0]['message'] if failures else 'it is empty'}")
    table = conform(pd.DataFrame(tracks), TRACKS, extra=True)
    return Collection(folder.name, folder, table, conform(pd.DataFrame(failures), FAILURES))


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the table's rows with their line numbers."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey=SURPLUS, restval="")
            header = [name for name in reader.fieldnames or [] if name]  # a spreadsheet may leave nameless columns
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise UsageError(f"{path} is missing: it lists the tracks, header path,artist,album,title,year,genre") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as UTF-8 CSV: {error}") from None
    if "path" not in header:
        raise UsageError(f"{path} has no column 'path': its header is path,artist,album,title,year,genre")
    if taken := sorted(FILLED_IN & set(header)):
        raise UsageError(f"{path} has a column {taken[0]!r}, which is filled in from the audio: rename it")
    if len(set(header)) < len(header):
        raise UsageError(f"{path} names a column twice")
    return rows


def _track(
    folder: Path, number: int, row: dict[str, Any], seen: set[str]
) -> tuple[dict[str, Any] | None, list[dict[str, str]]]:
    """Return one row as a track, or None, and what is wrong with it."""
    name = row["path"].strip()

    def fault(reason: str, message: str) -> dict[str, str]:
        return {"path": name, "stage": "catalog", "reason": reason, "message": f"line {number}: {message}"}

    if SURPLUS in row:
        return None, [fault("bad_row", "more cells than the header has")]
    refusal = _refusal(folder, name)
    if refusal is not None:
        return None, [fault(*refusal)]
    path = (folder / name).resolve().relative_to(folder.resolve()).as_posix()
    if path in seen:
        return None, [fault("bad_row", "the file is listed twice")]
    try:
        sha = sha256_file(folder / path)
    except OSError as error:
        return None, [fault("unreadable", error.strerror or type(error).__name__)]
    seen.add(path)
    about = {"track_id": f"folder:{path}", "source": "folder", "source_id": path, "audio_sha256": sha}
    labels, faults = _labels({column: text.strip() for column, text in row.items() if column not in {"path", ""}})
    return about | {"path": path, "ml_use": "unknown", **labels}, [fault("bad_label", text) for text in faults]


def _refusal(folder: Path, name: str) -> tuple[str, str] | None:
    """Return why a path is not to be read, or None. Links are followed before it is judged where they lead."""
    if not name or "\0" in name:
        return "bad_row", "no path"
    path = folder / name
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
        found = path.is_file()
    except (OSError, RuntimeError) as error:
        return "unreadable", str(error)
    if not inside:
        return "bad_row", "the path leads out of the folder"
    if not found:
        return "unreadable", "no such file"
    if path.name.lower().endswith(PASSED_OVER):
        return "not_audio", f"a name in {path.suffix} is of a note or a picture"
    return ("empty", "the file holds no bytes") if path.stat().st_size == 0 else None


def _labels(cells: dict[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return the labels that are present, numbers as numbers, the decade from the year, and what is none."""
    labels: dict[str, Any] = {}
    faults = []
    for column, text in cells.items():
        if not text:
            continue
        if column not in NUMBERS:
            labels[column] = text
            continue
        value = pd.to_numeric(text, errors="coerce")
        if pd.isna(value) or abs(value) == float("inf"):
            faults.append(f"{column} is {text!r}, which is no number")
        else:
            labels[column] = float(value)
    if "year" in labels:
        labels.setdefault("decade", decade_of(labels["year"]))
    return labels, faults


def decade_of(year: float) -> str:
    """Return a year's decade as the catalogue spells it: "1780s"."""
    return f"{int(year) // 10 * 10}s"
