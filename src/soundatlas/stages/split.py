"""Stage `split`: who learns, who judges, with nothing leaking?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.learning.split import assign_sides
from soundatlas.stages._run import run_stage
from soundatlas.tables import SIDES, TRACKS, read_table, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params


def run(root: Path, params: Params) -> None:
    """Write each catalogue track's group and side to `data/split/`."""
    tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
    split = assign_sides(tracks, params.split)
    write_table(split, root / "data/split/split.parquet")
    counts = split["side"].value_counts()
    told = ", ".join(f"{counts.get(side, 0)} {side}" for side in SIDES)
    print(f"split: {told} tracks; {split['group'].nunique()} groups by {params.split.group}")  # noqa: T201


if __name__ == "__main__":
    run_stage(run)
