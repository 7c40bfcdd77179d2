"""`tracks.csv` beside audio: labels that override tags, of files below the table's own folder."""

from __future__ import annotations

import csv
import math
import posixpath
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soundatlas.sources.rows import ABOUT
from soundatlas.sources.tags import parse_isrc, parse_year
from soundatlas.tables import ML_USES, TRACKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from soundatlas.sources.music_folder import Walked

HEADER = "path,artist,album,title,year,genre"
FILLED_IN = ABOUT - {"path", "licence", "ml_use"}  # never from a table
BESIDE = {"group", "side", "point_id", "layer", "x", "y", "confidence"}  # what later stages put beside a track's labels
NUMBERS = {name for name, dtype in TRACKS.items() if dtype == "float64"} - ABOUT
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
SURPLUS = "\0"  # under which cells beyond the header are put
LARGEST_BYTES = 200_000_000


@dataclass
class Overrides:
    """What the tables of a folder say.

    Attributes:
        values: path of a file, relative to the folder -> column -> text or number.
        failures: (what, reason, message) of rows and whole tables that cannot be used.
    """

    values: dict[str, dict[str, str | float]] = field(default_factory=dict)
    failures: list[tuple[str, str, str]] = field(default_factory=list)


def read_overrides(walked: Walked, folder: Path, shown: Mapping[Path, str]) -> Overrides:
    """Read all tables below a folder.

    A row names a file by its path from the table's folder. No path is looked up on the disk: it is one of the files
    that were found, or the row is refused; so that no table can lead anywhere else.

    Args:
        walked: the folder.
        folder: where it lies.
        shown: table -> what to call it.
    """
    overrides = Overrides()
    files = {_plain(path.relative_to(folder).as_posix()): path.relative_to(folder).as_posix() for path in walked.files}
    for table in walked.tables:
        try:
            rows = _read_rows(table)
        except ValueError as error:
            overrides.failures.append((shown[table], "bad_row", str(error)))
            continue
        place = table.parent.relative_to(folder).as_posix()
        for number, row in rows:
            try:
                name, values = _parse(place, row, files, overrides.values)
            except LookupError as error:
                overrides.failures.append((f"{shown[table]}, line {number}", "missing", str(error.args[0])))
            except ValueError as error:
                overrides.failures.append((f"{shown[table]}, line {number}", "bad_row", str(error)))
            else:
                overrides.values[name] = values
    _settle_types(overrides.values.values())
    return overrides


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return a table's rows with their line numbers.

    Raises:
        ValueError: when it is no table that can be used; it says why.
    """
    try:
        if not path.is_file():
            raise ValueError("not a regular file")  # a pipe would be waited for
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError(f"larger than {LARGEST_BYTES // 1_000_000} MB")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey=SURPLUS, restval="", strict=True)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            _check_header(header)
            return [(reader.line_num, row) for row in reader if any(row.values())]
    except UnicodeDecodeError:
        raise ValueError("no UTF-8: save it as CSV in UTF-8") from None
    except (OSError, csv.Error) as error:
        raise ValueError(f"no CSV that can be read: {error}") from None


def _check_header(header: list[str]) -> None:
    columns = [name for name in header if name]  # a spreadsheet may leave nameless columns
    if "path" not in columns:
        raise ValueError(f"no column 'path': its header is {HEADER}, and any further label")
    if taken := sorted(FILLED_IN & set(columns)):
        raise ValueError(f"a column {taken[0]!r}, which is filled in from the audio: rename it")
    if taken := sorted(BESIDE & set(columns)):
        raise ValueError(f"a column {taken[0]!r}, which soundatlas itself puts beside the labels: rename it")
    if len(set(columns)) < len(columns):
        raise ValueError("names a column twice")
    if strange := [name for name in columns if not LABEL.fullmatch(name)]:
        raise ValueError(f"{strange[0]!r} is no name of a label: a letter or digit, then letters, digits and _ . -")


def _parse(
    place: str, row: dict[str, str], files: Mapping[str, str], taken: Mapping[str, object]
) -> tuple[str, dict[str, str | float]]:
    """Return the file that a row names, and its labels.

    Raises:
        LookupError: when there is no such file.
        ValueError: when the row cannot be used.
    """
    if SURPLUS in row:
        raise ValueError("more cells than the header has")
    written = row.pop("path").strip()
    if not written:
        raise ValueError("no path")
    path = posixpath.normpath(posixpath.join(place, written))
    if written.startswith("/") or path.startswith("../") or path == "..":
        raise ValueError(f"the path {written!r} leads out of the folder")
    name = files.get(_plain(path))
    if name is None:
        raise LookupError(f"no file {written!r}")
    if name in taken:
        raise ValueError(f"names {written!r} again")
    cells = {column: text.strip() for column, text in row.items() if column and text.strip()}
    return name, {column: _value(column, text) for column, text in cells.items()}


def _value(column: str, text: str) -> str | float:
    """Return a cell's value.

    Raises:
        ValueError: when it cannot be one of its column.
    """
    if column == "ml_use" and text not in ML_USES:
        raise ValueError(f"ml_use is {text!r}: one of {', '.join(ML_USES)}")
    if column == "isrc":
        if (isrc := parse_isrc(text)) is None:
            raise ValueError(f"{text!r} is no ISRC such as GBAYE6900522")
        return isrc
    if column not in NUMBERS:
        return text
    number = parse_year(text) if column == "year" and (number := _number(text)) is None else _number(text)
    if number is None:
        raise ValueError(f"{column} is {text!r}, which is no number")
    return number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _settle_types(rows: Iterable[dict[str, str | float]]) -> None:
    """Turn a further label into numbers where it is one in every row that has it."""
    rows = list(rows)
    further = {column for row in rows for column in row} - set(TRACKS)
    for column in further:
        numbers = [_number(str(row[column])) for row in rows if column in row]
        if None not in numbers:
            for row in rows:
                if column in row:
                    row[column] = float(row[column])


def _plain(path: str) -> str:
    """Fold the two ways in which Unicode spells an accent, in which systems and spreadsheets differ."""
    return unicodedata.normalize("NFC", path)
