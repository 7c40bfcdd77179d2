"""A small clean catalogue with its spectrograms and split, to break one thing at a time."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pytest

from soundatlas.params import Params, load_params
from soundatlas.quality.inputs import FILES, Tables
from soundatlas.tables import DUPLICATES, FAILURES, LABELS, MANIFEST, SIDES, SPLIT, TRACKS, conform, empty, write_table

PROJECT = Path(__file__).parents[2]
CLASSES = ("genre", "artist", "decade")
ATTRIBUTES = ("tempo_bpm", "acousticness")
PER_ARTIST = 40


def _tracks() -> pd.DataFrame:
    rows = [
        {
            "track_id": f"demo:{artist}-{number:02d}",
            "source": "demo",
            "source_id": f"{artist}-{number:02d}",
            "path": f"data/catalog/audio/{artist}-{number:02d}.wav",
            "audio_sha256": f"{number + 1000 * (artist == 'haydn'):064x}",
            "duration_seconds": 15.0,
            "licence": "CC0-1.0",
            "ml_use": "allowed",
            "artist": artist,
            "work": f"{artist} {number // 2}",
            "title": f"Piece {number}",
            "genre": "chorale" if artist == "bach" else "quartet",
            "year": 1725.0 if artist == "bach" else 1785.0,
            "decade": "1720s" if artist == "bach" else "1780s",
            "isrc": f"DEA{number:04d}" if artist == "bach" else None,
            "tempo_bpm": 100.0,
            "acousticness": 1.0,
        }
        for artist in ("bach", "haydn")
        for number in range(PER_ARTIST)
    ]
    return conform(pd.DataFrame(rows), TRACKS)


def _labels(tracks: pd.DataFrame) -> pd.DataFrame:
    cells = tracks.melt(id_vars="track_id", value_vars=[*CLASSES, *ATTRIBUTES], var_name="label")
    cells["value"] = cells["value"].map(str)
    return conform(cells.assign(provenance="score", licence="CC0-1.0", ml_use="allowed"), LABELS)


def _manifest(tracks: pd.DataFrame) -> pd.DataFrame:
    measured = {"shard": "00", "frames": 469, "source_sample_rate": 22050, "channels": 1, "finite": True}
    levels = {"min_db": -100.0, "mean_db": -40.0, "max_db": 20.0}
    return conform(tracks[["audio_sha256", "duration_seconds"]].assign(**measured, **levels), MANIFEST)


def _split(tracks: pd.DataFrame) -> pd.DataFrame:
    side_of_tenth = [SIDES[0]] * 6 + [SIDES[1]] * 2 + [SIDES[2]] * 2
    sides = [side_of_tenth[int(work.split()[1]) % 10] for work in tracks["work"]]
    return conform(tracks[["track_id", "audio_sha256"]].assign(group=tracks["work"], side=sides), SPLIT)


@pytest.fixture
def clean() -> Tables:
    """80 tracks of two artists, in groups of two; of every 20 rows 12 learn, 4 validate and 4 test."""
    tracks = _tracks()
    return Tables(
        tracks=tracks,
        labels=_labels(tracks),
        catalog_failures=empty(FAILURES),
        manifest=_manifest(tracks),
        spectrogram_failures=empty(FAILURES),
        split=_split(tracks),
        duplicates=empty(DUPLICATES),
    )


@pytest.fixture
def params() -> Params:
    """The project's parameters, with the thresholds and labels that these tests are about spelled out."""
    project = load_params(PROJECT / "params.yaml")
    limits = project.validate_.model_copy(
        update={
            "min_label_coverage": 0.5,
            "min_tracks_per_class": 5,
            "min_seconds": 1.0,
            "silence_db": -60.0,
            "min_year": 1000,
            "max_year": 2030,
        }
    )
    labels = {"classes": list(CLASSES), "attributes": list(ATTRIBUTES)}
    permission = {"i_have_permission_to_train_on_restricted_content": False}
    train = project.train.model_copy(update={**labels, **permission})
    split = project.split.model_copy(update={"validation": 0.3, "test": 0.3})  # a class of 20 groups is common
    return project.model_copy(update={"validate_": limits, "train": train, "split": split})


@pytest.fixture
def change():
    """Return a function that changes cells of one table: `change(tables, "tracks", 3, year=3000.0)`."""

    def apply(tables: Tables, table: str, rows, **cells) -> Tables:
        frame = getattr(tables, table).copy()
        for column, value in cells.items():
            frame.loc[list(rows) if isinstance(rows, range) else rows, column] = value
        return replace(tables, **{table: frame})

    return apply


@pytest.fixture
def write_project():
    """Return a function that writes tables where a project has them."""

    def write(tables: Tables, root: Path) -> None:
        for field in fields(tables):
            write_table(getattr(tables, field.name), root / FILES[field.name][0])

    return write
