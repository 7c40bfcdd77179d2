"""Stage `classify`: every file of an inbox gets a row, whatever it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import soundfile
import tiny_project

from soundatlas.errors import BundleError, SoundatlasError
from soundatlas.stages import classify, ingest
from soundatlas.tables import INBOX, empty, write_table

if TYPE_CHECKING:
    from pathlib import Path

ODD_NAME = 'it\'s "here" 🎻, and there.flac'
EXPECTED = {
    "empty.wav": "empty",
    "text.mp3": "not_audio",
    "cut.flac": "truncated",
    "mono 8k.wav": "classified",
    "blink.wav": "too_short",
    "studio.wav": "classified",
    ODD_NAME: "classified",
}


def fill_inbox(inbox: Path) -> None:
    """Put one file of every kind in the inbox, and one that is passed over."""
    (inbox / "empty.wav").touch()
    (inbox / "text.mp3").write_text("a letter, not a song\n" * 50, encoding="utf-8")
    noise = np.random.default_rng(0).normal(0, 0.1, (16_000, 2))
    soundfile.write(inbox / "cut.flac", noise, 16_000)
    (inbox / "cut.flac").write_bytes((inbox / "cut.flac").read_bytes()[:20_000])
    tiny_project.write_clip(inbox / "mono 8k.wav", 1)
    tiny_project.write_clip(inbox / "blink.wav", 2, seconds=0.2)
    studio = np.random.default_rng(1).normal(0, 0.1, (96_000, 2))
    soundfile.write(inbox / "studio.wav", studio, 96_000, subtype="PCM_24")
    tiny_project.write_clip(inbox / ODD_NAME, 3, rate=44_100, channels=2)
    (inbox / "notes.txt").write_text("not music", encoding="utf-8")


def list_inbox(root: Path, params) -> None:
    """Run what `classify` needs before it."""
    ingest.run(root, params)
    write_table(empty(INBOX), root / "data/catalog/inbox.parquet")


@pytest.fixture
def listed(project, tiny_params) -> Path:
    """Give a project whose mixed inbox was listed."""
    fill_inbox(project / "data/inbox")
    list_inbox(project, tiny_params)
    return project


def test_every_file_has_a_row_with_its_status(listed, tiny_params, model, capsys):
    """Broken, short, odd and healthy files side by side: each has a status, and one line sums them up."""
    content = tiny_project.install_champion(listed, model)
    before = {path: path.read_bytes() for path in (listed / "data/inbox").iterdir()}
    capsys.readouterr()
    classify.run(listed, tiny_params)
    table = pd.read_parquet(listed / "data/predictions/predictions.parquet").set_index("path")
    assert table["status"].to_dict() == {f"data/inbox/{name}": status for name, status in EXPECTED.items()}
    failed, good = table[table["status"] != "classified"], table[table["status"] == "classified"]
    assert failed["message"].str.len().min() > 0
    assert failed["genre"].isna().all()
    assert set(good["genre"]) <= set(tiny_project.SPACE.classes["genre"])
    assert set(good["model_sha256"]) == {content}
    assert {path: path.read_bytes() for path in (listed / "data/inbox").iterdir()} == before
    lines = capsys.readouterr().out.splitlines()
    (summary,) = [line for line in lines if line.startswith("classify: 7 files")]
    assert lines[-1] == summary
    assert "3 classified" in summary
    for reason in ("empty", "not_audio", "truncated", "too_short"):
        assert f"1 {reason}" in summary
    assert len(lines) == 1 + len(failed)
    counts = json.loads((listed / "data/predictions/summary.json").read_text(encoding="utf-8"))
    assert counts == {"classified": 3, "empty": 1, "not_audio": 1, "too_short": 1, "truncated": 1}
    sheet = pd.read_csv(listed / "data/predictions/predictions.csv")
    assert list(sheet["path"]) == list(table.index)
    assert not [column for column in sheet if column.endswith(("_probabilities", "embedding"))]


def test_prediction_is_that_of_the_bundle(project, tiny_params, model):
    """The stage adds nothing of its own: the row is what the bundle says of the file."""
    from soundatlas.registry.bundle import Bundle

    tiny_project.write_clip(project / "data/inbox/a.wav", 4, seconds=1.5)
    list_inbox(project, tiny_params)
    tiny_project.install_champion(project, model)
    classify.run(project, tiny_params)
    (row,) = pd.read_parquet(project / "data/predictions/predictions.parquet").to_dict("records")
    expected = Bundle(model).classify_file(project / "data/inbox/a.wav").row()
    assert row["duration_seconds"] == pytest.approx(1.5)
    for name in ("genre", "artist"):
        assert row[name] == expected[name]
        assert row[f"{name}_probabilities"] == pytest.approx(expected[f"{name}_probabilities"], abs=1e-5)
    assert row["tempo_bpm"] == pytest.approx(expected["tempo_bpm"], rel=1e-5)


def test_stage_imports_neither_tensorflow_nor_mlflow(project, tiny_params, model):
    """The stage starts fast: what it runs needs no TensorFlow, and the pin no MLflow."""
    tiny_project.write_clip(project / "data/inbox/a.wav", 4)
    list_inbox(project, tiny_params)
    tiny_project.install_champion(project, model)
    command = [sys.executable, "-m", "soundatlas.stages.classify"]
    telling = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}  # which the workers inherit
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, env=telling)
    assert done.stdout == "classify: 1 files: 1 classified; 1 computed\n"
    packages = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "soxr" in packages
    assert not packages & {"tensorflow", "keras", "mlflow", "sklearn", "matplotlib", "librosa"}


def test_number_of_workers_changes_no_byte(project, tiny_params, model, monkeypatch):
    """One worker and three give the same table, bit for bit."""
    for number in range(5):
        tiny_project.write_clip(project / f"data/inbox/{number}.wav", number, seconds=1.5)
    list_inbox(project, tiny_params)
    tiny_project.install_champion(project, model)
    tables = []
    for count in ("1", "3"):
        monkeypatch.setenv("SOUNDATLAS_WORKERS", count)
        classify.run(project, tiny_params)
        tables.append((project / "data/predictions/predictions.parquet").read_bytes())
    assert tables[0] == tables[1]


def test_bundle_that_computes_something_else_here_is_no_fault_of_the_files(project, tiny_params, model):
    """What the workers find wrong with the bundle ends the stage in one line; no file is blamed for it."""
    tiny_project.write_clip(project / "data/inbox/a.wav", 4)
    list_inbox(project, tiny_params)
    other = project / "other"
    shutil.copytree(model, other)
    np.save(other / "golden-network.npy", np.load(other / "golden-network.npy") + np.float32(1))
    tiny_project.install_champion(project, other)
    with pytest.raises(BundleError, match="1 dB"):
        classify.run(project, tiny_params)
    assert not (project / "data/predictions").exists()


def test_files_that_change_after_the_listing_are_rows(project, tiny_params, model):
    """A file that vanished, and one that is no longer the listed one, cost only themselves."""
    for number, name in enumerate(("changes.wav", "stays.wav", "vanishes.wav")):
        tiny_project.write_clip(project / "data/inbox" / name, number)
    list_inbox(project, tiny_params)
    tiny_project.install_champion(project, model)
    (project / "data/inbox/vanishes.wav").unlink()
    tiny_project.write_clip(project / "data/inbox/changes.wav", 9)
    classify.run(project, tiny_params)
    table = pd.read_parquet(project / "data/predictions/predictions.parquet")
    assert list(table["status"]) == ["changed", "classified", "unreadable"]


def test_empty_inbox_is_an_empty_table(project, tiny_params, model, capsys):
    """With nothing to classify the table has its columns and no rows, and the line says so."""
    list_inbox(project, tiny_params)
    tiny_project.install_champion(project, model)
    classify.run(project, tiny_params)
    table = pd.read_parquet(project / "data/predictions/predictions.parquet")
    assert len(table) == 0
    assert {"path", "status", "genre", "genre_confidence", "tempo_bpm", "embedding"} <= set(table.columns)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "classify: nothing to classify: the inbox data/inbox is empty",
        "classify: 0 files: 0 classified; 0 computed",
    ]


def test_without_a_champion_every_file_waits(listed, tiny_params, capsys):
    """Before any model earned its place the files are listed as waiting, and the broken ones as broken."""
    from soundatlas.registry.pin import export_pin

    export_pin(listed, "soundatlas", None)
    classify.run(listed, tiny_params)
    table = pd.read_parquet(listed / "data/predictions/predictions.parquet")
    assert table["status"].value_counts().to_dict() == {"no_champion": 6, "empty": 1}
    assert "0 classified, 6 no_champion" in capsys.readouterr().out.splitlines()[-1]


def test_failures_shown_are_limited(listed, repository, capsys):
    """Of a thousand broken files only the first few are printed; the summary counts all."""
    from soundatlas.registry.pin import export_pin

    export_pin(listed, "soundatlas", None)
    capsys.readouterr()
    classify.run(listed, tiny_project.params_of(repository, classify={"max_failures_shown": 2}))
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_missing_pin_and_damaged_bundle_write_nothing(listed, tiny_params, model):
    """A missing pin, and a champion whose files changed, are faults; the folder of predictions is not touched."""
    with pytest.raises(SoundatlasError, match=r"champion\.json is missing"):
        classify.run(listed, tiny_params)
    content = tiny_project.install_champion(listed, model)
    weights = listed / "mlruns/bundles" / content / "network.weights.h5"
    weights.write_bytes(weights.read_bytes() + b"?")
    with pytest.raises(BundleError, match="files changed"):
        classify.run(listed, tiny_params)
    assert not (listed / "data/predictions").exists()
