"""Stage `repeats`: the same training with other luck, and on another split."""

from __future__ import annotations

import pandas as pd
import pytest

from soundatlas.errors import ParamsError
from soundatlas.files import read_json
from soundatlas.learning.repeats import FOLDS, GROUPED, RANDOM
from soundatlas.stages import repeats
from soundatlas.tables import SPLIT, read_table


def _names(root) -> list[str]:
    return sorted(path.name for path in (root / repeats.FOLDER).glob("*.parquet"))


@pytest.fixture
def told(monkeypatch) -> list[tuple[str, int]]:
    """Train nothing: predict the first artist for everybody, and tell the seeds that were asked for."""
    asked = []

    def train_and_predict(_inputs, sides, _params, seed):
        asked.append((len(sides["test"]), seed))
        test = sides["test"]
        guess = {
            "artist": test["artist"].iloc[0],
            "artist_truth": test["artist"],
            "genre": "reel",
            "genre_truth": "reel",
        }
        return pd.DataFrame({"track_id": test["track_id"], "group": test["group"], **guess})

    monkeypatch.setattr(repeats, "train_and_predict", train_and_predict)
    return asked


def _params(tiny_params, **changed):
    return tiny_params.model_copy(update={"repeats": tiny_params.repeats.model_copy(update=changed)})


def test_other_seeds_and_a_random_split_are_trained_once(catalogued, tiny_params, told, monkeypatch) -> None:
    """Three seeds are two more trainings on the split and three on a random one; a second run trains none."""
    monkeypatch.setattr(repeats, "random_sides", lambda split, _params: split)
    params = _params(tiny_params, seeds=3, random_split=True)
    repeats.run(catalogued, params)
    seed = params.train.seed
    assert [asked for _, asked in told] == [seed + 1, seed + 2, seed, seed + 1, seed + 2]
    assert _names(catalogued) == sorted(
        [f"{GROUPED}-{seed + 1}.parquet", f"{GROUPED}-{seed + 2}.parquet"]
        + [f"{RANDOM}-{number}.parquet" for number in range(seed, seed + 3)]
    )
    assert sorted(read_json(catalogued / "data/repeats/repeats.json")) == _names(catalogued)
    repeats.run(catalogued, params)
    assert len(told) == 5


def test_killed_stage_goes_on_with_the_next_training(catalogued, tiny_params, told, monkeypatch) -> None:
    """What was finished before a kill is kept."""
    params = _params(tiny_params, seeds=3, random_split=False)
    real = repeats.train_and_predict

    def killed(inputs, sides, its_params, seed):
        if seed == params.train.seed + 2:
            raise KeyboardInterrupt
        return real(inputs, sides, its_params, seed)

    monkeypatch.setattr(repeats, "train_and_predict", killed)
    with pytest.raises(KeyboardInterrupt):
        repeats.run(catalogued, params)
    monkeypatch.setattr(repeats, "train_and_predict", real)
    repeats.run(catalogued, params)
    assert [asked for _, asked in told] == [params.train.seed + 1, params.train.seed + 2]


def test_folds_test_every_track_once(catalogued, tiny_params, told, monkeypatch, capsys) -> None:
    """Each fold is a training with the first seed; a second run trains none, and fewer folds replace them."""
    monkeypatch.setattr(repeats, "random_sides", lambda split, _params: split)
    params = _params(tiny_params, seeds=1, random_split=False, folds=3)
    repeats.run(catalogued, params)
    assert [asked for _, asked in told] == [params.train.seed] * 3
    assert _names(catalogued) == [f"fold-{number}-of-3.parquet" for number in (1, 2, 3)]
    tables = pd.concat(pd.read_parquet(path) for path in (catalogued / repeats.FOLDER).glob("*.parquet"))
    usable = read_table(catalogued / "data/split/split.parquet", SPLIT)
    assert sorted(tables["track_id"]) == sorted(usable["track_id"])
    assert set(tables["split"]) == {FOLDS}
    assert "fold 1 of 3: training" in capsys.readouterr().out
    repeats.run(catalogued, params)
    assert len(told) == 3
    repeats.run(catalogued, _params(tiny_params, seeds=1, random_split=False, folds=2))
    assert _names(catalogued) == ["fold-1-of-2.parquet", "fold-2-of-2.parquet"]


def test_more_folds_than_works_are_refused(catalogued, tiny_params, told) -> None:
    """The line names the parameter."""
    with pytest.raises(ParamsError, match=r"repeats\.folds: 20 folds are more than"):
        repeats.run(catalogued, _params(tiny_params, seeds=1, random_split=False, folds=20))
    assert told == []


def test_one_seed_and_no_random_split_train_nothing(catalogued, tiny_params, told) -> None:
    """Whoever asks for no repetition pays for none, and earlier tables go."""
    repeats.run(catalogued, _params(tiny_params, seeds=2, random_split=False))
    repeats.run(catalogued, _params(tiny_params, seeds=1, random_split=False))
    assert len(told) == 1
    assert _names(catalogued) == []
    assert read_json(catalogued / "data/repeats/repeats.json") == {}


def test_a_random_split_without_a_side_is_left_out(catalogued, tiny_params, told, monkeypatch, capsys) -> None:
    """In a tiny catalogue chance may put nobody on a side: that is said, and the rest goes on."""
    monkeypatch.setattr(repeats, "random_sides", lambda split, _params: split.assign(side="train"))
    repeats.run(catalogued, _params(tiny_params, seeds=2, random_split=True))
    assert len(told) == 1
    assert "the random split has no validation tracks" in capsys.readouterr().out


def test_other_labels_are_other_trainings(catalogued, tiny_params, told, change_tracks) -> None:
    """A track that is relabelled makes every repetition stale."""
    params = _params(tiny_params, seeds=2, random_split=False)
    repeats.run(catalogued, params)
    change_tracks(catalogued, genre="waltz")
    repeats.run(catalogued, params)
    assert len(told) == 2


def test_a_real_training_says_something_of_every_test_track(catalogued, tiny_params) -> None:
    """Each head has a prediction among the classes of training, beside the truth."""
    repeats.run(catalogued, _params(tiny_params, seeds=2, random_split=False))
    table = pd.read_parquet(catalogued / "data/repeats" / _names(catalogued)[0])
    assert list(table["track_id"]) == ["demo:08", "demo:09", "demo:10", "demo:11"]
    assert table["artist"].isin(["anna", "bela", "clara"]).all()
    assert table[["split", "seed"]].drop_duplicates().to_numpy().tolist() == [[GROUPED, tiny_params.train.seed + 1]]
