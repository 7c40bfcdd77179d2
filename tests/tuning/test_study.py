"""A study: its trials, its runs in MLflow, and going on after a kill."""

from __future__ import annotations

import hashlib

import optuna
import pytest
from filelock import FileLock
from optuna.trial import TrialState

from soundatlas.errors import UsageError
from soundatlas.registry.tracking import Tracking
from soundatlas.tuning import study as studies
from soundatlas.tuning.objective import load_learning_sides
from soundatlas.tuning.space import current, stored
from soundatlas.tuning.study import done, open_study, run_study


def _runs(root):
    """Return the parent's run, and its trials' in their order."""
    tracking = Tracking(root)
    runs = tracking.client.search_runs([tracking.experiment_id()], order_by=["attributes.start_time ASC"])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    return parents[0], [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parents[0].info.run_id]


def _files(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and "mlruns" not in path.parts
    }


def test_killed_study_goes_on(learnable, tuned_params, monkeypatch):
    """The first trial is params.yaml's own; after Ctrl-C and after a kill the same study and parent run go on."""
    before = _files(learnable)
    first = run_study(learnable, tuned_params, trials=1, minutes=60)
    assert done(first)[0].user_attrs["values"] == current(tuned_params)

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(studies, "train_and_score", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_study(learnable, tuned_params, trials=5, minutes=60)
    assert [run.info.status for run in _runs(learnable)[1]] == ["FINISHED", "KILLED"]
    second = run_study(learnable, tuned_params, trials=1, minutes=60)
    assert second.study_name == first.study_name
    assert [trial.state for trial in second.trials] == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE]
    parent, trials = _runs(learnable)
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["best_validation_macro_f1"] == second.best_value
    assert [run.info.run_name for run in trials] == ["trial 1", "trial 2", "trial 3"]
    assert trials[0].data.params["train.learning_rate"] == str(tuned_params.train.learning_rate)
    assert trials[2].data.metrics["validation_macro_f1"] == second.trials[2].value
    assert "val_loss" in trials[2].data.metrics
    client = Tracking(learnable).client
    assert list(client.search_registered_models()) == []
    assert _files(learnable) == before


def test_hopeless_trial_is_cut_off(learnable, tuned_params):
    """A trial below the median of the others after the epochs that each is given ends there, and its run says so."""
    longer = tuned_params.train.model_copy(update={"epochs": 8, "patience": 8})
    params = tuned_params.model_copy(update={"train": longer})
    (learnable / "mlruns").mkdir()
    study = open_study(learnable / "mlruns/tuning.db", params, load_learning_sides(learnable, params))
    values = current(params) | {"dropout": 0.5}
    distributions = optuna.create_study().ask().distributions
    for _ in range(studies.FULL_TRIALS):
        brilliant = dict.fromkeys(range(1, 9), 2.0)  # no accuracy is above 1
        study.add_trial(
            optuna.create_trial(
                value=0.0,
                intermediate_values=brilliant,
                distributions=distributions,
                user_attrs={"values": values},
            )
        )
    after = run_study(learnable, params, trials=1, minutes=60)
    cut = after.trials[-1]
    assert cut.state == TrialState.PRUNED
    assert max(cut.intermediate_values) == studies.FULL_EPOCHS
    [run] = _runs(learnable)[1]
    assert (run.info.status, run.data.tags["tuning.state"]) == ("FINISHED", "cut off")
    assert "validation_macro_f1" not in run.data.metrics


def test_study_belongs_to_its_data_and_fixed_parameters(learnable, tuned_params):
    """Tuned parameters do not change the study; other labels, seeds and heads to score do."""
    (learnable / "mlruns").mkdir()
    database, sides = learnable / "mlruns/tuning.db", load_learning_sides(learnable, tuned_params)

    def name(params, sides=sides):
        return open_study(database, params, sides).study_name

    def with_train(**changes):
        return tuned_params.model_copy(update={"train": tuned_params.train.model_copy(update=changes)})

    assert name(with_train(dropout=0.6)) == name(tuned_params)
    assert name(with_train(seed=8)) != name(tuned_params)
    primary = tuned_params.promote.model_copy(update={"primary": ["genre"]})
    assert name(tuned_params.model_copy(update={"promote": primary})) != name(tuned_params)
    relabelled = {**sides, "train": sides["train"].assign(genre="reel")}
    assert name(tuned_params, relabelled) != name(tuned_params)


def test_trial_left_running_by_a_kill_is_closed(learnable, tuned_params):
    """What a killed process left running is marked failed, in the study and in MLflow, and its values tried again."""
    tracking = Tracking(learnable)
    sides = load_learning_sides(learnable, tuned_params)
    study = open_study(learnable / "mlruns/tuning.db", tuned_params, sides)
    study.enqueue_trial(stored(current(tuned_params)))
    trial = study.ask()
    trial.set_user_attr("run_id", tracking.start_trial("gone", 0, current(tuned_params)))
    after = run_study(learnable, tuned_params, trials=1, minutes=60)
    assert [each.state for each in after.trials] == [TrialState.FAIL, TrialState.COMPLETE]
    assert after.trials[1].user_attrs["values"] == current(tuned_params)
    assert tracking.client.get_run(trial.user_attrs["run_id"]).info.status == "KILLED"


def test_two_studies_at_once_are_one_too_many(learnable, tuned_params):
    """While one runs, another is told to wait."""
    (learnable / "mlruns").mkdir()
    with FileLock(learnable / "mlruns/tuning.lock"), pytest.raises(UsageError, match="another study is running"):
        run_study(learnable, tuned_params, trials=1, minutes=60)


def test_backbone_alone_has_nothing_to_tune(learnable, tuned_params):
    """Linear heads are fitted whole: no study begins."""
    alone = tuned_params.train.model_copy(update={"backbone": "musicnn"})
    with pytest.raises(UsageError, match="nothing is to tune"):
        run_study(learnable, tuned_params.model_copy(update={"train": alone}), trials=1, minutes=60)
    assert not (learnable / "mlruns").exists()


def test_no_time_left_begins_nothing(learnable, tuned_params):
    """With no minutes to spend, no trial begins, and the study is there to go on with."""
    assert done(run_study(learnable, tuned_params, trials=3, minutes=0.0)) == []
