"""`soundatlas classify`: what a user, a pipe and a hostile file name get."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pandas as pd
import pytest
import tiny_project
from rich.console import Console

from soundatlas.commands.classify import prediction_table, printable, rows_as_json
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.pin import export_pin

BELL, ESCAPE = "\a", "\x1b"


def test_json_holds_all_that_is_known(crowned, command):
    """Every file has a row with its status; a classified one has probabilities, attributes and the embedding."""
    tiny_project.write_clip(crowned / "good.wav", 1)
    (crowned / "bad.mp3").write_bytes(b"no music")
    code, out, _ = command(crowned, "classify", "good.wav", "bad.mp3", "--json")
    rows = {row["path"]: row for row in json.loads(out)}
    assert code == 0
    assert set(rows) == {"good.wav", "bad.mp3"}
    good = rows["good.wav"]
    assert sum(good["genre_probabilities"].values()) == pytest.approx(1.0)
    assert good["genre"] in tiny_project.SPACE.classes["genre"]
    assert len(good["embedding"]) == tiny_project.TRAIN["embedding"]
    assert "message" not in good
    assert rows["bad.mp3"]["status"] == "not_audio"
    assert "genre" not in rows["bad.mp3"]


def test_neither_tensorflow_nor_mlflow_is_imported(crowned):
    """The command, its worker included, starts fast since it leaves the heavy packages alone."""
    tiny_project.write_clip(crowned / "good.wav", 1)
    command = [sys.executable, "-c", "from soundatlas.cli import main; main()", "classify", "good.wav", "--json"]
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    done = subprocess.run(command, cwd=crowned, env=environment, capture_output=True, text=True, check=False)
    assert [row["status"] for row in json.loads(done.stdout)] == ["classified"]
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    packages = {name.partition(".")[0] for name in imported}
    assert "soxr" in packages  # of the worker: its imports are listed too
    assert not packages & {"tensorflow", "keras", "mlflow", "sklearn", "matplotlib", "librosa", "prefect", "dvc"}
    said = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    assert said == ["classifying: 100 %"]


def test_bundle_of_an_earlier_version_is_one_line(crowned, model, command):
    """A champion from before an update says what to run."""
    tiny_project.make_outdated(crowned / "mlruns/bundles" / content_sha256(model))
    tiny_project.write_clip(crowned / "a.wav")
    code, out, err = command(crowned, "classify", "a.wav")
    assert (code, out) == (1, "")
    assert "has format 1" in err
    assert "run `dvc repro`" in err
    assert err.count("\n") == 1


def test_folders_and_files_are_listed_once(crowned, command):
    """A folder is walked; a file that is also named by itself has one row; the table tells both."""
    tiny_project.write_clip(crowned / "music/a.wav", 1)
    (crowned / "music/b.mp3").touch()
    code, out, _ = command(crowned, "classify", "music", "music/a.wav", "--json")
    assert code == 0
    assert sorted(row["path"] for row in json.loads(out)) == ["music/a.wav", "music/b.mp3"]
    code, out, _ = command(crowned, "classify", "music")
    assert code == 0
    assert "soundatlas version 1" in out
    assert "empty: the file holds no bytes" in out
    assert out.count("a.wav") == 1
    assert "%" in out


def test_path_that_is_not_there(crowned, command):
    """An unknown path is a usage fault of one line."""
    code, out, err = command(crowned, "classify", "nowhere.wav")
    assert (code, out, err) == (2, "", "soundatlas: nowhere.wav does not exist\n")


def test_outside_of_a_project(tmp_path, command):
    """Without a project there is no champion to ask: exit code 2 and one line."""
    tiny_project.write_clip(tmp_path / "a.wav")
    code, out, err = command(tmp_path, "classify", "a.wav")
    assert (code, out) == (2, "")
    assert err.startswith("soundatlas: no dvc.yaml in ")
    assert err.count("\n") == 1


def test_before_there_is_a_champion(project, command):
    """A project whose gate let nobody through is not ready: exit code 3 and one line that says what to run."""
    tiny_project.write_clip(project / "a.wav")
    export_pin(project, "soundatlas", None)
    code, out, err = command(project, "classify", "a.wav")
    assert (code, out) == (3, "")
    assert "no champion yet: `dvc repro`" in err
    assert err.count("\n") == 1


def test_hostile_names_are_printed_as_they_are(crowned, command):
    """Control characters reach no terminal, and what looks like markup is text."""
    hostile = f"{ESCAPE}[31mred{BELL}.wav"
    for name in (hostile, "[bold]loud[/].wav", "[link=http:]x.wav"):
        path = crowned / "odd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    code, out, _ = command(crowned, "classify", "odd")
    assert code == 0
    assert not {ESCAPE, BELL} & set(out)
    assert "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}.wav" in out
    assert "[bold]loud[" in out
    code, out, _ = command(crowned, "classify", "odd", "--json")
    assert any(row["path"].endswith(hostile) for row in json.loads(out))


def test_label_with_markup_is_text():
    """A class name of the user's own is not obeyed either."""
    row = {"path": "a.wav", "status": "classified", "message": None, "genre": "[red]rock", "genre_confidence": 0.5}
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as captured:
        console.print(prediction_table(pd.DataFrame([row]), ["genre"], "[blue]title"))
    assert "[red]rock 50%" in captured.get()
    assert "[blue]title" in captured.get()


def test_absent_values_are_left_out_of_json():
    """A missing value is no key, never NaN, which JSON has not; lists and mappings stay."""
    table = pd.DataFrame([{"a": float("nan"), "b": None, "c": [1.0], "d": {"x": 1.0}, "e": 0.0}])
    assert rows_as_json(table) == [{"c": [1.0], "d": {"x": 1.0}, "e": 0.0}]


@pytest.mark.parametrize(("text", "shown"), [("naïve 🎻 名.wav", "naïve 🎻 名.wav"), ("a\nb\tc\u202e", "a�b�c�")])
def test_printable_keeps_letters_and_replaces_controls(text, shown):
    """Letters of any script and emoji stay; line breaks, tabs and direction marks do not."""
    assert printable(text) == shown
