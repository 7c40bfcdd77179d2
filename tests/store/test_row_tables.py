"""The store's tables, written from rows."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundatlas.store.row_tables import arrow_column, arrow_rows, write_parts, write_rows
from soundatlas.tables import FAILURES, MANIFEST, conform, write_table

KINDS = {
    "str": (pa.large_string(), st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)),
    "float64": (pa.float64(), st.none() | st.floats()),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "bool": (pa.bool_(), st.booleans()),
}


@pytest.mark.parametrize("dtype", KINDS)
@settings(max_examples=30)
@given(data=st.data())
def test_column_is_what_pyarrow_makes_of_the_values(dtype, data) -> None:
    """Whatever the values, how many, and which are missing, the column is valid and equals pyarrow's own."""
    kind, values = KINDS[dtype]
    drawn = data.draw(st.lists(values, max_size=20))
    column = arrow_column(drawn, dtype)
    column.validate(full=True)
    assert column.equals(pa.array(drawn, kind, from_pandas=True))
    assert column.null_count == pa.array(drawn, kind, from_pandas=True).null_count


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([1, None], "int64"), ([None], "bool"), (["one"], "int64"), ([1.5], "int64"), (["x"], "float64")],
)
def test_value_of_another_kind_is_refused(values, dtype) -> None:
    """A whole number that is missing, or a text where numbers belong, is the code's mistake and raises at once."""
    with pytest.raises(TypeError):
        arrow_column(values, dtype)


def test_pandas_is_not_imported(tmp_path) -> None:
    """Making a column and writing a table of rows wait neither for pandas nor for Arrow's functions."""
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from soundatlas.store.row_tables import write_rows\nfrom soundatlas.tables import FAILURES, read_columns\n"
        "path = Path(sys.argv[1])\nwrite_rows([{'path': 'a'}], path, FAILURES)\n"
        "assert read_columns(path, ['path', 'reason']) == [{'path': 'a', 'reason': None}]\n"
        "print(*{'pandas', 'pyarrow.compute'} & set(sys.modules))"
    )
    path = str(tmp_path / "table.parquet")
    assert subprocess.check_output([sys.executable, "-c", program, path], text=True).split() == []


def _rows(count: int) -> list[dict]:
    """Make rows of the manifest, every third without a checksum and a greatest level."""
    return [
        {
            "audio_sha256": f"{number:064x}",
            "shard": "2-bits-1.safetensors",
            "frames": number,
            "duration_seconds": 0.1 + number,
            "source_sample_rate": 2**40,
            "channels": 2,
            "min_db": -100.0,
            "mean_db": -40.5 - number,
            "max_db": np.nan if number % 3 == 0 else 1.5,
            "finite": number % 2 == 0,
            "checksum": None if number % 3 == 0 else "Dvořák 東京",
            "more": 1,
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 7, 300])
def test_rows_are_written_as_their_table_is(count, tmp_path) -> None:
    """Without pandas a file has the very bytes that it has with it, gaps and further keys included, in parts or not."""
    rows = _rows(count)
    write_table(conform(pd.DataFrame(rows, columns=[*MANIFEST, "more"]), MANIFEST), tmp_path / "table.parquet")
    write_rows(rows, tmp_path / "rows.parquet", MANIFEST)
    assert (tmp_path / "rows.parquet").read_bytes() == (tmp_path / "table.parquet").read_bytes()
    parts = [arrow_rows(rows[first : first + 100], MANIFEST) for first in range(0, count, 100)]
    write_parts(parts, tmp_path / "parts.parquet", MANIFEST)
    assert (tmp_path / "parts.parquet").read_bytes() == (tmp_path / "table.parquet").read_bytes()


def test_table_without_rows_is_written_as_pandas_does(tmp_path) -> None:
    """A store in which nothing failed has the bytes of an empty table."""
    write_table(conform(pd.DataFrame(), FAILURES), tmp_path / "table.parquet")
    write_rows([], tmp_path / "rows.parquet", FAILURES)
    assert (tmp_path / "rows.parquet").read_bytes() == (tmp_path / "table.parquet").read_bytes()
