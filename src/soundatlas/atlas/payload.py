"""What the page is told: first all that it draws and finds, then, track by track, what it shows after a click."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from soundatlas.atlas.chart import CATALOGUE, path_to_share
from soundatlas.atlas.script_text import Dictionary, packed, packed_categories, packed_floats
from soundatlas.errors import SoundatlasError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd

    from soundatlas.atlas.chart import Chart, Place, Prediction

CATEGORIES = ("artist", "album", "work", "genre", "decade", "source", "licence", "ml_use", "side")
LABEL_FIELDS = ("label", "value", "provenance", "licence", "ml_use")
POINTS_PER_CHUNK = 100  # one script of details: some 60 kB, and fewer than 1,000 files for 100,000 tracks
DIGITS = 4
MOST_NAMES, OTHER = 12, "other"  # of a label of this catalogue alone


def map_payload(chart: Chart) -> dict[str, Any]:
    """Return what the first picture, the search and the places need, in columns.

    The catalogue's points come first, as in the chart; `catalogueCount` says how many those are. Columns that only this
    catalogue has come as pairs of name and column: in a script's object, one named `__proto__` would be no entry.
    """
    points = chart.points
    return {
        "count": len(points),
        "catalogueCount": int((points["layer"] == CATALOGUE).sum()),
        "primaryHead": chart.primary_head,
        "ids": points["point_id"].tolist(),
        "titles": _titles(points),
        "x": packed_floats(points["x"]),
        "y": packed_floats(points["y"]),
        "categories": [
            *((name, packed_categories(_texts(points[name]))) for name in CATEGORIES),
            *((name, packed_categories(_most_frequent(_texts(chart.labels[name])))) for name in chart.labels),
        ],
        "labels": list(chart.labels),
        "guesses": packed_categories(_guesses(chart)),
        "numbers": [(name, packed_floats(points[name])) for name in ("confidence", "year", *chart.attributes)],
        "attributes": list(chart.attributes),
        "places": [_place(place) for place in chart.places],
        "axes": [_plain(asdict(axis)) for axis in chart.axes],
        "quality": _plain(chart.quality),
        "model": asdict(chart.model),
        "previous": None
        if chart.previous is None
        else {
            "model": asdict(chart.previous.model),
            "x": packed_floats(chart.previous.x),
            "y": packed_floats(chart.previous.y),
        },
        "pointsPerChunk": POINTS_PER_CHUNK,
    }


def detail_chunks(
    chart: Chart, clips: Mapping[str, str], pictures: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield, per `POINTS_PER_CHUNK` points, the number of the chunk and what a click shows of each of them.

    Raises:
        SoundatlasError: when a clip or a picture lies outside of the page's folder.
    """
    labels = list(zip(*(_texts(chart.provenance[name]) for name in LABEL_FIELDS), strict=True))
    rows_of = chart.provenance.groupby("track_id", sort=False).indices
    columns = {name: _texts(chart.points[name]) for name in ("point_id", "audio_sha256", "path")}
    for first in range(0, len(chart.points), POINTS_PER_CHUNK):
        known = Dictionary()
        rows = []
        for number in range(first, min(first + POINTS_PER_CHUNK, len(chart.points))):
            identity = str(columns["point_id"][number])
            rows.append(
                {
                    "sha": columns["audio_sha256"][number],
                    "path": path_to_share(columns["path"][number] or "") or None,
                    "clip": _address(clips.get(identity)),
                    "picture": _address(pictures.get(identity)),
                    "labels": _labels((labels[row] for row in rows_of.get(identity, ())), known),
                    **_prediction(chart.predictions[number], known),
                    "near": _near(chart, number, known),
                }
            )
        yield first // POINTS_PER_CHUNK, {"strings": known.values, "points": rows}


def _labels(rows: Iterable[tuple[str | None, ...]], known: Dictionary) -> list[list[int]]:
    """Return the `LABEL_FIELDS` of each label as codes; a missing one is -1."""
    return [[-1 if text is None else known.code(text) for text in row] for row in rows]


def _prediction(prediction: Prediction, known: Dictionary) -> dict[str, Any]:
    return {
        "heads": [
            [known.code(head), [[known.code(name), round(float(p), DIGITS)] for name, p in best]]
            for head, best in prediction.heads.items()
        ],
        "heard": [[known.code(name), _short(value)] for name, value in prediction.attributes.items()],
    }


def _near(chart: Chart, number: int, known: Dictionary) -> list[list[float]]:
    """Return position, similarity and (coded) reason of each neighbour."""
    neighbours = chart.neighbours
    return [
        [int(index), round(float(similarity), DIGITS), known.code(reason)]
        for index, similarity, reason in zip(
            neighbours.indices[number], neighbours.similarities[number], neighbours.reasons[number], strict=False
        )
        if index >= 0
    ]


def _place(place: Place) -> dict[str, Any]:
    return {
        "kind": place.kind,
        "name": place.name,
        "x": round(float(place.x), DIGITS),
        "y": round(float(place.y), DIGITS),
        "members": packed(np.asarray(place.members, dtype=np.uint32)),
        "near": [
            [int(index), round(float(similarity), DIGITS), reason]
            for index, similarity, reason in zip(place.indices, place.similarities, place.reasons, strict=True)
            if index >= 0
        ],
    }


def _guesses(chart: Chart) -> list[str | None]:
    """Return the most likely class of the primary head where no label says one."""
    head = chart.primary_head
    table = chart.points if head in chart.points else chart.labels
    known = _texts(table[head]) if head in table else [None] * len(chart.points)
    best = (prediction.heads.get(head) for prediction in chart.predictions)
    return [classes[0][0] if classes and label is None else None for label, classes in zip(known, best, strict=True)]


def _titles(points: pd.DataFrame) -> list[str]:
    """Return what to call each point: its title, else its file's name, else its id."""
    called = zip(_texts(points["title"]), _texts(points["path"]), points["point_id"], strict=True)
    return [title or PurePosixPath(path or "").name or str(identity) for title, path, identity in called]


def _texts(column: pd.Series[Any]) -> list[str | None]:
    return [None if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)]


def _most_frequent(names: list[str | None]) -> list[str | None]:
    """Return names, all but the most frequent as `OTHER`: no more than a legend has room for."""
    kept = {name for name, _ in Counter(name for name in names if name is not None).most_common(MOST_NAMES)}
    return [name if name is None or name in kept else OTHER for name in names]


def _address(path: str | None) -> str | None:
    """Return a path below the page's folder as a relative address."""
    if path is None:
        return None
    parts = PurePosixPath(path).parts
    if PurePosixPath(path).is_absolute() or not parts or ".." in parts or "\\" in path:
        raise SoundatlasError(f"{path!r} is not below the map's folder")
    return quote(path)


def _short(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    """Return a JSON-like value with short numbers; one that is not finite is None."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (float, np.floating)):
        return _short(float(value))
    return int(value) if isinstance(value, np.integer) else value
