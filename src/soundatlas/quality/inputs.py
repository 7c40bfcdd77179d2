"""The tables that are checked, as one bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soundatlas.tables import DUPLICATES, FAILURES, LABELS, MANIFEST, SPLIT, TRACKS, read_table

if TYPE_CHECKING:
    import pandas as pd

    from soundatlas.tables import Schema

FILES: dict[str, tuple[Path, Schema]] = {
    "tracks": (Path("data/catalog/tracks.parquet"), TRACKS),
    "labels": (Path("data/catalog/labels.parquet"), LABELS),
    "catalog_failures": (Path("data/catalog/failures.parquet"), FAILURES),
    "manifest": (Path("data/spectrograms/manifest.parquet"), MANIFEST),
    "spectrogram_failures": (Path("data/spectrograms/failures.parquet"), FAILURES),
    "split": (Path("data/split/split.parquet"), SPLIT),
    "duplicates": (Path("data/split/duplicates.parquet"), DUPLICATES),
}


@dataclass(frozen=True)
class Tables:
    """Everything that stage `validate` reads; the schemas are those of `soundatlas.tables`."""

    tracks: pd.DataFrame
    labels: pd.DataFrame
    catalog_failures: pd.DataFrame
    manifest: pd.DataFrame
    spectrogram_failures: pd.DataFrame
    split: pd.DataFrame
    duplicates: pd.DataFrame


def read_tables(root: Path) -> Tables:
    """Read the tables of the project at `root`.

    Raises:
        SoundatlasError: when one is missing or lacks a column.
    """
    return Tables(**{name: read_table(root / path, schema) for name, (path, schema) in FILES.items()})
