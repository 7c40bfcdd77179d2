"""Stage `split`: who learns, who judges, with nothing leaking?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.files import replacing_folder
from soundatlas.learning.duplicates import find_near_duplicates
from soundatlas.learning.split import assign_sides
from soundatlas.progress import progress
from soundatlas.stages._run import run_stage
from soundatlas.stages._store import open_store
from soundatlas.tables import DUPLICATES, SIDES, TRACKS, empty, read_table, write_table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from soundatlas.params import Params


def run(root: Path, params: Params) -> None:
    """Write each catalogue track's group and side, and the pairs of near-duplicates, to `data/split/`."""
    tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
    duplicates = _find_near_duplicates(root, params, tracks)
    split = assign_sides(tracks, params.split, duplicates)
    with replacing_folder(root / "data/split") as folder:
        write_table(split, folder / "split.parquet")
        write_table(duplicates, folder / "duplicates.parquet")
    counts = split["side"].value_counts()
    told = ", ".join(f"{counts.get(side, 0)} {side}" for side in SIDES)
    print(f"split: {told} tracks; {split['group'].nunique()} groups by {params.split.group}")  # noqa: T201


def _find_near_duplicates(root: Path, params: Params, tracks: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs of tracks that hold the same recording; none where that is not asked for."""
    if not params.split.near_duplicates:
        return empty(DUPLICATES)
    store = open_store(root, params)
    with progress("comparing recordings", len(store.manifest)) as advance:
        pairs = find_near_duplicates(
            tracks,
            store,
            FrontEnd.of(params.spectrograms),
            max_bit_error_rate=params.split.max_bit_error_rate,
            advance=advance,
        )
    print(f"split: {len(pairs)} pairs of near-duplicates united")  # noqa: T201
    return pairs


if __name__ == "__main__":
    run_stage(run)
