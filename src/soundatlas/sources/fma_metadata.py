"""FMA's `tracks.csv` and `echonest.csv`: tables of several header rows, read row by row.

pandas could read them, but would not say which row is broken; and it would hold the artists' biographies, which are
most of the 250 MB, in memory.
"""

from __future__ import annotations

import contextlib
import csv
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.errors import NotReadyError
from soundatlas.sources.rows import TEMPI_BPM, decade_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TextIO

    from soundatlas.progress import Advance

Column = tuple[str, ...]  # one name per header row

TRACK_COLUMNS: dict[str, Column] = {
    "artist": ("artist", "name"),
    "album": ("album", "title"),
    "date": ("album", "date_released"),
    "title": ("track", "title"),
    "genre": ("track", "genre_top"),
    "licence": ("track", "license"),
    "official_split": ("set", "split"),
    "subset": ("set", "subset"),
}
# Echo Nest's estimates, from 0 to 1 but for the tempo.
ECHONEST_ATTRIBUTES = {
    "acousticness": "acousticness",
    "danceability": "danceability",
    "energy": "energy",
    "instrumentalness": "instrumentalness",
    "liveness": "liveness",
    "speechiness": "speechiness",
    "tempo_bpm": "tempo",
    "valence": "valence",
}
ECHONEST_COLUMNS: dict[str, Column] = {
    name: ("echonest", "audio_features", theirs) for name, theirs in ECHONEST_ATTRIBUTES.items()
}
YEARS = (1860, 2017)  # of the oldest recording of sound, and of the data set
SIDES = {"training": "train", "validation": "validation", "test": "test"}
MAX_NUMBER = 999_999  # a track's file is called after six digits
MAX_CELL_CHARACTERS = 10_000_000  # biographies are long; a missing quote would make one cell of the whole file
ROWS_PER_STEP = 1000  # of the progress bar
FOUR_DIGITS = re.compile(r"(?<!\d)\d{4}(?!\d)")


@dataclass(frozen=True)
class Faulty:
    """A row that cannot be used.

    Attributes:
        line: where it ends, counted from 1.
        number: the track's number as it is written; empty where there are too few or too many cells.
        message: one sentence for a person.
    """

    line: int
    number: str
    message: str


@dataclass
class Table:
    """The wanted columns of a file: `numbers[i]` is the track of the i-th cell of every column."""

    numbers: list[int] = field(default_factory=list)
    rows: list[tuple[str, ...]] = field(default_factory=list)
    faulty: list[Faulty] = field(default_factory=list)

    def frame(self, columns: Mapping[str, Column]) -> pd.DataFrame:
        """Return the cells as text, stripped, missing where empty; the index is the track's number."""
        cells = pd.DataFrame(self.rows, columns=[*columns], index=pd.Index(self.numbers, dtype="int64"), dtype="str")
        stripped = {name: cells[name].str.strip() for name in columns}
        return pd.DataFrame({name: column.mask(column == "") for name, column in stripped.items()})


def read_table(file: TextIO, name: str, columns: Mapping[str, Column], advance: Advance) -> Table:
    """Read the wanted columns of a file with several header rows and the track's number in the first cell.

    A row with another number of cells than the header, with no number, or with a number that was there before, is
    faulty; the first row of a number counts.

    Args:
        file: opened with `newline=""`.
        name: of the file, for messages.
        columns: our name -> the names in the header rows, from the top.
        advance: called with the number of rows that come next.

    Raises:
        NotReadyError: when the file is not such a table.
    """
    table = Table()
    with _longer_cells():
        reader = csv.reader(file)
        try:
            width, pick = _read_header(reader, name, columns)
            seen: set[int] = set()
            for count, row in enumerate(reader):
                if count % ROWS_PER_STEP == 0:
                    advance(ROWS_PER_STEP)
                _add(table, seen, row, reader.line_num, width, pick)
        except (csv.Error, UnicodeDecodeError) as error:
            raise NotReadyError(f"{name} cannot be read at line {reader.line_num}: {error}") from None
    return table


@contextlib.contextmanager
def _longer_cells() -> Iterator[None]:
    before = csv.field_size_limit(MAX_CELL_CHARACTERS)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _read_header(
    reader: Iterator[list[str]], name: str, columns: Mapping[str, Column]
) -> tuple[int, Callable[[list[str]], tuple[str, ...]]]:
    """Return the table's width and what picks the wanted cells of a row."""
    depth = max(len(column) for column in columns.values())
    header = [row for _, row in zip(range(depth + 1), reader, strict=False)]
    if len(header) <= depth or not header[depth] or header[depth][0] != "track_id":
        raise NotReadyError(
            f"{name} has no line 'track_id' after {depth} header rows: it is not the file of fma_metadata"
        )
    named = {names: position for position, names in enumerate(zip(*header[:depth], strict=False))}
    if lacking := [column for column in columns.values() if column not in named]:
        raise NotReadyError(f"{name} lacks the column {lacking[0]}: it is not the file of fma_metadata")
    positions = [named[column] for column in columns.values()]
    return len(header[0]), lambda row: tuple([row[position] for position in positions])


def _add(
    table: Table, seen: set[int], row: list[str], line: int, width: int, pick: Callable[[list[str]], tuple[str, ...]]
) -> None:
    if not row:
        return  # a blank line is no row
    text = row[0].strip()
    if len(row) != width:
        message = f"{len(row)} cells where the header has {width}"
        table.faulty.append(Faulty(line, "", message))
    elif not (text.isascii() and text.isdecimal() and int(text) <= MAX_NUMBER):
        table.faulty.append(Faulty(line, text, f"{text[:40]!r} is no track's number"))
    elif (number := int(text)) in seen:
        table.faulty.append(Faulty(line, text, f"track {number} has a row already"))
    else:
        seen.add(number)
        table.numbers.append(number)
        table.rows.append(pick(row))


def describe_tracks(table: Table) -> pd.DataFrame:
    """Return a row per track: the text columns, `year` (float), `decade`, and the split's side in our words.

    A date that holds no year from 1860 to 2017 is a missing year.
    """
    rows = table.frame(TRACK_COLUMNS)
    rows["year"] = rows.pop("date").map(year_of, na_action="ignore").astype("float64")
    rows["decade"] = rows["year"].map(decade_of, na_action="ignore").astype("str")
    rows["official_split"] = rows["official_split"].map(SIDES).astype("str")
    return rows


def describe_attributes(table: Table) -> pd.DataFrame:
    """Return Echo Nest's attributes as numbers; what is no number, or cannot be, is missing."""
    texts = table.frame(ECHONEST_COLUMNS)
    values = pd.DataFrame(
        {name: pd.to_numeric(texts[name], errors="coerce").astype("float64") for name in ECHONEST_ATTRIBUTES}
    )
    share = values.where(values.ge(0) & values.le(1))
    tempo = values["tempo_bpm"]  # 0 where Echo Nest found none
    return share.assign(tempo_bpm=tempo.where(tempo.between(*TEMPI_BPM)))


def year_of(date: str) -> float:
    """Return the first four digits of a date that can be a year, or NaN: FMA's dates come in several shapes."""
    years = (int(digits) for digits in FOUR_DIGITS.findall(date))
    return float(next((year for year in years if YEARS[0] <= year <= YEARS[1]), "nan"))
