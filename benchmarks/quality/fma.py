"""The Free Music Archive data set (Defferrard et al., arXiv 1612.01840) as its authors unpack it.

<folder>/fma_metadata/tracks.csv       two header rows and one with the index's name
<folder>/fma_small/000/000002.mp3      or fma_medium, which holds the small one's tracks too
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from benchmarks.quality.data import Collection
from benchmarks.quality.folder import decade_of
from soundatlas.errors import UsageError
from soundatlas.files import sha256_file
from soundatlas.progress import progress
from soundatlas.tables import FAILURES, SPLIT, TRACKS, conform

if TYPE_CHECKING:
    from pathlib import Path

SUBSETS = {"small": ("small",), "medium": ("small", "medium")}
SIDES = {"training": "train", "validation": "validation", "test": "test"}
COLUMNS = {
    "artist": ("artist", "name"),
    "album": ("album", "title"),
    "date": ("album", "date_released"),
    "title": ("track", "title"),
    "genre": ("track", "genre_top"),
    "licence": ("track", "license"),
    "side": ("set", "split"),
    "subset": ("set", "subset"),
}


def load_fma(folder: Path, subset: str) -> Collection:
    """Read a subset with its official split, in which no artist is on two sides. A missing file is a failure.

    Args:
        folder: holds `fma_metadata` and `fma_<subset>`.
        subset: one of `SUBSETS`.

    Raises:
        UsageError: when the metadata or the audio folder is not there.
    """
    if subset not in SUBSETS:
        raise UsageError(f"--subset is {subset!r}: one of {', '.join(SUBSETS)}")
    rows = _read_metadata(folder / "fma_metadata" / "tracks.csv")
    audio = folder / f"fma_{subset}"
    if not audio.is_dir():
        raise UsageError(f"{audio} is missing: unpack fma_{subset}.zip there")
    rows = rows[rows["subset"].isin(SUBSETS[subset]) & rows["side"].isin([*SIDES])]
    tracks, failures = [], []
    with progress("reading FMA", len(rows)) as advance:
        for number, row in zip(rows.index.astype(int), rows.to_dict("records"), strict=True):
            name = f"fma_{subset}/{number // 1000:03d}/{number:06d}.mp3"
            advance()
            if not (folder / name).is_file() or (folder / name).stat().st_size == 0:
                failures.append({"path": name, "stage": "catalog", "reason": "unreadable", "message": "no such file"})
                continue
            about = {"track_id": f"fma:{number}", "source": "fma", "source_id": str(number), "path": name}
            tracks.append(about | {"audio_sha256": sha256_file(folder / name), "ml_use": "allowed"} | row)
    if not tracks:
        raise UsageError(f"none of the {len(rows)} tracks of the subset {subset} lies in {audio}")
    table = pd.DataFrame(tracks)
    sides = table.assign(group="artist:" + table["artist"].fillna(table["track_id"]), side=table["side"].map(SIDES))
    return Collection(
        f"fma {subset}",
        folder,
        conform(table, TRACKS),
        conform(pd.DataFrame(failures), FAILURES),
        conform(sides, SPLIT),
        "official",
    )


def _read_metadata(path: Path) -> pd.DataFrame:
    """Return one row per track id with the columns of `COLUMNS`, `year` and `decade`."""
    try:
        whole = pd.read_csv(path, index_col=0, header=[0, 1], low_memory=False)
    except FileNotFoundError:
        raise UsageError(f"{path} is missing: unpack fma_metadata.zip beside the audio") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if lacking := [column for column in COLUMNS.values() if column not in whole.columns]:
        raise UsageError(f"{path} lacks the column {lacking[0]}: it is the `tracks.csv` of fma_metadata.zip")
    rows = pd.DataFrame({name: whole[column] for name, column in COLUMNS.items()})
    year = pd.to_datetime(rows["date"], errors="coerce").dt.year
    rows["year"] = year.astype("float64")
    rows["decade"] = year.map(decade_of, na_action="ignore")
    return rows.drop(columns="date")
