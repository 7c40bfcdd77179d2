"""soundatlas as a peer of the bench: the one place here that knows how its network is fitted and applied."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from soundatlas.audio.spectrogram import FrontEnd, analyse_file
from soundatlas.audio.windows import cut_windows
from soundatlas.learning.evaluation import Predictions
from soundatlas.progress import progress

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.data import Dataset
    from benchmarks.quality.peer import Task
    from soundatlas.learning.labels import LabelSpace
    from soundatlas.learning.network import Predictor
    from soundatlas.params import Params, TrainParams
    from soundatlas.store.reading import SpectrogramStore

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
    """The fitted network with its windows."""

    predictor: Predictor
    space: LabelSpace
    store: SpectrogramStore
    front_end: FrontEnd
    window_frames: int
    hop_frames: int
    notes: tuple[str, ...]

    def predict(self, tracks: pd.DataFrame) -> Predictions:
        """Average each track's windows, from its spectrogram."""
        rows = []
        with progress("soundatlas predicts", len(tracks)) as advance:
            for sha in tracks["audio_sha256"]:
                rows.append(self._track(self.store.log_mel(sha)))
                advance()
        return Predictions(
            {head: np.stack([row[0][head] for row in rows]) for head in self.space.classes},
            {name: np.array([row[1][name] for row in rows]) for name in self.space.attributes},
        )

    def predict_file(self, path: Path) -> None:
        """Decode, compute the spectrogram, average the windows."""
        self._track(analyse_file(path, self.front_end).log_mel)

    def _track(self, log_mel: NDArray[np.float32]) -> tuple[dict[str, NDArray[np.float32]], dict[str, float]]:
        output = self.predictor.track(cut_windows(log_mel, self.window_frames, self.hop_frames))
        return (
            {head: softmax(output.logits[head].astype(np.float64)).astype(np.float32) for head in self.space.classes},
            {name: output.values[name] * scale.std + scale.mean for name, scale in self.space.attributes.items()},
        )


@dataclass(frozen=True)
class Soundatlas:
    """The peer.

    Attributes:
        minutes: of wall time for a training. One that would take longer is begun again with as many epochs as the
            rest allows, so that the learning rate still comes down to its end; the table says so.
    """

    minutes: float
    name: str = "soundatlas"
    title: str = "soundatlas"
    seeded: bool = True
    code: tuple[Path, ...] = (Path(__file__), SOURCE / "learning")

    def missing(self) -> None:
        """Run anywhere."""

    def settings(self, params: Params) -> dict[str, Any]:
        """Have section `train`, the front end and the limit."""
        train = params.train.model_dump(exclude={"seed"})
        return {"minutes": self.minutes, "train": train, "front_end": FrontEnd.of(params.spectrograms).contract()}

    def prepare(self, dataset: Dataset, params: Params) -> None:
        """Need nothing beyond the project's spectrograms."""

    def fit(self, task: Task) -> FittedSoundatlas:
        """Fit the network with the parameters of `params.yaml` and the task's seed and heads."""
        from soundatlas.learning.network import Predictor

        front_end = FrontEnd.of(task.params.spectrograms)
        store = task.dataset.stores.of(front_end)
        train = task.params.train.model_copy(
            update={
                "seed": task.seed,
                "classes": [*task.fold.space.classes],
                "attributes": [*task.fold.space.attributes],
            }
        )
        network, notes = self._fit_in_time(task, train, store, front_end)
        frames = front_end.frames(train.window_seconds)
        hop_frames = max(1, round(frames * (1 - train.window_overlap)))
        return FittedSoundatlas(
            Predictor(network, task.fold.space), task.fold.space, store, front_end, frames, hop_frames, notes
        )

    def _fit_in_time(
        self, task: Task, train: TrainParams, store: SpectrogramStore, front_end: FrontEnd
    ) -> tuple[Any, tuple[str, ...]]:
        try:
            return _fit(task, train, store, front_end, self.minutes * SECONDS_PER_MINUTE), ()
        except _TooSlow as slow:
            shorter = train.model_copy(update={"epochs": slow.epochs})
            network = _fit(task, shorter, store, front_end, float("inf"))
            return network, (f"{slow.epochs} of {train.epochs} epochs: {self.minutes:g} min",)


def _fit(task: Task, train: TrainParams, store: SpectrogramStore, front_end: FrontEnd, seconds: float) -> Any:
    """Return the fitted network.

    Raises:
        _TooSlow: when two epochs have shown that all of them do not fit into the seconds.
    """
    from soundatlas.learning.fit import fit_network

    ends = [time.perf_counter()]
    with progress(f"soundatlas learns, seed {task.seed}", train.epochs) as advance:

        def on_epoch(epoch: int, _row: dict[str, float]) -> None:
            ends.append(time.perf_counter())
            advance()
            pace = ends[-1] - ends[-2]
            if epoch == PACE_EPOCHS and pace * train.epochs > seconds:
                raise _TooSlow(max(1, int((seconds - (ends[-1] - ends[0])) / pace)))

        fitted = fit_network(
            store,
            task.fold.train,
            task.fold.validation,
            task.fold.space,
            train,
            window_frames=front_end.frames(train.window_seconds),
            n_mels=front_end.n_mels,
            on_epoch=on_epoch,
        )
    return fitted.network
