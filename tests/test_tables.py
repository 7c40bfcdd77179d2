"""Tables that cross a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from soundatlas import tables
from soundatlas.errors import SoundatlasError
from soundatlas.files import sha256_file
from soundatlas.tables import (
    INBOX,
    LABELS,
    MANIFEST,
    SPLIT,
    TRACKS,
    Schema,
    conform,
    empty,
    read_columns,
    read_table,
    write_table,
)

if TYPE_CHECKING:
    from pathlib import Path

SCHEMAS = {
    name: value
    for name, value in vars(tables).items()
    if name.isupper() and isinstance(value, dict) and name != "REASONS"
}

every_schema = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())


def _filled(schema: Schema, rows: int = 3) -> pd.DataFrame:
    """Make a table whose cells differ and whose texts are awkward."""
    made: dict[str, Any] = {
        "str": lambda column: [f"{column} Dvořák 東京 🎻 \t'\"{row}" for row in range(rows)],
        "float64": lambda _: [0.1 + row for row in range(rows)],
        "int64": lambda _: [2**60 + row for row in range(rows)],
        "bool": lambda _: [row % 2 == 0 for row in range(rows)],
    }
    return conform(pd.DataFrame({column: made[dtype](column) for column, dtype in schema.items()}), schema)


def test_schemas_are_found() -> None:
    """The tests below look at all the module's schemas."""
    assert {"TRACKS", "LABELS", "FAILURES", "INBOX", "MANIFEST", "SPLIT"} <= set(SCHEMAS)


@every_schema
def test_filled_table_comes_back_as_it_went(schema: Schema, tmp_path: Path) -> None:
    """Values, texts beyond ASCII, order and dtypes survive the file."""
    table = _filled(schema)
    write_table(table, tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "table.parquet", schema), table)


@every_schema
def test_empty_table_comes_back_with_its_dtypes(schema: Schema, tmp_path: Path) -> None:
    """No rows still means the schema's columns, in its order and dtypes."""
    write_table(empty(schema), tmp_path / "table.parquet")
    table = read_table(tmp_path / "table.parquet", schema)
    assert len(table) == 0
    assert {column: str(dtype) for column, dtype in table.dtypes.items()} == dict(schema)


@every_schema
def test_missing_values_stay_missing(schema: Schema, tmp_path: Path) -> None:
    """An absent text or number is missing before and after: not "", not "nan", not 0."""
    table = _filled(schema)
    may_miss = [column for column, dtype in schema.items() if dtype in {"str", "float64"}]
    for column in may_miss:
        table.loc[1, column] = np.nan
    write_table(table, tmp_path / "table.parquet")
    again = read_table(tmp_path / "table.parquet", schema)
    assert again.loc[1, may_miss].isna().all()
    assert again.loc[[0, 2]].notna().all(axis=None)
    pd.testing.assert_frame_equal(again, table)


def test_unknown_columns_are_filled_with_missing() -> None:
    """A source that knows only some labels gives a whole row."""
    table = conform(pd.DataFrame({"track_id": ["demo:1"], "year": [1788]}), TRACKS)
    assert list(table.columns) == list(TRACKS)
    assert table.loc[0, "year"] == 1788.0
    assert table.drop(columns=["track_id", "year"]).isna().all(axis=None)


def test_further_columns_are_dropped_or_follow_sorted() -> None:
    """Without `extra` only the schema's columns remain; with it the others follow in alphabetical order."""
    table = _filled(LABELS).assign(zeal=1, mood="calm")
    assert list(conform(table, LABELS).columns) == list(LABELS)
    assert list(conform(table, LABELS, extra=True).columns) == [*LABELS, "mood", "zeal"]


def test_further_columns_survive_the_file(tmp_path: Path) -> None:
    """A label column of the user's own is read back after the schema's, missing values included."""
    table = conform(_filled(TRACKS).assign(mood=["calm", None, "bright"]), TRACKS, extra=True)
    write_table(table, tmp_path / "tracks.parquet")
    again = read_table(tmp_path / "tracks.parquet", TRACKS)
    pd.testing.assert_frame_equal(again, table)


def test_rows_are_numbered_anew() -> None:
    """What rows were taken out before leaves no trace in the table."""
    table = conform(_filled(SPLIT).iloc[[2, 0]], SPLIT)
    assert list(table.index) == [0, 1]


def test_value_of_another_kind_is_refused() -> None:
    """A text in a column of numbers is the code's mistake and raises at once."""
    with pytest.raises(ValueError, match="large"):
        conform(_filled(INBOX).astype({"size_bytes": object}).replace(2**60, "large"), INBOX)


@every_schema
def test_equal_tables_give_equal_bytes(schema: Schema, tmp_path: Path) -> None:
    """Tables that are equal, built in other ways, are one content to DVC."""
    table = _filled(schema)
    shuffled = table[list(reversed(table.columns))].iloc[::-1]
    write_table(table, tmp_path / "one.parquet")
    write_table(conform(shuffled.iloc[::-1], schema), tmp_path / "two.parquet")
    assert sha256_file(tmp_path / "one.parquet") == sha256_file(tmp_path / "two.parquet")


def test_some_columns_come_as_rows(tmp_path: Path) -> None:
    """Reading without pandas gives the asked columns alone, None where a value is missing."""
    table = _filled(SPLIT)
    table.loc[1, "group"] = np.nan
    write_table(table, tmp_path / "split.parquet")
    rows = read_columns(tmp_path / "split.parquet", ["group", "track_id"])
    assert [row["track_id"] for row in rows] == table["track_id"].tolist()
    assert [row["group"] for row in rows] == [table.loc[0, "group"], None, table.loc[2, "group"]]
    assert all(set(row) == {"group", "track_id"} for row in rows)


@pytest.mark.parametrize(("content", "said"), [(None, "missing"), (b"PAR1 nothing", "damaged"), ("whole", "lacks")])
def test_columns_that_cannot_be_read_say_what_to_run(content: Any, said: str, tmp_path: Path) -> None:
    """A table that is not there, is none, or lacks a column is named with the remedy, as when the whole is read."""
    path = tmp_path / "split.parquet"
    if content == "whole":
        write_table(_filled(SPLIT), path)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(SoundatlasError, match=rf"split\.parquet (is )?{said}.*dvc repro"):
        read_columns(path, ["no such column"])


def test_failed_write_leaves_the_old_table(tmp_path: Path) -> None:
    """A table that cannot be written leaves the one that stands there, and nothing beside it."""
    path = tmp_path / "split.parquet"
    table = _filled(SPLIT)
    write_table(table, path)
    with pytest.raises(pa.ArrowException):
        write_table(pd.DataFrame({"mixed": [1, "one", [1]]}, dtype=object), path)
    pd.testing.assert_frame_equal(read_table(path, SPLIT), table)
    assert [found.name for found in tmp_path.iterdir()] == ["split.parquet"]


def test_missing_table_says_what_to_run(tmp_path: Path) -> None:
    """A stage that was never run is named by its file, with the remedy."""
    path = tmp_path / "tracks.parquet"
    with pytest.raises(SoundatlasError, match=r"is missing: run `dvc repro`") as caught:
        read_table(path, TRACKS)
    assert str(path) in str(caught.value)


def test_missing_column_is_named(tmp_path: Path) -> None:
    """A table of another version is refused with the column that it lacks."""
    path = tmp_path / "manifest.parquet"
    write_table(_filled(MANIFEST).drop(columns=["frames"]), path)
    with pytest.raises(SoundatlasError, match="lacks the column 'frames'"):
        read_table(path, MANIFEST)


@pytest.mark.parametrize("content", [b"", b"not a table at all", b"PAR1 half of one"])
def test_damaged_table_says_what_to_do(content: bytes, tmp_path: Path) -> None:
    """A file that is no Parquet table is named, with the remedy."""
    path = tmp_path / "split.parquet"
    path.write_bytes(content)
    with pytest.raises(SoundatlasError, match=r"split\.parquet is damaged: delete it"):
        read_table(path, SPLIT)


def test_reasons_are_codes_with_a_sentence() -> None:
    """Each reason is one lower-case word for tables, with words for a person."""
    assert all(reason.isidentifier() and reason == reason.lower() for reason in tables.REASONS)
    assert all(sentence.strip() for sentence in tables.REASONS.values())
