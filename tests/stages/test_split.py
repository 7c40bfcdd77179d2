"""Stage `split`: the table that it leaves."""

from __future__ import annotations

import pandas as pd
import tiny_project

from soundatlas.stages import split
from soundatlas.tables import SIDES, SPLIT


def test_every_track_gets_a_side_and_always_the_same(project, tiny_params, capsys):
    """Twelve tracks of twelve works are divided; the line counts them, and a second run gives the same bytes."""
    tracks = tiny_project.write_catalogue(project, audio=False)
    split.run(project, tiny_params)
    path = project / "data/split/split.parquet"
    first, table = path.read_bytes(), pd.read_parquet(path)
    assert list(table.columns) == [*SPLIT]
    assert set(table["track_id"]) == set(tracks["track_id"])
    assert set(table["side"]) <= set(SIDES)
    counts = table["side"].value_counts()
    told = ", ".join(f"{counts.get(side, 0)} {side}" for side in SIDES)
    assert capsys.readouterr().out == f"split: {told} tracks; 12 groups by work\n"
    split.run(project, tiny_params)
    assert path.read_bytes() == first
