"""Some audio, heard by one worker: the first of equal files that can be heard answers for all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tiny_project

from soundatlas.files import sha256_file
from soundatlas.history.answers import CLASSIFIED
from soundatlas.registry.contract import content_sha256
from soundatlas.registry.prediction_key import code_sha256
from soundatlas.scale import guards
from soundatlas.scale.hearing import Ear, Waiting, bundle_here, hear
from soundatlas.scale.places import Place


@pytest.fixture
def ear(tmp_path, model, monkeypatch) -> Ear:
    """Give an ear for files of a folder with one clip."""
    monkeypatch.setattr(guards, "PAUSE_SECONDS", 0.0)
    tiny_project.write_clip(tmp_path / "a.wav", 1)
    return Ear(Place(str(tmp_path)), Place(str(model)), content_sha256(model), 120.0, 2, code_sha256())


def test_file_that_cannot_be_read_gives_way_to_an_equal_one(ear, tmp_path):
    """The answer is the audio's; the file that could not be heard keeps its reason."""
    said = hear(Waiting(sha256_file(tmp_path / "a.wav"), ("gone.wav", "a.wav", "never tried.wav")), ear)
    assert said.answer.status == CLASSIFIED
    assert {path: answer.status for path, answer in said.failed.items()} == {"gone.wav": "unreadable"}


def test_without_any_file_there_is_no_answer(ear):
    """What holds for no bytes is not kept: every file has its reason, and the audio has none."""
    said = hear(Waiting("0" * 64, ("gone.wav", "a.wav")), ear)
    assert said.answer is None
    assert {path: answer.status for path, answer in said.failed.items()} == {
        "gone.wav": "unreadable",
        "a.wav": "changed",
    }


def test_worker_with_other_code_hears_nothing(ear, tmp_path):
    """An answer of other code would stand under a key that is not its own."""
    said = hear(Waiting(sha256_file(tmp_path / "a.wav"), ("a.wav",)), replace(ear, code_sha256="another"))
    assert said.answer is None
    assert "another version of soundatlas" in said.fault


def test_bundle_elsewhere_is_fetched_once_per_process(ear, model):
    """A worker keeps its copy of the bundle, and a local one is used where it lies."""
    there = Place("memory://bundle")
    there.fill(model)
    copy = bundle_here(there, ear.bundle_sha256)
    assert content_sha256(copy) == ear.bundle_sha256
    assert bundle_here(there, ear.bundle_sha256) == copy
    assert bundle_here(Place(str(model)), ear.bundle_sha256) == Path(model)
