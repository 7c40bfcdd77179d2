"""Stage `ingest`: it runs at every `dvc repro`, so it must write only what changed."""

from __future__ import annotations

import os

import pandas as pd
import pytest
import tiny_project

from soundatlas.files import read_json
from soundatlas.stages import ingest

pytest.importorskip("music21", reason="the demo catalogue's packages are optional")

OUTS = ("sources.json", "inbox.parquet", "denied.json")


@pytest.fixture
def listed(project, tiny_params):
    """Give a project with one clip in its inbox, listed, and its outs dated back."""
    tiny_project.write_clip(project / "data/inbox/a.wav")
    ingest.run(project, tiny_params)
    for name in OUTS:
        os.utime(project / "data/ingest" / name, ns=(1, 1))
    return project


def rewritten(root) -> list[str]:
    """Return the outs that were written since they were dated back."""
    return [name for name in OUTS if (root / "data/ingest" / name).stat().st_mtime_ns != 1]


def test_nothing_changed_nothing_written(listed, tiny_params):
    """A second run leaves both files untouched, and so does touching a file of the inbox."""
    ingest.run(listed, tiny_params)
    os.utime(listed / "data/inbox/a.wav", ns=(5, 5))
    ingest.run(listed, tiny_params)
    assert rewritten(listed) == []


def test_new_file_changes_the_listing_alone(listed, tiny_params, capsys):
    """A new file is listed, relative to the project; what the sources are made of did not change."""
    tiny_project.write_clip(listed / "data/inbox/new/b.wav", 1)
    ingest.run(listed, tiny_params)
    assert rewritten(listed) == ["inbox.parquet"]
    listing = pd.read_parquet(listed / "data/ingest/inbox.parquet")
    assert list(listing["path"]) == ["data/inbox/a.wav", "data/inbox/new/b.wav"]
    assert capsys.readouterr().out.splitlines()[-1] == "ingest: 2 files in data/inbox"


def test_changed_bytes_of_the_same_size_and_a_removed_file_are_seen(listed, tiny_params):
    """Other bytes under the same name are listed anew; a removed file is listed no more."""
    before = pd.read_parquet(listed / "data/ingest/inbox.parquet")["audio_sha256"].tolist()
    tiny_project.write_clip(listed / "data/inbox/a.wav", 7)
    ingest.run(listed, tiny_params)
    assert pd.read_parquet(listed / "data/ingest/inbox.parquet")["audio_sha256"].tolist() != before
    (listed / "data/inbox/a.wav").unlink()
    ingest.run(listed, tiny_params)
    assert len(pd.read_parquet(listed / "data/ingest/inbox.parquet")) == 0


def test_folder_elsewhere_and_absent_folder(listed, repository, tmp_path):
    """An inbox outside the project is listed by its whole path; one that is not there holds nothing."""
    tiny_project.write_clip(tmp_path / "music/c.wav", 2)
    ingest.run(listed, tiny_project.params_of(repository, classify={"inbox": str(tmp_path / "music")}))
    assert list(pd.read_parquet(listed / "data/ingest/inbox.parquet")["path"]) == [str(tmp_path / "music/c.wav")]
    ingest.run(listed, tiny_project.params_of(repository, classify={"inbox": "data/nowhere"}))
    assert len(pd.read_parquet(listed / "data/ingest/inbox.parquet")) == 0
    assert not (listed / "data/nowhere").exists()


def test_denied_audio_is_not_listed_and_the_file_stays(listed, tiny_params, capsys):
    """A file on the deny-list is left out, whatever it is called, and nobody touches it; catalog learns of the list."""
    path = listed / "data/inbox/a.wav"
    sha = pd.read_parquet(listed / "data/ingest/inbox.parquet")["audio_sha256"][0]
    (listed / "data/denied.csv").write_text(f"audio_sha256,track_id,since,reason\n{sha},demo:1,,\n")
    path.rename(path.with_name("other.wav"))
    capsys.readouterr()
    ingest.run(listed, tiny_params)
    assert len(pd.read_parquet(listed / "data/ingest/inbox.parquet")) == 0
    assert path.with_name("other.wav").is_file()
    assert capsys.readouterr().out == "ingest: 0 files in data/inbox; 1 on the deny-list left out\n"
    assert read_json(listed / "data/ingest/denied.json") == {"audio_sha256": [sha], "track_ids": ["demo:1"]}
