"""soundatlas as a peer of the bench: the one place here that knows how its model is trained and applied."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality.peer import highest_probabilities
from soundatlas.audio.spectrogram import FrontEnd, analyse_file
from soundatlas.errors import SoundatlasError
from soundatlas.learning.evaluation import Predictions
from soundatlas.learning.inputs import Inputs
from soundatlas.learning.track import softmax
from soundatlas.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.data import Dataset
    from benchmarks.quality.peer import Task
    from soundatlas.learning.backbone_features import FeatureTable
    from soundatlas.learning.track import TrackOutput
    from soundatlas.learning.training import Trained
    from soundatlas.params import Params, TrainParams

SOURCE = Path(__file__).resolve().parents[2] / "src" / "soundatlas"
SECONDS_PER_MINUTE = 60
PACE_EPOCHS = 2  # the first one is slower: after the second the pace is known


class _TooSlow(Exception):  # noqa: N818 - a way out of Keras, not an error
    """The epochs asked for do not fit into the time; carries how many do."""

    def __init__(self, epochs: int) -> None:
        super().__init__(epochs)
        self.epochs = epochs


@dataclass(frozen=True)
class FittedSoundatlas:
    """A trained model with what it hears."""

    trained: Trained
    inputs: Inputs
    front_end: FrontEnd
    backbone_front_end: FrontEnd | None
    extract: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None
    notes: tuple[str, ...]

    def predict(self, tracks: pd.DataFrame) -> Predictions:
        """Say what the model says of tracks of the catalogue."""
        return self._predictions(self.trained.outputs(self.inputs, tracks["audio_sha256"].tolist()))

    def knownness(self, tracks: pd.DataFrame, predictions: Predictions) -> dict[str, NDArray[np.float64]]:
        """Have a measure of its own for the head whose classes may be unknown."""
        found = highest_probabilities(predictions)
        if (open_set := self.trained.open_set) is not None:
            outputs = self.trained.outputs(self.inputs, tracks["audio_sha256"].tolist())
            own = [open_set.knownness(output, self.trained.references) for output in outputs]
            found[open_set.head] = np.array(own)
        return found

    def embed(self, tracks: pd.DataFrame) -> NDArray[np.float32]:
        """Have the embedding of the map."""
        outputs = self.trained.outputs(self.inputs, tracks["audio_sha256"].tolist())
        return np.stack([output.embedding for output in outputs])

    def predict_file(self, path: Path) -> None:
        """Decode, compute spectrogram and features, and blend the parts."""
        features = None
        if self.backbone_front_end is not None and self.extract is not None:
            features = self.extract(analyse_file(path, self.backbone_front_end).log_mel)
        self.trained.output(analyse_file(path, self.front_end).log_mel, features, self.inputs)

    def _predictions(self, outputs: list[TrackOutput]) -> Predictions:
        space = self.trained.space
        return Predictions(
            {
                head: softmax(np.stack([row.logits[head] for row in outputs])).astype(np.float32)
                for head in space.classes
            },
            {
                name: np.array([row.values[name] for row in outputs]) * scale.std + scale.mean
                for name, scale in space.attributes.items()
            },
        )


@dataclass(frozen=True)
class Soundatlas:
    """The peer.

    Attributes:
        minutes: of wall time for a training. One that would take longer is begun again with as many epochs as the
            rest allows, so that the learning rate still comes down to its end; the table says so.
        backbone: as in `train.backbone`; None: what `params.yaml` says.
    """

    minutes: float
    name: str = "soundatlas"
    title: str = "soundatlas"
    backbone: str | None = None
    seeded: bool = True
    code: tuple[Path, ...] = (Path(__file__), SOURCE / "learning")
    _tables: list[FeatureTable] = field(default_factory=list)
    _extract: list[Callable[[NDArray[np.float32]], NDArray[np.float32]]] = field(default_factory=list)

    def missing(self) -> str | None:
        """Return why the backbone's weights are not there."""
        from soundatlas.learning.backbone import BACKBONES, backbone_of
        from soundatlas.learning.backbone_weights import checkpoint

        try:
            for name in BACKBONES.get(backbone_of(self.backbone or "none"), ()):
                checkpoint(name)
        except SoundatlasError as error:
            return str(error)
        return None

    def settings(self, params: Params) -> dict[str, Any]:
        """Have section `train`, the front end and the limit."""
        train = self._params(params).model_dump(exclude={"seed"})
        return {"minutes": self.minutes, "train": train, "front_end": FrontEnd.of(params.spectrograms).contract()}

    def prepare(self, dataset: Dataset, params: Params) -> None:
        """Compute the backbone's features, where there is one."""
        from soundatlas.learning.backbone import FeatureExtractor, backbone_of, feature_contract, feature_program
        from soundatlas.learning.backbone_features import FeatureTable

        name = backbone_of(self._params(params).backbone)
        if name == "none":
            return
        front_end = _backbone_front_end(params)
        store = dataset.stores.of(front_end)
        extract = FeatureExtractor(feature_program(name)).track_features
        shas = tuple(sorted(sha for sha in dataset.heard["audio_sha256"].unique() if sha in store))
        rows = []
        with progress(f"listening with {name}", len(shas)) as advance:
            for sha in shas:
                rows.append(extract(store.log_mel(sha)))
                advance()
        self._extract.append(extract)
        self._tables.append(FeatureTable(feature_contract(name, front_end), shas, np.stack(rows)))

    def fit(self, task: Task) -> FittedSoundatlas:
        """Train with the parameters of `params.yaml` and the task's seed and heads."""
        front_end = FrontEnd.of(task.params.spectrograms)
        space = task.fold.space
        train = self._params(task.params).model_copy(
            update={"seed": task.seed, "classes": [*space.classes], "attributes": [*space.attributes]}
        )
        if train.open_set.head not in space.classes:
            train = train.model_copy(update={"open_set": train.open_set.model_copy(update={"head": None})})
        frames = front_end.frames(train.window_seconds)
        features = self._tables[-1] if self._tables else None
        store = task.dataset.stores.of(front_end)
        hop_frames = train.hop_frames(frames)
        inputs = Inputs(store, features, frames, hop_frames, front_end)
        trained, notes = self._fit_in_time(task, train, inputs)
        extract = self._extract[-1] if self._extract else None
        return FittedSoundatlas(
            trained, inputs, front_end, _backbone_front_end(task.params) if features else None, extract, notes
        )

    def _params(self, params: Params) -> TrainParams:
        return params.train if self.backbone is None else params.train.model_copy(update={"backbone": self.backbone})

    def _fit_in_time(self, task: Task, train: TrainParams, inputs: Inputs) -> tuple[Trained, tuple[str, ...]]:
        try:
            return _fit(task, train, inputs, self.minutes * SECONDS_PER_MINUTE), ()
        except _TooSlow as slow:
            shorter = train.model_copy(update={"epochs": slow.epochs})
            trained = _fit(task, shorter, inputs, float("inf"))
            return trained, (f"{slow.epochs} of {train.epochs} epochs: {self.minutes:g} min",)


def soundatlas_peers(minutes: float) -> list[Soundatlas]:
    """Return soundatlas as `params.yaml` has it, and with each kind of backbone."""
    return [
        Soundatlas(minutes),
        Soundatlas(minutes, "soundatlas_scratch", "soundatlas, backbone none", "none"),
        Soundatlas(minutes, "soundatlas_musicnn", "soundatlas, backbone musicnn_msd", "musicnn_msd"),
        Soundatlas(minutes, "soundatlas_fusion", "soundatlas, backbone fusion", "fusion"),
    ]


def _backbone_front_end(params: Params) -> FrontEnd:
    from soundatlas.learning.backbone import backbone_front_end

    return backbone_front_end(params.spectrograms.min_seconds, params.spectrograms.max_seconds)


def _fit(task: Task, train: TrainParams, inputs: Inputs, seconds: float) -> Trained:
    """Return the trained model.

    Raises:
        _TooSlow: when two epochs have shown that all of them do not fit into the seconds.
    """
    from soundatlas.learning.training import train_model

    ends = [time.perf_counter()]
    with progress(f"{train.backbone}: soundatlas learns, seed {task.seed}", train.epochs) as advance:

        def on_epoch(epoch: int, _row: dict[str, float]) -> None:
            ends.append(time.perf_counter())
            advance()
            pace = ends[-1] - ends[-2]
            if epoch == PACE_EPOCHS and pace * train.epochs > seconds:
                raise _TooSlow(max(1, int((seconds - (ends[-1] - ends[0])) / pace)))

        return train_model(inputs, task.fold.train, task.fold.validation, train, on_epoch=on_epoch)
