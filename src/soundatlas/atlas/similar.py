"""The neighbours of a map as one table, for those who ask without a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.atlas.chart import CATALOGUE, path_to_share
from soundatlas.tables import conform, track_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundatlas.atlas.chart import Chart

SIMILAR_NAME = "similar.parquet"

# One row per track, file, artist and genre of the map.
SIMILAR = {
    "kind": "str",  # one of KINDS
    "id": "str",  # track_id, or the audio's hash; of artists and genres, the name
    "name": "str",  # as a person would call it
    "title": "str",
    "artist": "str",
    "genre": "str",
    "neighbours": "object",  # rows of this table, of the same kind of thing, the nearest first
    "similarities": "object",  # cosine to each
    "reasons": "object",  # a line for each; may be empty
}
TRACK, FILE, ARTIST, GENRE = KINDS = ("track", "file", "artist", "genre")


def similar_table(chart: Chart) -> pd.DataFrame:
    """Return the points of a chart and then its places, each with its neighbours."""
    points, found = chart.points, chart.neighbours
    rows = [
        {
            "kind": TRACK if point["layer"] == CATALOGUE else FILE,
            "id": point["point_id"],
            "name": track_title({**point, "path": path_to_share(str(point["path"]))}),
            "title": point["title"],
            "artist": point["artist"],
            "genre": point["genre"],
            **_near(found.indices[row].tolist(), found.similarities[row].tolist(), found.reasons[row]),
        }
        for row, point in enumerate(points.to_dict("records"))
    ]
    rows += [
        {
            "kind": place.kind,
            "id": place.name,
            "name": place.name,
            place.kind: place.name,
            **_near(
                [len(points) + other for other in place.indices.tolist()], place.similarities.tolist(), place.reasons
            ),
        }
        for place in chart.places
    ]
    return conform(pd.DataFrame(rows), SIMILAR)


def _near(indices: list[int], similarities: list[float], reasons: Sequence[str]) -> dict[str, object]:
    """Return the neighbours that there are."""
    there = [rank for rank, index in enumerate(indices) if index >= 0]
    columns = {"neighbours": indices, "similarities": similarities, "reasons": reasons}
    return {name: [column[rank] for rank in there] for name, column in columns.items()}  # type: ignore[index]  # lists
