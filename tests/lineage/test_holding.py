"""Whether a file holds something of a track, whatever kind of file it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tiny_project
from safetensors.numpy import save_file

from soundatlas.files import sha256_file, write_json
from soundatlas.lineage.holding import Traces


@pytest.fixture
def traces(tmp_path) -> Traces:
    """Give the traces of a clip that lies in the folder."""
    tiny_project.write_clip(tmp_path / "clip.wav")
    return Traces(sha256_file(tmp_path / "clip.wav"), ("demo:a b#1",), ("data/audio/ä.wav",))


def test_its_bytes(tmp_path, traces):
    """The audio under any name, and no other audio."""
    tiny_project.write_clip(tmp_path / "other.wav", 1)
    (tmp_path / "clip.wav").rename(tmp_path / "0123abcd")
    assert traces.are_in(tmp_path / "0123abcd")
    assert not traces.are_in(tmp_path / "other.wav")


@pytest.mark.parametrize("column", ["audio_sha256", "track_id", "other_track_id", "path", "name"])
def test_a_row_of_a_table(tmp_path, traces, column):
    """Any column that names tracks; a table without such a row holds nothing."""
    value = {"audio_sha256": traces.audio_sha256, "path": traces.paths[0]}.get(column, traces.track_ids[0])
    table = pd.DataFrame({column: ["x", value], "genre": ["air", "jig"]})
    table.to_parquet(tmp_path / "table")
    assert traces.are_in(tmp_path / "table")
    table.head(1).to_parquet(tmp_path / "table")
    assert not traces.are_in(tmp_path / "table")


def test_a_tensor(tmp_path, traces):
    """A tensor named by the hash, as in a shard, or a hash in the metadata, as in the features."""
    values = np.zeros((2, 3), np.float32)
    save_file({traces.audio_sha256: values}, tmp_path / "shard")
    save_file({"features": values}, tmp_path / "features", metadata={"m": f'["{traces.audio_sha256}"]'})
    save_file({"features": values}, tmp_path / "none")
    assert [traces.are_in(tmp_path / name) for name in ("shard", "features", "none")] == [True, True, False]


def test_text_about_it_and_lists_of_hashes(tmp_path, traces):
    """A page that names the track, escaped or not, and notes of its hash; a bare list of hashes says nothing of it."""
    (tmp_path / "page").write_text("<td>demo:a b#1</td>", encoding="utf-8")
    write_json(tmp_path / "notes", {"audio_sha256": traces.audio_sha256})
    (tmp_path / "escaped").write_text('{"path": "data/audio/\\u00e4.wav"}', encoding="utf-8")
    write_json(tmp_path / "model", {"train": [traces.audio_sha256]})
    names = ("page", "notes", "escaped", "model")
    assert [traces.are_in(tmp_path / name) for name in names] == [True, True, True, False]


def test_a_damaged_table_holds_nothing(tmp_path, traces):
    """An object of the cache that nobody can read stops nothing."""
    (tmp_path / "broken").write_bytes(b"PAR1" + traces.audio_sha256.encode())
    assert not traces.are_in(tmp_path / "broken")
