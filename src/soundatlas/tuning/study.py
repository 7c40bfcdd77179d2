"""A study: trials one after another, kept in `mlruns/tuning.db` so that a killed one goes on, each an MLflow run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import optuna
from filelock import FileLock, Timeout
from optuna.trial import TrialState

from soundatlas.errors import UsageError
from soundatlas.files import registry_root, sha256_json
from soundatlas.learning.backbone import FUSION, NONE
from soundatlas.stages._inputs import training_key
from soundatlas.tuning.objective import load_learning_sides, train_and_score
from soundatlas.tuning.space import SPACE, applied, current, draw, stored, without_tuned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from soundatlas.params import Params
    from soundatlas.registry.tracking import Tracking
    from soundatlas.tuning.objective import Score

SECONDS_PER_MINUTE = 60
FULL_TRIALS = 4  # that are never cut off: the median of fewer says little
FULL_EPOCHS = 3  # that every trial is given
RUN, PARENT = "run_id", "parent_run_id"


def run_study(root: Path, params: Params, *, trials: int, minutes: float) -> optuna.Study:
    """Run some more trials of the study that fits this data and these parameters.

    A study belongs to the tracks, their labels, the front end, and all parameters that are not tuned: change one of
    these and a new study begins; run it again unchanged and it goes on. Nothing is registered, and no file but those in
    `mlruns/` is written.

    Args:
        root: of the project.
        params: as in `params.yaml`; the first trial of a study tries them as they are.
        trials: how many more, those that are cut off included.
        minutes: after which no new trial begins.

    Raises:
        UsageError: when there is nothing to tune, or another study is running here.
        DataRefusedError: see `load_learning_sides`.
    """
    from soundatlas.registry.tracking import Tracking

    if params.train.backbone not in {NONE, FUSION}:
        raise UsageError(f"train.backbone is {params.train.backbone}: its heads are fitted whole, nothing is to tune")
    sides = load_learning_sides(root, params)
    folder = registry_root(root) / "mlruns"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "tuning.lock", timeout=0):
            tracking = Tracking(root)
            study = open_study(folder / "tuning.db", params, sides)
            _close_killed(study, tracking)
            _begin_with(current(params), study)
            parent = tracking.start_study(study.user_attrs.get(PARENT), study.study_name)
            study.set_user_attr(PARENT, parent)
            with tracking.closing_run(parent):
                study.optimize(
                    lambda trial: _try(trial, root, params, sides, tracking, parent),
                    n_trials=trials,
                    timeout=minutes * SECONDS_PER_MINUTE,
                )
                tracking.finish_run(parent, {"best_validation_macro_f1": study.best_value} if done(study) else {})
    except Timeout:
        raise UsageError("another study is running in this project: wait for it, or stop it with Ctrl-C") from None
    return study


def open_study(database: Path, params: Params, sides: dict[str, pd.DataFrame]) -> optuna.Study:
    """Open the study of this data and these parameters, or begin it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # each trial has a line of ours
    common = {"training": training_key(without_tuned(params), sides), "primary": params.promote.primary}
    name = f"tuning-{sha256_json({**common, 'space': {key: repr(value) for key, value in SPACE.items()}})[:12]}"
    study = optuna.create_study(
        study_name=name,
        storage=f"sqlite:///{database}",
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=FULL_TRIALS, n_warmup_steps=FULL_EPOCHS),
        load_if_exists=True,
    )
    study.sampler = optuna.samplers.TPESampler(seed=params.train.seed + len(study.trials))  # going on draws anew
    return study


def done(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the trials that were trained to the end, the best first."""
    whole = study.get_trials(states=(TrialState.COMPLETE,))
    return sorted(whole, key=lambda trial: -(trial.value or 0.0))


def _begin_with(values: dict[str, Any], study: optuna.Study) -> None:
    """Try the parameters as they are next, if the study may hold them and no trial has tried them."""
    wanted = stored(values)
    tried = study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
    if wanted is None or any(trial.user_attrs["values"] == values for trial in tried):
        return
    if not study.get_trials(states=(TrialState.WAITING,)):
        study.enqueue_trial(wanted)


def _close_killed(study: optuna.Study, tracking: Tracking) -> None:
    """Mark what a killed study left running as failed: nobody else runs it, since we hold the lock."""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        if RUN in trial.user_attrs:
            tracking.kill_run(trial.user_attrs[RUN])


def _try(
    trial: optuna.Trial,
    root: Path,
    params: Params,
    sides: dict[str, pd.DataFrame],
    tracking: Tracking,
    parent: str,
) -> float:
    """Run one trial in a run of its own."""
    values = draw(trial)
    tried = applied(params, values)
    trial.set_user_attr("values", values)
    run_id = tracking.start_trial(parent, trial.number, values)
    trial.set_user_attr(RUN, run_id)

    def on_epoch(epoch: int, row: dict[str, float]) -> None:
        tracking.log_epoch(run_id, epoch, row)
        heads = params.promote.primary
        trial.report(sum(row[f"val_{head}_accuracy"] for head in heads) / len(heads), epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    with tracking.closing_run(run_id):
        found = _unless_pruned(lambda: train_and_score(root, tried, sides, on_epoch))
        if found is None:
            tracking.finish_run(run_id, {}, {"tuning.state": "cut off"})
        else:
            figures = {f"validation_{head}_macro_f1": value for head, value in found.heads.items()}
            tracking.finish_run(run_id, {"validation_macro_f1": found.mean, **figures}, {"tuning.state": "whole"})
    if found is None:
        _tell(trial, values, "cut off: worse than the median of the others")
        raise optuna.TrialPruned
    trial.set_user_attr("score", {"low": found.low, "high": found.high, "tracks": found.tracks})
    _tell(trial, values, f"validation macro F1 {found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]")
    return found.mean


def _unless_pruned(run: Callable[[], Score]) -> Score | None:
    try:
        return run()
    except optuna.TrialPruned:
        return None


def _tell(trial: optuna.Trial, values: dict[str, Any], what: str) -> None:
    told = ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in values.items())
    print(f"tune: trial {trial.number + 1}: {what}; {told}", flush=True)  # noqa: T201 - the study's progress
