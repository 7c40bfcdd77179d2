"""Stage `train`: what it refuses to train on, and what it leaves behind."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import tiny_project

from soundatlas.errors import DataRefusedError
from soundatlas.files import read_json, write_json
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.tracking import Tracking
from soundatlas.registry.training_tracks import TRACKS_NAME, read_training_tracks
from soundatlas.stages import train


def test_data_that_did_not_pass_validation_is_refused(catalogued, tiny_params):
    """Whoever runs `train` by hand past a failed validation is stopped, and nothing is made."""
    write_json(catalogued / "data/validation/report.json", {"passed": False})
    with pytest.raises(DataRefusedError, match="validation found errors"):
        train.run(catalogued, tiny_params)
    assert not (catalogued / "data/model").exists()
    assert not (catalogued / "mlruns").exists()


def test_restricted_tracks_are_refused(catalogued, tiny_params, change_tracks):
    """One track whose terms forbid training is enough, and the parameter that would allow it is named."""
    change_tracks(catalogued, ml_use=["restricted", *["allowed"] * 11])
    with pytest.raises(DataRefusedError, match=r"1 tracks.*demo:00.*i_have_permission"):
        train.run(catalogued, tiny_params)
    assert not (catalogued / "data/model").exists()
    assert not (catalogued / "mlruns").exists()


def test_permission_allows_restricted_tracks():
    """With the user's word for it the same tracks are accepted; tracks of unknown terms need no word."""
    tracks = pd.DataFrame({"track_id": ["a", "b"], "ml_use": ["restricted", "unknown"]})
    train.refuse_restricted(tracks, allowed=True)
    train.refuse_restricted(tracks[1:], allowed=False)
    with pytest.raises(DataRefusedError):
        train.refuse_restricted(tracks, allowed=False)


@pytest.mark.parametrize("track_id", ["spotify:x", "folder:a"])
def test_refusal_names_the_permission_that_is_asked_for(track_id):
    """Of Spotify's rows the catalogue's own permission is named too."""
    tracks = pd.DataFrame({"track_id": [track_id], "ml_use": ["restricted"]})
    with pytest.raises(DataRefusedError, match="i_have_permission_to_train_on_restricted_content") as caught:
        train.refuse_restricted(tracks, allowed=False)
    asks_for_spotify = "catalog.i_have_permission_to_train_on_spotify_content" in str(caught.value)
    assert asks_for_spotify == track_id.startswith("spotify:")


def test_restricted_track_on_the_test_side_is_not_trained_on(catalogued, tiny_params, change_tracks, monkeypatch):
    """Only what is learnt from counts: a restricted test track stops nothing."""
    reached = []
    monkeypatch.setattr(train, "_fit", lambda *arguments: reached.append(arguments))
    change_tracks(catalogued, ml_use=[*["allowed"] * 11, "restricted"])
    train.run(catalogued, tiny_params)
    assert len(reached) == 1


@pytest.mark.parametrize("side", ["train", "validation"])
def test_empty_side_is_named(catalogued, tiny_params, side):
    """A split that leaves nobody to learn from, or to stop by, is named."""
    path = catalogued / "data/split/split.parquet"
    split = pd.read_parquet(path)
    split["side"] = split["side"].replace(side, "test")
    split.to_parquet(path, index=False)
    with pytest.raises(DataRefusedError, match=f"the {side} side"):
        train.run(catalogued, tiny_params)


def test_training_leaves_a_model_and_its_run(catalogued, tiny_params, capsys, tmp_path):
    """The bundle loads, the history has a row per epoch, the run bears the bundle's hash, both name the tracks."""
    train.run(catalogued, tiny_params)
    folder = catalogued / "data/model"
    assert Bundle(folder).space.classes == tiny_project.SPACE.classes
    assert list(pd.read_csv(folder / "history.csv")["epoch"]) == [1.0, 2.0]
    about = read_json(folder / "about.json")
    assert about["tracks"] == {"train": 4, "validation": 4}
    assert about["params"]["train"]["epochs"] == 2
    tracking = Tracking(catalogued)
    [run_id] = tracking.find_runs(content_sha256(folder))
    run = tracking.client.get_run(run_id)
    assert run.data.params["train.epochs"] == "2"
    assert len(tracking.client.get_metric_history(run.info.run_id, "val_loss")) == 2
    assert capsys.readouterr().out.splitlines()[-1].startswith("train: kept epoch ")
    tracks = pd.read_parquet(catalogued / "data/catalog/tracks.parquet")["audio_sha256"].tolist()
    heard = {**dict.fromkeys(tracks[:4], "train"), **dict.fromkeys(tracks[4:8], "validation")}
    assert read_training_tracks(folder / TRACKS_NAME) == heard
    kept = tracking.client.download_artifacts(run.info.run_id, TRACKS_NAME, str(tmp_path))
    assert read_training_tracks(Path(kept)) == heard
