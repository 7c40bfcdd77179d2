"""`soundatlas forget`: a track leaves the project, and what cannot be reached is named."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import traced_project
from traced_project import OTHER, OWN

from soundatlas.dag import holding_data, read_cache
from soundatlas.files import read_json, sha256_file, write_json
from soundatlas.history.store import open_history
from soundatlas.lineage import forgetting
from soundatlas.lineage.holding import Traces
from soundatlas.lineage.subject import find_subject
from soundatlas.sources.audio_store import AudioStore
from soundatlas.sources.listing_files import write_listing
from soundatlas.sources.rows import Row, build_listing
from soundatlas.store.reading import SpectrogramStore
from soundatlas.store.shards import SUFFIX, Shard
from soundatlas.tables import IDENTITIES, conform, write_table

if TYPE_CHECKING:
    from pathlib import Path

TRACK, NEIGHBOUR = "demo:01", "demo:02"
AUDIO = "data/audio/01.wav"
# What may still name the hash: the model's own list, the deny-list, its export, and the hashes of the user's files.
MAY_NAME = {"data/model/tracks.json", "data/denied.csv", "data/ingest/denied.json", "data/ingest/known-files.json"}


def traces_of(root: Path, what: str) -> Traces:
    """Return by what a track can be recognised; to be called before it is forgotten."""
    subject = find_subject(root, what)
    return Traces(subject.audio_sha256, subject.track_ids, subject.paths)


def holding(root: Path, traces: Traces) -> set[str]:
    """Return the files below `data/` and in DVC's cache that hold something of a track."""
    files = {path.relative_to(root).as_posix(): path for path in (root / "data").rglob("*") if path.is_file()}
    found = {name for name, path in files.items() if name not in MAY_NAME and traces.are_in(path)}
    return found | {oid for oid, path in read_cache(root).items() if traces.are_in(path)}


def state(root: Path) -> dict[str, str]:
    """Return every file's hash, but for SQLite's and DVC's own scratch."""
    files = (path for path in root.rglob("*") if path.is_file() and ".dvc/tmp" not in path.as_posix())
    return {
        path.relative_to(root).as_posix(): sha256_file(path)
        for path in files
        if path.suffix not in {".db", ".db-wal", ".db-shm"}
    }


def store_of(root: Path) -> SpectrogramStore:
    """Open the project's spectrograms."""
    folder = root / "data/spectrograms"
    return SpectrogramStore(folder, Shard(next(folder.glob(f"*{SUFFIX}"))).contract_sha256)


def test_a_track_of_the_catalogue_leaves_everything(root, command):
    """Rows, labels, audio, spectrogram and cached objects are gone; every other track is what it was."""
    traces, other = traces_of(root, TRACK), find_subject(root, NEIGHBOUR).audio_sha256
    tracks, before = pd.read_parquet(root / "data/catalog/tracks.parquet"), store_of(root).log_mel(other)
    assert {AUDIO, "data/catalog/tracks.parquet", "data/split/split.parquet"} <= holding(root, traces)
    code, out, _ = command(root, "forget", TRACK, "--reason", "withdrawn", "--yes")
    assert code == 0
    assert holding(root, traces) == set()
    assert not (root / AUDIO).exists()
    left = pd.read_parquet(root / "data/catalog/tracks.parquet")
    pd.testing.assert_frame_equal(left, tracks[tracks["track_id"] != TRACK].reset_index(drop=True))
    np.testing.assert_array_equal(store_of(root).log_mel(other), before)
    assert len(store_of(root).manifest) == 11
    denied = pd.read_csv(root / "data/denied.csv", dtype=str)
    assert denied[["audio_sha256", "track_id", "reason"]].to_numpy().tolist() == [
        [traces.audio_sha256, TRACK, "withdrawn"]
    ]
    assert "a model that was trained on it: version 1 (champion)" in out
    assert "run `dvc repro`, which trains a model without it" in out


def test_a_file_of_the_users_stays(root, command):
    """Listing, predictions, counts and history forget it; the file itself, and its bytes, are nobody's to remove."""
    traces, content = traces_of(root, OWN), (root / OWN).read_bytes()
    code, out, _ = command(root, "forget", OWN, "--yes")
    assert code == 0
    assert (root / OWN).read_bytes() == content
    assert holding(root, traces) == {OWN}
    predictions = pd.read_parquet(root / "data/predictions/predictions.parquet")
    assert predictions["path"].tolist() == [OTHER]
    assert pd.read_csv(root / "data/predictions/predictions.csv")["path"].tolist() == [OTHER]
    assert read_json(root / "data/predictions/summary.json") == {"classified": 1}
    with open_history(root) as history:
        assert history.of_audio(traces.audio_sha256) == []
        assert len(history.of_audio(sha256_file(root / OTHER))) == 1
    assert f"your own file {OWN}" in out


def test_no_stage_brings_it_back(root, command, tiny_params, monkeypatch, capsys):
    """After forgetting, listing and classifying again leaves the track out, though its file is there."""
    from soundatlas.stages import classify, ingest

    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")
    traces = traces_of(root, OWN)
    command(root, "forget", OWN, "--yes")
    ingest.run(root, tiny_params)
    classify.run(root, tiny_params)
    assert holding(root, traces) == {OWN}
    assert capsys.readouterr().out.splitlines()[-1] == "classify: 1 files: 1 classified; 0 computed"


@pytest.mark.parametrize("arguments", [["--dry-run"], ["--dry-run", "--json"], []])
def test_without_a_yes_nothing_changes(root, command, arguments):
    """A dry run shows the plan; without --yes and with nobody to ask, it is wrong use. Not a byte changes."""
    before = state(root)
    code, out, err = command(root, "forget", TRACK, *arguments)
    assert state(root) == before
    assert code == (0 if arguments else 2)
    if "--json" in arguments:
        plan = json.loads(out)
        assert (plan["forgotten"], plan["deny_list"]) == (False, "data/denied.csv")
        assert any(AUDIO in step for step in plan["steps"])
        assert plan["dvc_cache"]["objects"]
        assert plan["models"][0]["side"] == "train"
    else:
        assert f"remove {AUDIO}" in out
        assert ("nothing was forgotten" in err) is (not arguments)


def test_a_remote_is_named_and_purged_on_request(root, command, tmp_path):
    """Objects on a remote are named with their place there; with --remotes they are removed, the others stay."""
    dvc = (sys.executable, "-m", "dvc")
    traced_project.run(root, *dvc, "remote", "add", "--default", "backup", str(tmp_path / "remote"))
    traced_project.run(root, *dvc, "push", "--quiet")
    traces = traces_of(root, TRACK)
    pushed = [path for path in (tmp_path / "remote").rglob("*") if path.is_file() and path.suffix != ".dir"]
    held = {path for path in pushed if traces.are_in(path)}
    assert held
    _, out, _ = command(root, "forget", TRACK, "--dry-run")
    assert all(f"files/md5/{path.parent.name}/{path.name}" in out for path in held)
    code, out, _ = command(root, "forget", TRACK, "--yes", "--remotes")
    assert code == 0
    assert f"{len(held)} objects purged from the remote backup" in out
    assert {path for path in pushed if not path.exists()} == held


def test_cut_off_and_called_again_it_goes_on(root):
    """Interrupted after each step in turn, what is left is done by the next call, also by the track's id alone."""

    class Cut(BaseException):
        """Stands for a kill."""

    def cut() -> None:
        raise Cut

    traces = traces_of(root, TRACK)
    for _ in range(50):
        plan = forgetting.plan_forgetting(root, find_subject(root, TRACK), "")
        if not plan.steps:
            break
        plan.steps[1:] = [("be killed", cut)]
        with pytest.raises(Cut):
            forgetting.forget(root, plan, purge_remotes=False)
    assert plan.cached
    forgetting.forget(root, plan, purge_remotes=False)
    assert holding(root, traces) == set()
    assert len(pd.read_csv(root / "data/denied.csv")) == 1
    again = forgetting.plan_forgetting(root, find_subject(root, TRACK), "")
    assert (again.steps, again.cached) == ([], [])


def test_what_a_run_makes_before_the_answer_is_forgotten_too(root, tmp_path):
    """A plan is made before somebody says yes; a run may end between the two."""
    traces = traces_of(root, OWN)
    shutil.move(root / "data/predictions", tmp_path / "later")
    plan = forgetting.plan_forgetting(root, find_subject(root, OWN), "")
    planned = len(plan.steps)
    shutil.move(tmp_path / "later", root / "data/predictions")
    forgetting.forget(root, plan, purge_remotes=False)
    assert holding(root, traces) == {OWN}
    assert len(plan.steps) > planned


def test_while_a_stage_runs_nothing_is_forgotten(root, command):
    """A stage that is at work keeps the data as they are: one line, and not even the deny-list is written."""
    with holding_data(root, "another command"):
        code, _, err = command(root, "forget", TRACK, "--yes")
    assert code == 1
    assert "DVC cannot let `soundatlas forget` begin" in err
    assert not (root / "data/denied.csv").exists()
    assert (root / AUDIO).is_file()


def test_tables_in_mlflow_and_the_same_recording_are_named(root, command):
    """What stays is said: rows in a run's artifacts, and a track that holds the same recording in other bytes."""
    pair = {"track_id": "demo:08", "other_track_id": "demo:09", "bit_error_rate": 0.01, "offset_seconds": 0.0}
    pd.DataFrame([pair]).to_parquet(root / "data/split/duplicates.parquet")
    plan = json.loads(command(root, "forget", "demo:09", "--dry-run", "--json")[1])
    assert plan["same_recording"] == ["demo:08"]
    [table] = plan["mlflow_artifacts"]
    assert table.endswith("evaluation/predictions.parquet")
    assert table.startswith("mlruns/artifacts/")


def test_a_read_only_cache_of_hardlinks(root, command):
    """With links into the cache, a table is written anew beside it, never through the link."""
    path = root / "data/catalog/tracks.parquet"
    (cached,) = [each for each in read_cache(root).values() if sha256_file(each) == sha256_file(path)]
    path.unlink()
    os.link(cached, path)
    kept = sha256_file(root / "data/catalog/labels.parquet")
    assert command(root, "forget", TRACK, "--yes")[0] == 0
    assert TRACK not in pd.read_parquet(path)["track_id"].tolist()
    assert not cached.exists()
    assert sha256_file(root / "data/catalog/labels.parquet") == kept


def test_a_track_leaves_the_listings_by_all_its_names(root, command):
    """Rows of listings, fetched audio and what was looked into go; every name that a source has for it is denied."""
    traces = traces_of(root, TRACK)
    about = {"source": "folder", "source_id": "x", "licence": "x", "ml_use": "unknown", "genre": "reel"}
    stored = AudioStore(root).put([b"a preview of it"], ".mp3")
    rows = [
        Row({**about, "track_id": "folder:x", "path": stored.path, "audio_sha256": stored.audio_sha256}),
        Row({**about, "track_id": "folder:y", "path": "y.wav", "audio_sha256": "ab" * 32}),
    ]
    write_listing(root / "data/ingest/sources/folder-1", build_listing(rows, []), {})
    memory = root / "data/ingest/memory/folder"
    looked = pd.DataFrame({"audio_sha256": [traces.audio_sha256, "ab" * 32], "judged_by": "x"})
    write_table(looked, memory / "inspected.parquet")
    write_json(memory / "known-files-1.json", {"x.wav": {"sha256": traces.audio_sha256}})
    identities = [{"listed_track_id": name, "track_id": TRACK, "joined_by": ""} for name in (TRACK, "folder:x")]
    write_table(conform(pd.DataFrame(identities), IDENTITIES), root / "data/catalog/identities.parquet")
    assert command(root, "forget", TRACK, "--yes")[0] == 0
    assert not (root / stored.path).exists()
    listing = root / "data/ingest/sources/folder-1"
    assert pd.read_parquet(listing / "tracks.parquet")["track_id"].tolist() == ["folder:y"]
    assert pd.read_parquet(listing / "labels.parquet")["track_id"].tolist() == ["folder:y"]
    assert pd.read_parquet(memory / "inspected.parquet")["audio_sha256"].tolist() == ["ab" * 32]
    assert pd.read_parquet(root / "data/catalog/identities.parquet").empty
    assert sorted(pd.read_csv(root / "data/denied.csv")["track_id"]) == sorted([TRACK, "folder:x"])
    kept = {path.relative_to(root).as_posix() for path in memory.iterdir()}
    assert holding(root, traces) <= kept  # the hash of the user's own file, so that it is not read again
