"""The store's tables, written from rows: pandas takes longer to import than ten clips take to become spectrograms.

The bytes are those that `tables.write_table` writes. Columns are laid out here, since pyarrow's own converter imports
pandas to find that a list is a list. The layout is Arrow's: a bit per value that says whether it is there, and the
values themselves; of texts the bytes, and where each ends (https://arrow.apache.org/docs/format/Columnar.html).
"""

from __future__ import annotations

import json
from array import array
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from soundatlas.files import replacing_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

INT64, FLOAT64 = "q", "d"  # what `array.array` calls them


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path, schema: Mapping[str, str]) -> None:
    """Write rows as `write_table` writes the table that `conform` makes of them: the same bytes, without pandas.

    Args:
        rows: column -> value; what the schema does not name is left out.
        path: of the table.
        schema: column -> dtype: str, float64, int64 or bool.
    """
    write_parts([arrow_rows(rows, schema)], path, schema)


def arrow_rows(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, str]) -> pa.Table:
    """Return rows as a part of a table: a tenth of the memory that they take as mappings."""
    import pyarrow as pa

    columns = [arrow_column([row.get(name) for row in rows], dtype) for name, dtype in schema.items()]
    return pa.Table.from_arrays(columns, names=list(schema))


def write_parts(parts: list[pa.Table], path: Path, schema: Mapping[str, str]) -> None:
    """Write what `arrow_rows` returned, one part after the other, as `write_rows` writes all of their rows.

    Args:
        parts: taken out of the list, so that their memory serves the writing.
        path: of the table.
        schema: column -> dtype.
    """
    import pyarrow as pa
    import pyarrow.parquet

    whole = pa.concat_tables(parts or [arrow_rows([], schema)]).combine_chunks()
    parts.clear()
    with replacing_file(path) as beside:
        noted = whole.replace_schema_metadata({"pandas": _pandas_note(schema)})
        pyarrow.parquet.write_table(noted, beside, compression="zstd")


def _pandas_note(schema: Mapping[str, str]) -> str:
    """Return what pandas writes into a Parquet file about a table without an index."""
    pandas, pyarrow = library_versions()
    columns = [
        {
            "name": name,
            "field_name": name,
            "pandas_type": "object" if dtype == "str" else dtype,
            "numpy_type": dtype,
            "metadata": None,
        }
        for name, dtype in schema.items()
    ]
    note = {
        "index_columns": [],
        "column_indexes": [],
        "columns": columns,
        "attributes": {},
        "creator": {"library": "pyarrow", "version": pyarrow},
        "pandas_version": pandas,
    }
    return json.dumps(note)


@lru_cache(maxsize=1)
def library_versions() -> tuple[str, str]:
    """Return the versions of pandas and pyarrow. Finding them takes longer than writing a table does: ask in time."""
    from importlib.metadata import version

    return version("pandas"), version("pyarrow")


def arrow_column(values: Sequence[Any], dtype: str) -> pa.Array:
    """Return a column; None and NaN are missing values.

    Args:
        values: of the kind that `dtype` says.
        dtype: str, float64, int64 or bool.

    Raises:
        TypeError: when a value is of another kind, or a number or truth value is missing that must be there.
    """
    import pyarrow as pa

    there = [value is not None and value == value for value in values]  # noqa: PLR0124 - NaN is not
    missing = len(there) - sum(there)
    if missing and dtype in {"int64", "bool"}:
        raise TypeError(f"{missing} values of a column of {dtype} are missing")
    if dtype == "str":
        texts = [value.encode() if is_there else b"" for value, is_there in zip(values, there, strict=True)]
        ends = array(INT64, accumulate(map(len, texts), initial=0))
        kind, content = pa.large_string(), [pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    elif dtype == "bool":
        kind, content = pa.bool_(), [pa.py_buffer(_bits(values))]
    else:
        code = INT64 if dtype == "int64" else FLOAT64
        filled = array(code, [value if is_there else 0 for value, is_there in zip(values, there, strict=True)])
        kind, content = (pa.int64() if dtype == "int64" else pa.float64()), [pa.py_buffer(filled)]
    validity = pa.py_buffer(_bits(there)) if missing else None
    return pa.Array.from_buffers(kind, len(there), [validity, *content], missing)


def _bits(values: Sequence[bool]) -> bytes:
    """Pack truth values as Arrow does: eight in a byte, the first in its lowest bit."""
    digits = "".join("1" if value else "0" for value in reversed(values))
    return int(digits or "0", 2).to_bytes((len(values) + 7) // 8, "little")
