"""What a model said of some audio, packed so that it comes back to the bit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

CLASSIFIED = "classified"
EMBEDDING = "embedding"
EMBEDDING_DTYPE = "<f4"  # as the model gives it, little-endian on every machine


@dataclass(frozen=True)
class Answer:
    """What became of some audio, in the form in which it is stored.

    Attributes:
        status: "classified", or a reason code of `tables.REASONS`.
        message: one sentence, where it was not classified.
        said: the row of the prediction without its embedding, as JSON; Python writes a float so that it reads it back
            to the bit.
        embedding: float32, little-endian.
    """

    status: str
    message: str | None = None
    said: str = "{}"
    embedding: bytes = b""

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Answer:
        """Pack the row of a prediction: labels, confidences, probabilities, values, and the embedding as floats."""
        said = {name: value for name, value in row.items() if name != EMBEDDING}
        embedding = np.asarray(row[EMBEDDING], dtype=EMBEDDING_DTYPE)
        return cls(CLASSIFIED, None, json.dumps(said, ensure_ascii=False, default=_number), embedding.tobytes())

    def row(self) -> dict[str, Any]:
        """Unpack it, with status and message."""
        about: dict[str, Any] = {"status": self.status, "message": self.message}
        if self.status == CLASSIFIED:
            about |= json.loads(self.said)
            about[EMBEDDING] = np.frombuffer(self.embedding, dtype=EMBEDDING_DTYPE).tolist()
        return about

    def vector(self) -> NDArray[np.float32]:
        """Return the embedding, shape (dimensions,); none of them where it was not classified."""
        return np.frombuffer(self.embedding, dtype=EMBEDDING_DTYPE).astype(np.float32)


def _number(value: Any) -> Any:
    """Return NumPy's numbers as Python's, which hold them exactly."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in a prediction")
