"""Maps of music that was never made: any number of points, with or without names that mean harm."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from soundatlas.atlas.chart import (
    CATALOGUE,
    INBOX,
    POINT_COLUMNS,
    Axis,
    Chart,
    EarlierMap,
    MapModel,
    Neighbours,
    Place,
    Prediction,
)
from soundatlas.tables import LABELS, conform

GENRES = ("air", "chorale", "jig", "madrigal", "reel", "strathspey", "string quartet", "waltz")
ENSEMBLES = ("fiddle", "harp", None)
SIDES = ("train", "train", "train", "validation", "test")
HOSTILE = (
    "<script>window.harmed = true</script>",
    '<img src=x onerror="window.harmed = true">',
    "\"'`</title></script><!--",
    "\u202eright to left\u202c",
    "x" * 10_000,
    "\U0001f3bb\U0001f468\u200d\U0001f3a4 emoji",
    "javascript:window.harmed=true",
    "line one\nline two\u2028line three\x00",
    "__proto__",
    "../../etc/passwd",
    "",
)
NAMED = ("Antonín Dvořák", "Frédéric Chopin", "Jean-Philippe Rameau", "Björk", "Øystein Sunde", "Łukasz Żal")


def make_chart(
    count: int, *, inbox: int = 0, hostile: bool = False, previous: bool = True, neighbours: int = 10, seed: int = 1
) -> Chart:
    """Make a map of `count` tracks and `inbox` files in eight clouds, one per genre.

    Args:
        count: tracks of the catalogue.
        inbox: files of the inbox; every fifth was not predicted.
        hostile: give titles, artists and genres that break a careless page.
        previous: add a map before, where every tenth point is missing.
        neighbours: per point.
        seed: of everything.
    """
    generator = np.random.default_rng(seed)
    total = count + inbox
    genre = generator.integers(len(GENRES), size=total)
    angle = 2 * np.pi * genre / len(GENRES)
    places = 0.6 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + generator.normal(0, 0.1, (total, 2))
    points = _points(places.clip(-1, 1).astype(np.float32), genre, count, generator, hostile=hostile)
    found = _neighbours(places, neighbours)
    return Chart(
        points=points,
        attributes=("tempo_bpm", "acousticness"),
        labels=pd.DataFrame(
            {"ensemble": [ENSEMBLES[number % 3] if number < count else None for number in range(total)]}
        ),
        primary_head="genre",
        provenance=_provenance(points),
        predictions=_predictions(points, generator),
        neighbours=found,
        places=[*_places(points, "artist"), *_places(points, "genre", len(points["artist"].dropna().unique()))],
        axes=(
            Axis("horizontal", "dense, atmospheric", "spiky, bouncy", {"onset_rate": 0.61}, 0.41, 0.30, 0.52),
            Axis("vertical", "organic", "mechanical, electric", {"spectral_flatness": 0.2}, 0.06, 0.01, 0.15),
        ),
        quality={
            "trustworthiness": 0.91,
            "neighbour_preservation": 0.48,
            "label_agreement": {"genre": {"layout": 0.58, "embedding": 0.62, "chance": 0.14}},
            "about": {"points": count, "neighbours": 10},
        },
        model=MapModel("soundatlas", "2", "b" * 64),
        previous=_earlier(places, generator) if previous else None,
    )


def _points(places, genre, count: int, generator, *, hostile: bool) -> pd.DataFrame:
    rows = []
    for number, (x, y) in enumerate(places):
        known = number < count
        artist = f"Artist {number % 40:02d}" if number % 7 else NAMED[number % len(NAMED)]
        title, album = f"Piece {number}", f"Album {number % 90}"
        name = GENRES[genre[number]]
        if hostile and number % 2 == 0:
            title, artist = HOSTILE[number // 2 % len(HOSTILE)], HOSTILE[number // 4 % len(HOSTILE)]
            name = HOSTILE[number // 6 % len(HOSTILE)]
        sha = hashlib.sha256(f"point {number}".encode()).hexdigest()
        year = float(generator.integers(1400, 2020))
        rows.append(
            {
                "point_id": f"t:{number:06d}" if known else sha,
                "layer": CATALOGUE if known else INBOX,
                "x": x,
                "y": y,
                "artist": (artist or None) if known else None,
                "title": (title or None) if known else None,
                "album": album if known else None,
                "work": f"Work {number // 2}" if known else None,
                "genre": (name or None) if known else None,
                "year": year if known and number % 3 else None,
                "decade": f"{int(year) // 10 * 10}s" if known and number % 3 else None,
                "source": "synthetic" if known else None,
                "licence": "CC0-1.0" if known else None,
                "ml_use": "allowed" if known else None,
                "audio_sha256": sha,
                "path": f"data/audio/{number}.ogg" if known else f"data/inbox/{title}.mp3",
                "side": SIDES[number % len(SIDES)] if known else None,
                "confidence": generator.uniform(0.2, 1) if known or number % 5 else None,
                "tempo_bpm": generator.uniform(60, 180) if known else None,
                "acousticness": generator.uniform(0, 1) if known and number % 4 else None,
            }
        )
    table = pd.DataFrame(rows, columns=[*POINT_COLUMNS, "tempo_bpm", "acousticness"])
    return table.astype({"x": "float32", "y": "float32", "year": "float64", "confidence": "float64"})


def _provenance(points: pd.DataFrame) -> pd.DataFrame:
    known = points[points["layer"] == CATALOGUE]
    rows = [
        {"track_id": row.point_id, "label": label, "value": value, "provenance": provenance, "licence": row.licence}
        | {"ml_use": "allowed"}
        for row in known.itertuples()
        for label, value, provenance in (("genre", row.genre, "score"), ("artist", row.artist, "tag"))
        if value is not None
    ]
    return conform(pd.DataFrame(rows), LABELS)


def _predictions(points: pd.DataFrame, generator) -> list[Prediction]:
    said = []
    for confidence in points["confidence"]:
        if pd.isna(confidence):
            said.append(Prediction({}, {}))
            continue
        names = generator.choice(GENRES, 3, replace=False).tolist()
        rest = (1 - confidence) / 2
        said.append(
            Prediction(
                {"genre": tuple(zip(names, (confidence, rest, rest / 2), strict=True))},
                {"tempo_bpm": float(generator.uniform(60, 180))},
            )
        )
    return said


def _neighbours(places, most: int) -> Neighbours:
    from sklearn.neighbors import NearestNeighbors

    most = min(most, len(places) - 1)
    distances, indices = NearestNeighbors(n_neighbors=most + 1).fit(places).kneighbors(places)
    similarities = (1 - distances[:, 1:]).clip(-1, 1).astype(np.float32)
    reasons = [["shares: jig 0.62, tempo"] * most for _ in places]
    return Neighbours(indices[:, 1:].astype(np.int32), similarities, reasons)


def _places(points: pd.DataFrame, kind: str, first: int = 0) -> list[Place]:
    """Return the places of a kind; `first` is where they will begin among all places."""
    groups = points.groupby(kind, sort=True).indices
    middles = np.array([points[["x", "y"]].to_numpy()[members].mean(axis=0) for members in groups.values()])
    most = min(5, len(groups) - 1)
    found = _neighbours(middles, most)
    return [
        Place(
            kind,  # type: ignore[arg-type]
            name,
            float(middle[0]),
            float(middle[1]),
            len(members),
            np.asarray(members, np.int32),
            (indices + first).astype(np.int32),
            similarities,
            list(reasons),
        )
        for (name, members), middle, indices, similarities, reasons in zip(
            groups.items(), middles, found.indices, found.similarities, found.reasons, strict=True
        )
    ]


def _earlier(places, generator) -> EarlierMap:
    moved = (places + generator.normal(0, 0.08, places.shape)).astype(np.float32)
    moved[::10] = np.nan
    return EarlierMap(MapModel("soundatlas", "1", "a" * 64), moved[:, 0], moved[:, 1])
