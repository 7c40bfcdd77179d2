"""All tracks at once."""

from __future__ import annotations

import pandas as pd
import pytest
import tiny_project

from soundatlas.chain.states import read_model
from soundatlas.chain.survey import survey_tracks
from soundatlas.errors import NotReadyError
from soundatlas.history.answers import Answer
from soundatlas.history.store import ModelKey, open_history
from soundatlas.learning.backbone import backbone_front_end, feature_contract, feature_size
from soundatlas.learning.backbone_features import write_features
from soundatlas.store.writing import remove_from_store
from soundatlas.tables import FAILURES, INBOX, conform, empty, write_table


def counts(root, params, listing=None) -> dict[str, tuple[int, int, int, int]]:
    """Return step -> present, missing, stale, failed."""
    found = survey_tracks(root, params, empty(INBOX) if listing is None else listing)
    return {each.step: (each.present, each.missing, each.stale, each.failed) for each in found}


def test_tracks_are_counted_step_by_step(root, shas, tiny_params):
    """What went is missing, what another model heard is stale, what failed is among the missing; no row is computed."""
    (root / "data/audio/02.wav").unlink()
    folder = root / "data/spectrograms"
    remove_from_store(folder, set(shas[:2]))
    failed = {"path": "data/audio/00.wav", "stage": "spectrograms", "reason": "timeout", "message": "took long"}
    write_table(conform(pd.DataFrame([failed]), FAILURES), folder / "failures.parquet")
    with open_history(root) as history:
        history.keep(read_model(root).key, {shas[0]: Answer("classified"), "b" * 64: Answer("classified")})
        history.keep(ModelKey("e" * 64, "c"), {shas[1]: Answer("classified")})
    rows = [
        {"path": "a", "audio_sha256": "b" * 64},
        {"path": "b", "audio_sha256": "c" * 64},
        {"path": "c", "reason": "empty"},
    ]
    assert counts(root, tiny_params, conform(pd.DataFrame(rows), INBOX | {"size_bytes": "float64"})) == {
        "audio file": (11, 1, 0, 0),
        "spectrogram": (10, 2, 0, 1),
        "features": (0, 0, 0, 0),
        "prediction": (1, 10, 1, 0),
        "inbox": (1, 1, 0, 0),
    }


def test_a_store_of_another_front_end_is_stale(root, repository):
    """All that is stored is of other settings than those of params.yaml."""
    params = tiny_project.params_of(repository, spectrograms={"n_mels": 24})
    assert counts(root, params)["spectrogram"] == (0, 0, 12, 0)


def test_features_are_counted_where_a_backbone_is_asked_for(root, shas, repository):
    """Features of another backbone are stale."""
    params = tiny_project.params_of(repository, train={"backbone": "musicnn_msd"})
    front_end = backbone_front_end(params.spectrograms.min_seconds, params.spectrograms.max_seconds)
    path = root / "data/backbone/features.safetensors"
    for name, found in (("musicnn_msd", (1, 11, 0, 0)), ("musicnn_mtt", (0, 11, 1, 0))):
        size = feature_size(name)
        write_features(path, feature_contract(name, front_end), {shas[0]: [0.0] * size}, size)
        assert counts(root, params)["features"] == found


def test_without_a_champion_all_predictions_are_missing(root, tiny_params):
    """Nobody is there to hear them."""
    (root / "data/champion.json").unlink()
    assert counts(root, tiny_params)["prediction"] == (0, 12, 0, 0)


def test_without_a_catalogue_there_is_nothing_to_count(project, tiny_params):
    """The message says what makes one."""
    with pytest.raises(NotReadyError, match="run `dvc repro`"):
        survey_tracks(project, tiny_params, empty(INBOX))
