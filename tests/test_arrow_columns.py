"""Columns for Arrow, made of Python's own values."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundatlas.arrow_columns import arrow_column

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
        "import sys\nfrom pathlib import Path\nfrom soundatlas.tables import FAILURES, read_columns, write_rows\n"
        "path = Path(sys.argv[1])\nwrite_rows([{'path': 'a'}], path, FAILURES)\n"
        "assert read_columns(path, ['path', 'reason']) == [{'path': 'a', 'reason': None}]\n"
        "print(*{'pandas', 'pyarrow.compute'} & set(sys.modules))"
    )
    path = str(tmp_path / "table.parquet")
    assert subprocess.check_output([sys.executable, "-c", program, path], text=True).split() == []
