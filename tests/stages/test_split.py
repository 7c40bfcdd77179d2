"""Stage `split`: the table that it leaves."""

from __future__ import annotations

import pandas as pd
import soundfile
import tiny_project
from melodies import play

from soundatlas.files import sha256_file
from soundatlas.stages import spectrograms, split
from soundatlas.tables import DUPLICATES, SIDES, SPLIT


def test_every_track_gets_a_side_and_always_the_same(catalogued, tiny_params, capsys):
    """Twelve tracks of twelve works are divided; the line counts them, and a second run gives the same bytes."""
    tracks = pd.read_parquet(catalogued / "data/catalog/tracks.parquet")
    split.run(catalogued, tiny_params)
    path = catalogued / "data/split/split.parquet"
    first, table = path.read_bytes(), pd.read_parquet(path)
    assert list(table.columns) == [*SPLIT]
    assert set(table["track_id"]) == set(tracks["track_id"])
    assert set(table["side"]) <= set(SIDES)
    counts = table["side"].value_counts()
    told = ", ".join(f"{counts.get(side, 0)} {side}" for side in SIDES)
    assert capsys.readouterr().out == (
        f"split: 0 pairs of near-duplicates united\nsplit: {told} tracks; 12 groups by work\n"
    )
    assert list(pd.read_parquet(catalogued / "data/split/duplicates.parquet").columns) == [*DUPLICATES]
    split.run(catalogued, tiny_params)
    assert path.read_bytes() == first


def test_copy_under_another_name_joins_its_original(project, tiny_params, capsys):
    """A re-encoded recording of another title is one group with the original, unless that is switched off."""
    tracks = tiny_project.write_catalogue(project)
    tune = play(1, 8.0, 8_000)
    soundfile.write(project / "data/audio/00.wav", tune, 8_000)
    soundfile.write(project / "data/audio/05.wav", tune * 0.3, 8_000, format="OGG")
    (project / "data/audio/07.wav").write_bytes(b"no music")
    tracks["audio_sha256"] = [sha256_file(project / path) for path in tracks["path"]]
    tracks.to_parquet(project / "data/catalog/tracks.parquet", index=False)
    lenient = tiny_params.spectrograms.model_copy(update={"max_failure_rate": 1.0})
    spectrograms.run(project, tiny_params.model_copy(update={"spectrograms": lenient}))
    split.run(project, tiny_params)
    assert "split: 1 pairs of near-duplicates united\n" in capsys.readouterr().out
    pair = pd.read_parquet(project / "data/split/duplicates.parquet").iloc[0]
    assert (pair["track_id"], pair["other_track_id"]) == ("demo:00", "demo:05")
    groups = pd.read_parquet(project / "data/split/split.parquet").set_index("track_id")["group"]
    assert groups["demo:00"] == groups["demo:05"]
    assert groups.nunique() == 11
    apart = tiny_params.split.model_copy(update={"near_duplicates": False})
    split.run(project, tiny_params.model_copy(update={"split": apart}))
    assert pd.read_parquet(project / "data/split/split.parquet")["group"].nunique() == 12
    assert "near-duplicates" not in capsys.readouterr().out
