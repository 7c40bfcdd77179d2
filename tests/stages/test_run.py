"""What every stage's command line does around its `run`."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest
import tiny_project
from ruamel.yaml import YAML

from soundatlas import errors
from soundatlas.stages._run import run_profiled_stage, run_stage

FAULTS = [
    ({"train": {"epoch": 3}}, "train.epoch is not a known key"),
    ({"train": {"epochs": None}}, "train.epochs"),
    ({"split": {"validation": "a fifth"}}, "split.validation"),
    ({"spectrograms": {"hop_length": 0}}, "spectrograms.hop_length"),
    ({"spectrograms": {"n_mels": 500}}, "spectrograms.n_mels"),
]


@pytest.mark.parametrize(("change", "named"), FAULTS)
def test_bad_parameter_stops_a_stage_before_it_writes(tmp_path, repository, change, named):
    """A real stage process ends with exit code 2 and one line that names the key, and makes no folder."""
    mapping = tiny_project.values(repository, **change)
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    with (tmp_path / "params.yaml").open("w") as file:
        YAML(typ="safe").dump(mapping, file)
    done = subprocess.run(
        [sys.executable, "-m", "soundatlas.stages.ingest"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("soundatlas: params.yaml: ")
    assert named in line
    assert done.stdout == ""
    assert not (tmp_path / "data").exists()


def test_missing_key_is_named(project, monkeypatch, capsys):
    """A key that was deleted is named, with exit code 2, and the stage does not start."""
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text("\n".join(line for line in text.splitlines() if "patience" not in line))
    monkeypatch.chdir(project)
    with pytest.raises(SystemExit) as caught:
        run_stage(lambda _root, _params: pytest.fail("the stage was started"))
    assert caught.value.code == 2
    assert capsys.readouterr().err == "soundatlas: params.yaml: train.patience is missing\n"


def test_stage_runs_in_its_project(project, monkeypatch, tiny_params):
    """From a folder below, the stage gets the project's folder and its parameters."""
    monkeypatch.chdir(project / "data/inbox")
    calls = []
    run_stage(lambda root, params: calls.append((root, params)))
    assert calls == [(project.resolve(), tiny_params)]


@pytest.mark.parametrize(
    ("error", "code"),
    [(errors.DataRefusedError, 1), (errors.ParamsError, 2), (errors.UsageError, 2), (errors.NotReadyError, 3)],
)
def test_known_fault_is_one_line_and_its_exit_code(project, monkeypatch, capsys, error, code):
    """A fault that soundatlas names has no traceback."""

    def run(*_: object) -> None:
        raise error("what to do")

    monkeypatch.chdir(project)
    with pytest.raises(SystemExit) as caught:
        run_stage(run)
    assert caught.value.code == code
    assert capsys.readouterr().err == "soundatlas: what to do\n"


def test_full_disk_is_one_line(project, monkeypatch, capsys):
    """A disk that is full is no fault of the program: one line says so, exit code 1."""
    monkeypatch.chdir(project)

    def stage(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SystemExit) as ended:
        run_stage(stage)
    assert ended.value.code == 1
    assert capsys.readouterr().err == "soundatlas: the disk is full: free some space and run it again\n"


def test_unknown_fault_keeps_its_traceback(project, monkeypatch):
    """A fault that nobody foresaw is not dressed up as a known one."""

    def run(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.chdir(project)
    with pytest.raises(ZeroDivisionError):
        run_stage(run)


def test_outside_of_a_project_is_a_usage_fault(tmp_path, monkeypatch, capsys):
    """Without a `dvc.yaml` above there is nothing to run in."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        run_stage(lambda _root, _params: pytest.fail("the stage was started"))
    assert caught.value.code == 2
    assert "no dvc.yaml" in capsys.readouterr().err


def test_a_stage_is_profiled_when_asked(project, monkeypatch, capsys, tmp_path):
    """With `--profile` there is a profile to add to and a table in the end, with `--profile-json` a file; else none."""
    monkeypatch.chdir(project)
    given = []
    for arguments in ([], ["--profile"], ["--profile-json", str(tmp_path / "profile.json")]):
        monkeypatch.setattr(sys, "argv", ["stage", *arguments])
        run_profiled_stage(lambda _root, _params, profile: given.append(profile))
    assert [profile is None for profile in given] == [True, False, False]
    assert capsys.readouterr().out.count("Where the time went") == 2
    assert (tmp_path / "profile.json").is_file()
