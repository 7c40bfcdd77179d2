"""One user's project from nothing to predictions, and what each later change costs. The tests follow each other."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import soundfile
from pipeline_story import Project, ran

from soundatlas.dag import read_cache
from soundatlas.lineage.holding import Traces
from soundatlas.lineage.subject import find_subject
from soundatlas.sources.deny_list import DENY_LIST, EXPORT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

ALWAYS = ["ingest", "promote"]
DENIALS = {str(DENY_LIST), str(EXPORT)}


def test_from_nothing_to_predictions(project: Project) -> None:
    """`dvc repro` alone renders, checks, trains, promotes and classifies."""
    output = project.run("dvc", "repro")
    predictions = pd.read_parquet(project.root / "data/predictions/predictions.parquet")
    assert predictions["status"].tolist() == ["classified"] * 2
    assert json.loads((project.root / "data/champion.json").read_text())["content_sha256"]
    assert json.loads((project.root / "data/validation/report.json").read_text())["passed"]
    assert "version 1 promoted" in output


def test_again_at_once(project: Project) -> None:
    """A second `dvc repro` runs only the listing and the champion's sync, and changes no byte of what git sees."""
    before = project.run("git", "status", "--short"), (project.root / "dvc.lock").read_bytes()
    assert ran(project.run("dvc", "repro")) == ALWAYS
    assert (project.run("git", "status", "--short"), (project.root / "dvc.lock").read_bytes()) == before


def test_metrics_and_plots_are_shown(project: Project) -> None:
    """`dvc metrics show` and `dvc plots show` read what the pipeline wrote."""
    assert "macro_f1" in project.run("dvc", "metrics", "show")
    project.run("dvc", "plots", "show", "--out", "plots")
    assert (project.root / "plots/index.html").is_file()
    shutil.rmtree(project.root / "plots")


def test_a_touched_audio_file_costs_nothing(project: Project) -> None:
    """A new modification time is not a change, in the catalogue's audio or in the inbox."""
    own = project.root / "data/inbox/own.wav"
    soundfile.write(own, [0.1, -0.1] * 16000, 16000)
    assert ran(project.run("dvc", "repro")) == [*ALWAYS, "classify", "atlas"]
    for path in (own, *(project.root / "data/audio").rglob("*.flac")):
        os.utime(path, (1, 1))
    assert ran(project.run("dvc", "repro")) == ALWAYS


def test_a_training_parameter_reruns_training_and_what_follows(project: Project) -> None:
    """A changed `train.epochs` leaves catalogue, spectrograms, split and validation alone."""
    project.edit_params(lambda values: values["train"].update(epochs=3))
    output = project.run("dvc", "repro")
    assert ran(output) == ["ingest", "train", "repeats", "evaluate", "promote", "classify", "atlas"]
    assert "version 2 promoted" in output


def test_one_more_track_is_one_more_spectrogram(project: Project) -> None:
    """With one clip more in the catalogue, one spectrogram is computed."""
    project.edit_params(lambda values: values["catalog"]["sources"][0]["clips"].update(bach=11))
    output = project.run("dvc", "repro", "spectrograms")
    assert "spectrograms: 1 computed, 30 kept, 0 removed, 0 failed" in output
    project.edit_params(lambda values: values["catalog"]["sources"][0]["clips"].update(bach=10))
    assert "spectrograms: 0 computed, 30 kept, 1 removed, 0 failed" in project.run("dvc", "repro", "spectrograms")


def test_a_track_that_was_made_by_itself_is_kept(project: Project) -> None:
    """What `soundatlas make` puts into the store, the stage keeps, and nothing after it runs; the next run is idle."""
    project.edit_params(lambda values: values["catalog"]["sources"][0]["clips"].update(bach=11))
    project.run("dvc", "repro", "catalog")
    tracks = pd.read_parquet(project.root / "data/catalog/tracks.parquet")
    stored = pd.read_parquet(project.root / "data/spectrograms/manifest.parquet")
    (new,) = tracks.loc[~tracks["audio_sha256"].isin(stored["audio_sha256"]), "track_id"]
    told = json.loads(project.run("soundatlas", "make", new, "--json"))
    assert [step["step"] for step in told["steps"] if step["made"]] == ["spectrogram", "prediction"]
    assert "spectrograms: 0 computed, 31 kept, 0 removed, 0 failed" in project.run("dvc", "repro", "spectrograms")
    assert ran(project.run("dvc", "repro", "spectrograms")) == ["ingest"]
    made = json.loads(project.run("soundatlas", "trace", new, "--json"))["happenings"]
    assert [(each["what"], each["by"]) for each in made if each["attempt"]][-2:] == [
        ("spectrogram", "make"),
        ("prediction", "make"),
    ]
    project.edit_params(lambda values: values["catalog"]["sources"][0]["clips"].update(bach=10))
    project.run("dvc", "repro", "spectrograms")


def test_deleted_outputs_are_restored_and_not_computed(project: Project) -> None:
    """Without outputs and without mlruns, the cache gives the outputs back, and promote the run and the version."""
    project.run("dvc", "repro")
    made = project.hashes("data/catalog", "data/spectrograms", "data/model", "data/evaluation")
    pin = (project.root / "data/champion.json").read_bytes()
    for folder in [*(project.root / "data").iterdir(), project.root / "mlruns"]:
        if folder.name != "inbox":
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    project.run("dvc", "checkout")
    output = project.run("dvc", "repro")
    assert not {"catalog", "spectrograms", "split", "train", "repeats", "evaluate"} & set(ran(output))
    assert project.hashes("data/catalog", "data/spectrograms", "data/model", "data/evaluation") == made
    assert (project.root / "data/champion.json").read_bytes() == pin
    assert "version 1 promoted" in output


def test_a_clone_pulls_instead_of_computing(project: Project, tmp_path: Path) -> None:
    """With dvc.lock in git and a remote folder, a fresh clone gets every output without computing one."""
    project.run("dvc", "remote", "add", "--default", "backup", str(tmp_path / "remote"))
    project.run("dvc", "push")
    project.run("git", "add", "-A")
    project.run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "trained")
    project.run("git", "clone", "-q", str(project.root), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.run("dvc", "pull", "--allow-missing")
    output = clone.run("dvc", "repro")
    assert not {"catalog", "spectrograms", "split", "train", "repeats", "evaluate"} & set(ran(output))
    assert clone.hashes("data/model", "data/spectrograms") == project.hashes("data/model", "data/spectrograms")


def holding(project: Project, traces: Traces) -> set[str]:
    """Return the files below `data/` and in DVC's cache that hold something of a track; the deny-list may name it."""
    files = {path.relative_to(project.root).as_posix(): path for path in (project.root / "data").rglob("*.*")}
    files = {name: path for name, path in files.items() if path.is_file() and name not in DENIALS}
    return {name for name, path in {**files, **read_cache(project.root)}.items() if traces.are_in(path)}


def test_a_forgotten_track_is_trained_without(project: Project) -> None:
    """`soundatlas forget`, killed in the middle and called again, removes a track; `dvc repro` trains without it."""
    split = pd.read_parquet(project.root / "data/split/split.parquet")
    track = str(split.loc[split["side"] == "train", "track_id"].iloc[0])
    subject = find_subject(project.root, track)
    traces = Traces(subject.audio_sha256, subject.track_ids, subject.paths)
    assert holding(project, traces)
    process = project.start("soundatlas", "forget", track, "--yes")
    while not (project.root / DENY_LIST).exists() and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert holding(project, traces)
    project.run("soundatlas", "forget", track, "--yes")
    assert holding(project, traces) - {"data/model/tracks.json"} == set()
    output = project.run("dvc", "repro")
    assert {"catalog", "spectrograms", "split", "train", "evaluate"} <= set(ran(output))
    assert "catalog: 29 tracks" in output
    assert "version 2 promoted" in output
    assert holding(project, traces) == set()
    assert track not in (project.root / "data/model/tracks.json").read_text()
