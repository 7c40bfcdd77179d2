"""JSON as a classic script: names from tags and APIs stay text, whatever they hold."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from numpy.typing import NDArray

DATA = "soundatlasData"  # the object of the page that all data scripts add to
# What could end a script element or begin a comment in one. All else that could harm is not ASCII, and so escaped.
UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def as_script(name: str, value: Any) -> str:
    """Return a script, in ASCII, that puts a JSON-like value where the page looks for it.

    Args:
        name: under which the page finds it.
        value: strings, finite numbers, booleans, None, and lists and dicts of these.

    Raises:
        ValueError: when a number is not finite.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, escape in UNSAFE.items():
        text = text.replace(character, escape)
    return f"{DATA}[{json.dumps(name)}]={text};\n"


def packed(values: NDArray[Any]) -> str:
    """Return the bytes of an array in base64, little-endian whatever the machine; the page knows the type."""
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(np.ascontiguousarray(little).tobytes()).decode("ascii")


def packed_floats(values: Iterable[float]) -> str:
    """Return numbers as packed float32; missing ones are NaN."""
    return packed(np.asarray(values, dtype=np.float32))


class Dictionary:
    """Values that occur often, each kept once: what is written is where it stands."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[Hashable, int] = {}

    def code(self, value: Hashable) -> int:
        """Return the place of a value, which is added when it is new."""
        place = self._places.setdefault(value, len(self.values))
        if place == len(self.values):
            self.values.append(value)
        return place


def packed_categories(values: Sequence[str | None]) -> dict[str, Any]:
    """Return a column of names as `{"values": [...], "codes": packed uint32}`; a code of `len(values)` is missing."""
    known = Dictionary()
    codes = [None if value is None else known.code(value) for value in values]
    missing = len(known.values)
    return {
        "values": known.values,
        "codes": packed(np.array([missing if code is None else code for code in codes], dtype=np.uint32)),
    }
