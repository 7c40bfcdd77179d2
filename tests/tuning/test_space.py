"""What is searched."""

from __future__ import annotations

import optuna
import pytest
import tiny_project

from soundatlas.errors import ParamsError
from soundatlas.tuning.space import SPACE, Choice, applied, current, draw, stored, without_tuned


@pytest.fixture
def params(repository):
    """Give parameters whose tuned values lie in the space."""
    return tiny_project.params_of(repository, train={"channels": [32, 48, 64], "window_seconds": 3.0})


def test_whatever_is_drawn_can_be_trained_with(params):
    """Fifty draws are parameters that are accepted, and read back as they were drawn: short numbers, real lists."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(50):
        values = draw(study.ask())
        assert current(applied(params, values)) == values
        assert all(len(f"{value:g}") <= 8 for value in values.values() if isinstance(value, float))


def test_params_as_they_are_can_be_a_trial(params):
    """Today's values, stored as the study stores them, come out of a trial unchanged."""
    study = optuna.create_study()
    study.enqueue_trial(stored(current(params)))
    assert draw(study.ask()) == current(params)


def test_params_outside_of_the_space_are_no_trial(params):
    """A value that could not be drawn cannot be stored."""
    outside = params.train.model_copy(update={"channels": [5]})
    assert stored(current(params.model_copy(update={"train": outside}))) is None
    assert stored(current(params) | {"dropout": 0.9}) is None


def test_nothing_but_section_train_changes(params):
    """What is tuned is set, and all else is as it was; without the tuned ones, all trials are alike."""
    changed = applied(params, {"dropout": 0.5, "augmentation.mixup": 0.2})
    assert (changed.train.dropout, changed.train.augmentation.mixup) == (0.5, 0.2)
    assert changed.model_copy(update={"train": params.train}) == params
    assert without_tuned(changed) == without_tuned(params)
    assert params.train.augmentation.mixup != 0.2


def test_impossible_value_is_refused(params):
    """A space that was edited to hold an impossible value is named by its key."""
    with pytest.raises(ParamsError, match=r"train\.dropout"):
        applied(params, {"dropout": 2.0})


def test_every_tuned_parameter_is_one_of_params_yaml(params):
    """The space names parameters that exist, and every choice is one of them that is accepted."""
    for name, dimension in SPACE.items():
        for value in dimension.values if isinstance(dimension, Choice) else (dimension.low, dimension.high):
            assert current(applied(params, {name: value}))[name] == value
