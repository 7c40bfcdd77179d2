"""What a study found: a table, and the lines for `params.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from soundatlas.commands.terminal import wide_console
from soundatlas.files import project_root
from soundatlas.params import load_params
from soundatlas.tuning.space import SPACE, current
from soundatlas.tuning.study import done, run_study

if TYPE_CHECKING:
    import optuna

SHOWN = 5
NOISE = """\
The values were chosen on these validation tracks, so the score is flattered, and intervals that overlap show no
difference. Put the lines into params.yaml and run `dvc repro`: the test tracks, which no trial has heard, and the gate
will tell."""


def tune(*, trials: int, minutes: float) -> None:
    """Run a study in this project and print what it found.

    Raises:
        UsageError: see `run_study`.
        DataRefusedError: see `run_study`.
    """
    root = project_root()
    params = load_params(root / "params.yaml")
    study = run_study(root, params, trials=trials, minutes=minutes)
    console, whole = wide_console(), done(study)
    if not whole:
        console.print("No trial was trained to the end: give it more --minutes or --trials.")
        return
    console.print(score_table(study))
    best, now = whole[0].user_attrs["values"], current(params)
    if best == now:
        console.print("\nparams.yaml holds the best values that were tried: nothing to change.")
    else:
        console.print(f"\nFor params.yaml:\n\n{escape(yaml_lines(best, now))}\n\n{NOISE}", highlight=False)


def score_table(study: optuna.Study) -> Table:
    """Return the best trials, with their intervals and values."""
    whole = done(study)
    tracks = whole[0].user_attrs["score"]["tracks"]
    title = f"{study.study_name}: the best of {len(whole)} whole trials ({len(study.trials)} in all)"
    table = Table(title=title, title_justify="left", caption=f"macro F1 on {tracks} validation tracks", width=130)
    table.add_column("trial", justify="right")
    table.add_column("macro F1", min_width=19)
    for name in SPACE:
        table.add_column(name.rpartition(".")[2].replace("_", " "))
    for trial in whole[:SHOWN]:
        score, values = trial.user_attrs["score"], trial.user_attrs["values"]
        interval = f"{trial.value:.3f} [{score['low']:.2f}, {score['high']:.2f}]"
        table.add_row(str(trial.number + 1), escape(interval), *(escape(str(values[name])) for name in SPACE))
    return table


def yaml_lines(best: dict[str, Any], now: dict[str, Any]) -> str:
    """Return the best values as lines of section `train`, each that differs with what stands there now."""
    lines, opened = ["train:"], ""
    for name, value in best.items():
        section, _, key = name.rpartition(".")
        if section and section != opened:
            lines.append(f"  {section}:")
        opened = section
        before = "" if value == now[name] else f"  # was {now[name]}"
        lines.append(f"{'    ' if section else '  '}{key}: {value}{before}")
    return "\n".join(lines)
