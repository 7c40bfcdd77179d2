"""Hearing the catalogue from its store."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tiny_project

from soundatlas.audio.spectrogram import analyse_file
from soundatlas.history.store import open_history
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.prediction_key import model_key
from soundatlas.registry.stored_hearing import hear_stored, stored_inputs
from soundatlas.stages import spectrograms
from soundatlas.tables import TRACKS, read_table
from soundatlas.workers import map_in_workers


@pytest.fixture(scope="module")
def _stored(tmp_path_factory, repository):
    """Give a project after `spectrograms`; copy it, never write to it."""
    root = tmp_path_factory.mktemp("stored") / "project"
    params = tiny_project.start_project(root, repository)
    tiny_project.write_catalogue(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDATLAS_WORKERS", "1")
        spectrograms.run(root, params)
    return root


@pytest.fixture
def root(_stored, tmp_path, monkeypatch):
    """Give a copy of that project."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")
    return shutil.copytree(_stored, tmp_path / "project")


@pytest.fixture
def shas(root) -> list[str]:
    """Give the hashes of its tracks."""
    return read_table(root / "data/catalog/tracks.parquet", TRACKS)["audio_sha256"].tolist()


def test_a_stored_track_is_heard_as_its_file_is(root, shas, model):
    """The answer holds what the model says of the file, its log-mel rounded to float16, and is kept in the history."""
    bundle = Bundle(model)
    answers = hear_stored(root, bundle, shas[:2], timeout_seconds=60)
    assert set(answers) == set(shas[:2])
    path = root / "data/audio/00.wav"
    row, heard = answers[shas[0]].row(), bundle.classify_file(path)
    assert row["genre_probabilities"] == pytest.approx(heard.probabilities["genre"], abs=1e-3)
    rounded = {
        part: analyse_file(path, front_end).log_mel.astype(np.float16).astype(np.float32)
        for part, front_end in bundle.front_ends.items()
    }
    said = bundle.classify_log_mels(rounded)
    assert row["genre_probabilities"] == pytest.approx(said.probabilities["genre"], abs=1e-5)
    assert answers[shas[0]].vector() == pytest.approx(said.embedding, abs=1e-5)
    assert row["duration_seconds"] == pytest.approx(0.8)
    with open_history(root) as history:
        assert history.read(model_key(bundle.contract), shas) == answers


def test_what_was_heard_is_not_heard_again(root, shas, model):
    """Of tracks of which one is new, one is heard; the answers are the same."""
    bundle = Bundle(model)
    first = hear_stored(root, bundle, shas[:2], timeout_seconds=60)
    asked = []

    def watch(function, items, **options):
        asked.extend(items)
        return map_in_workers(function, items, **options)

    again = hear_stored(root, bundle, shas[:3], timeout_seconds=60, map_jobs=watch)
    assert [item.audio_sha256 for item in asked] == [shas[2]]
    assert {sha: again[sha] for sha in first} == first


def test_what_is_not_stored_has_no_answer(root, shas, model, repository):
    """A track without spectrogram is left out; so are all where the store holds another front end."""
    bundle = Bundle(model)
    assert list(hear_stored(root, bundle, [shas[0], "f" * 64], timeout_seconds=60)) == [shas[0]]
    params = tiny_project.start_project(root, repository, spectrograms={"n_mels": 24})
    spectrograms.run(root, params)
    assert stored_inputs(root, bundle) is None
    assert list(hear_stored(root, bundle, shas, timeout_seconds=60)) == [shas[0]]  # of the history
    shutil.rmtree(root / "data/spectrograms")
    assert stored_inputs(root, bundle) is None


def test_answers_are_vectors_of_the_model_s_length(root, shas, model):
    """The embedding has length 1 and as many numbers as the model's."""
    vector = hear_stored(root, Bundle(model), shas[:1], timeout_seconds=60)[shas[0]].vector()
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1)
