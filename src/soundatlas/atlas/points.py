"""The points of the map: tracks of the catalogue and files of the inbox, in one table, with what the model says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from soundatlas.atlas.chart import CATALOGUE, INBOX, POINT_COLUMNS, Prediction
from soundatlas.history.answers import CLASSIFIED, EMBEDDING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from soundatlas.history.answers import Answer

BEST = 3  # classes per head that are shown
FACTS = {"year", "duration_seconds"}  # numeric columns that do not say how a track sounds
NAMES = {"track_id", "source_id", "isrc", "group"}  # text columns that say which track it is, not what it is like
TEXTS = tuple(name for name in POINT_COLUMNS if name not in {"x", "y", "year", "confidence"})


@dataclass(frozen=True, eq=False)
class Points:
    """All points of a map, the catalogue's first; everything in one order.

    Attributes:
        table: `chart.POINT_COLUMNS` without positions, then `attributes`, then `labels`.
        attributes: numeric columns.
        predictions: one per point.
        probabilities: of the primary head, all classes, one per point.
        embeddings: float32, shape (points, dimensions).
        labels: further text columns.
    """

    table: pd.DataFrame
    attributes: tuple[str, ...]
    predictions: Sequence[Prediction]
    probabilities: Sequence[Mapping[str, float]]
    embeddings: NDArray[np.float32]
    labels: tuple[str, ...] = ()

    @property
    def catalogue_count(self) -> int:
        """How many of them are tracks of the catalogue."""
        return int((self.table["layer"] == CATALOGUE).sum())


def gather_points(
    tracks: pd.DataFrame,
    answers: Mapping[str, Answer],
    inbox: pd.DataFrame,
    *,
    heads: Sequence[str],
    attributes: Sequence[str],
) -> Points:
    """Gather all that the model could hear.

    Args:
        tracks: rows of `tables.TRACKS` with `side`, and further columns of numbers and texts.
        answers: audio SHA-256 -> what the model says of a track.
        inbox: rows of `data/predictions/predictions.parquet`, with `known_artist` and `known_title`; of files with
            equal bytes the first is taken.
        heads: of the model, the primary one first.
        attributes: of the model.
    """
    known_shas = [sha for sha, answer in answers.items() if answer.status == CLASSIFIED]
    heard = tracks[tracks["audio_sha256"].isin(known_shas)]
    rows = [answers[sha].row() for sha in heard["audio_sha256"]]
    classified = inbox[inbox["status"] == CLASSIFIED].drop_duplicates("audio_sha256")
    rows += [{str(name): value for name, value in row.items()} for row in classified.to_dict("records")]
    numbers = [str(name) for name in heard if pd.api.types.is_numeric_dtype(heard[name]) and name not in FACTS]
    known = tuple(name for name in numbers if heard[name].notna().any())
    labels = tuple(name for name in _texts(heard) if heard[name].notna().any())
    table = pd.concat(
        [
            heard.assign(point_id=heard["track_id"], layer=CATALOGUE),
            pd.DataFrame(
                {
                    "point_id": classified["audio_sha256"],
                    "layer": INBOX,
                    "audio_sha256": classified["audio_sha256"],
                    "path": classified["path"],
                    "artist": classified["known_artist"],
                    "title": classified["known_title"],
                }
            ),
        ],
        ignore_index=True,
    )
    probabilities = [_probabilities(row, heads[0]) for row in rows]
    table["confidence"] = [max(row.values(), default=np.nan) for row in probabilities]
    table = table.reindex(columns=[*(name for name in POINT_COLUMNS if name not in {"x", "y"}), *known, *labels])
    table = table.astype({**dict.fromkeys((*TEXTS, *labels), "str"), "year": "float64", "confidence": "float64"})
    return Points(
        table,
        known,
        [_prediction(row, heads, attributes) for row in rows],
        probabilities,
        np.array([row[EMBEDDING] for row in rows], np.float32),
        labels,
    )


def _texts(tracks: pd.DataFrame) -> list[str]:
    """Return the text columns that a map does not have anyway and that may be common to several tracks."""
    taken = {*POINT_COLUMNS, *NAMES}
    return [str(name) for name in tracks if pd.api.types.is_string_dtype(tracks[name]) and name not in taken]


def _probabilities(row: Mapping[str, Any], head: str) -> dict[str, float]:
    return {name: float(share) for name, share in row[f"{head}_probabilities"].items() if share is not None}


def _prediction(row: Mapping[str, Any], heads: Sequence[str], attributes: Sequence[str]) -> Prediction:
    best = {}
    for head in heads:
        shares = _probabilities(row, head)
        best[head] = tuple(sorted(shares.items(), key=lambda each: (-each[1], each[0]))[:BEST])
    return Prediction(best, {name: float(row[name]) for name in attributes})
