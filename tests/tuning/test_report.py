"""What a study tells: the table, and lines that can be pasted."""

from __future__ import annotations

import optuna
import pytest
import tiny_project
from rich.console import Console
from ruamel.yaml import YAML

from soundatlas.tuning import report
from soundatlas.tuning.report import score_table, tune, yaml_lines
from soundatlas.tuning.space import applied, current


@pytest.fixture
def now(repository):
    """Give the tuned values of some parameters in the space."""
    return current(tiny_project.params_of(repository, train={"channels": [32, 48, 64], "window_seconds": 3.0}))


def _study(*trials):
    """Make a study of whole trials: (macro F1, values)."""
    study = optuna.create_study(direction="maximize", study_name="tuning-abc")
    for value, values in trials:
        score = {"low": value - 0.1, "high": value + 0.1, "tracks": 12}
        study.add_trial(optuna.create_trial(value=value, user_attrs={"values": values, "score": score}))
    return study


def test_lines_are_yaml_of_section_train(now, repository):
    """The lines, pasted into the section, give the best values; what changes says what stood there before."""
    best = now | {"learning_rate": 0.0042, "channels": [48, 64, 96], "augmentation.mixup": 0.2}
    lines = yaml_lines(best, now)
    pasted = YAML(typ="safe").load(lines)["train"]
    flat = {**pasted, **{f"augmentation.{key}": value for key, value in pasted.pop("augmentation").items()}}
    flat.pop("augmentation")
    assert flat == best
    assert f"learning_rate: 0.0042  # was {now['learning_rate']}" in lines
    assert "dropout" in lines
    assert lines.count("# was") == sum(best[name] != now[name] for name in now)
    assert current(applied(tiny_project.params_of(repository), flat)) == best


def test_best_trials_come_first_with_their_intervals(now):
    """The table shows the five best, numbered as in MLflow, on how many tracks they were scored."""
    study = _study(*((0.1 * number, now) for number in range(1, 8)))
    console = Console(width=140, record=True)
    with console.capture() as captured:
        console.print(score_table(study))
    shown = captured.get()
    assert "7 whole trials (7 in all)" in shown
    assert "12 validation tracks" in shown
    assert shown.index("0.700 [0.60, 0.80]") < shown.index("0.300 [0.20, 0.40]")
    assert "0.200 [" not in shown


@pytest.mark.parametrize(
    ("trials", "told"),
    [
        ((), "No trial was trained to the end"),
        (((0.5, {}),), "nothing to change"),
        (((0.5, {}), (0.6, {"dropout": 0.55})), "dropout: 0.55 # was"),
    ],
)
def test_last_words(trials, told, project, monkeypatch, capsys):
    """With nothing found, with params.yaml best, and with something better, the user is told what to do."""
    as_now = current(report.load_params(project / "params.yaml"))
    study = _study(*((value, as_now | changes) for value, changes in trials))
    monkeypatch.setattr(report, "run_study", lambda *_, **__: study)
    monkeypatch.chdir(project)
    before = (project / "params.yaml").read_bytes()
    tune(trials=1, minutes=1.0)
    assert told in " ".join(capsys.readouterr().out.split())
    assert (project / "params.yaml").read_bytes() == before
