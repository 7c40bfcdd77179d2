"""Small data sets for the bench: a project with audio, and folds of tracks that were never sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import tiny_project

from benchmarks.quality.data import Collection
from benchmarks.quality.splits import Fold
from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.learning.evaluation import Predictions
from soundatlas.learning.labels import LabelSpace
from soundatlas.store.writing import update_store
from soundatlas.tables import FAILURES, TRACKS, conform, empty

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """Give a project with audio, catalogue, split and spectrograms; read it, never write to it."""
    root = tmp_path_factory.mktemp("bench") / "project"
    params = tiny_project.start_project(root, repository)
    tracks = tiny_project.write_catalogue(root)
    wanted = dict(zip(tracks["audio_sha256"], tracks["path"], strict=True))
    front_end = FrontEnd.of(params.spectrograms)
    update_store(root / "data/spectrograms", wanted, front_end, root=root, timeout_seconds=60)
    return root


@pytest.fixture(scope="session")
def collection_of() -> Callable[..., Collection]:
    """Give a function that makes a collection of rows that name only what matters; ids and hashes are counted."""

    def make(rows: list[dict[str, Any]], **changes: Any) -> Collection:
        numbered = [
            {"track_id": f"t:{number:03d}", "audio_sha256": f"{number:064d}", "title": f"title {number}"} | row
            for number, row in enumerate(rows)
        ]
        tracks = conform(pd.DataFrame(numbered), TRACKS)
        return Collection(**{"name": "set", "root": Path(), "tracks": tracks, "failures": empty(FAILURES)} | changes)

    return make


@pytest.fixture
def fold() -> Fold:
    """Give six training, three validation and three test tracks of three genres; a test track's genre is new."""

    def side(name: str, genres: list[str]) -> pd.DataFrame:
        rows = [
            {
                "track_id": f"{name}:{number}",
                "audio_sha256": f"{name}{number}",
                "genre": genre,
                "tempo_bpm": 90.0 + number,
            }
            for number, genre in enumerate(genres)
        ]
        table = conform(pd.DataFrame(rows), TRACKS)
        return table.assign(group=table["track_id"], path="clip.wav")

    train = side("train", ["jig", "reel", "waltz"] * 2)
    return Fold(
        "work",
        0,
        train,
        side("validation", ["jig", "reel", "waltz"]),
        side("test", ["jig", "march", "waltz"]),
        LabelSpace.of(train, ["genre"], ["tempo_bpm"]),
    )


@dataclass
class CountingPeer:
    """A peer that is always sure of the first class, and counts its trainings."""

    name: str = "counting"
    title: str = "counting"
    seeded: bool = True
    code: tuple[Path, ...] = ()
    strength: float = 1.0
    trainings: int = 0
    notes: tuple[str, ...] = ("counted",)

    def missing(self) -> None:
        """Run anywhere."""

    def settings(self, _params: Any) -> dict[str, Any]:
        """Have one setting."""
        return {"strength": self.strength}

    def prepare(self, dataset: Any, params: Any) -> None:
        """Need nothing."""

    def fit(self, task: Any) -> CountingPeer:
        """Count."""
        self.trainings += 1
        self.space = task.fold.space
        return self

    def predict(self, tracks: pd.DataFrame) -> Predictions:
        """Be sure of the first class, and of the mean."""
        first = {
            head: np.eye(len(names), dtype=np.float32)[[0] * len(tracks)] for head, names in self.space.classes.items()
        }
        means = {name: np.full(len(tracks), scale.mean) for name, scale in self.space.attributes.items()}
        return Predictions(first, means)

    def knownness(self, tracks: pd.DataFrame, _predictions: Predictions) -> dict[str, Any]:
        """Know each track a little better than the one before it."""
        return {head: np.linspace(0.0, 1.0, len(tracks)) for head in self.space.classes}

    def embed(self, tracks: pd.DataFrame) -> Any:
        """Place the tracks by their tempo, in a plane."""
        angles = tracks["tempo_bpm"].to_numpy() - tracks["tempo_bpm"].min()
        return np.stack([np.cos(angles / 10), np.sin(angles / 10)], axis=1)

    def predict_file(self, path: Path) -> None:
        """Need no look."""


@pytest.fixture
def counting_peer() -> Callable[..., CountingPeer]:
    """Give the class of a peer that counts its trainings."""
    return CountingPeer
