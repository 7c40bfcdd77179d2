"""Columns for Arrow, made of Python's own values. pyarrow's converter imports pandas to find that a list is a list.

The layout is Arrow's: a bit per value that says whether it is there, and the values themselves; of texts the bytes, and
where each begins and ends (https://arrow.apache.org/docs/format/Columnar.html).
"""

from __future__ import annotations

from array import array
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

INT64, FLOAT64 = "q", "d"  # what `array.array` calls them


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
