"""Training a whole model: the network, linear heads over a backbone, or both, calibrated on the validation tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.audio.stems import mix_of
from soundatlas.audio.windows import cut_windows
from soundatlas.learning.backbone import FUSION, NONE
from soundatlas.learning.beat import TEMPO, BeatPicker, fit_beat
from soundatlas.learning.blend import (
    BACKBONE,
    LINEAR_PARTS,
    NETWORK,
    STATISTICS,
    Calibration,
    blend,
    calibrate,
    linear_output,
)
from soundatlas.learning.fit import Fitted, fit_network
from soundatlas.learning.labels import LabelSpace
from soundatlas.learning.linear_fit import fit_linear_heads
from soundatlas.learning.network import run_network
from soundatlas.learning.open_set import OpenSet, fit_open_set
from soundatlas.learning.references import References
from soundatlas.learning.statistics import statistics_groups, track_statistics
from soundatlas.learning.track import TrackOutput, predict_track

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from soundatlas.learning.inputs import Inputs
    from soundatlas.learning.linear_heads import LinearHeads
    from soundatlas.learning.resume import Checkpoint
    from soundatlas.params import TrainParams


@dataclass(frozen=True)
class Trained:
    """A trained model.

    Attributes:
        space: classes and scales.
        fitted: the network; None where the backbone alone speaks.
        linear: part -> linear heads: over statistics of the spectrogram, over the backbone's features.
        calibration: how much each part counts.
        open_set: how an artist that was never heard is told.
        references: training tracks to which new ones are compared for that; None without linear heads.
        beat: how the beat is picked; None where there is no tempo to learn from.
    """

    space: LabelSpace
    fitted: Fitted | None
    linear: dict[str, LinearHeads]
    calibration: Calibration
    open_set: OpenSet | None
    references: References | None
    beat: BeatPicker | None

    def outputs(self, inputs: Inputs, shas: Sequence[str]) -> list[TrackOutput]:
        """Return what the model says of some tracks, by audio SHA-256, in their order."""
        parts = _parts(self.fitted, self.linear, self.space, inputs, shas)
        return [blend(track, self.calibration) for track in parts]

    def output(self, log_mel: NDArray[np.float32], features: NDArray[np.float32] | None, inputs: Inputs) -> TrackOutput:
        """Return what the model says of one track that is not in the catalogue.

        Args:
            log_mel: dB, of the network's front end: shape (frames, n_mels), with stems (frames, n_mels, 1 + stems).
            features: of the backbone; None without one.
            inputs: whose windows are used.
        """
        parts = {}
        if self.fitted is not None:
            windows = cut_windows(log_mel, inputs.window_frames, inputs.hop_frames)
            parts[NETWORK] = predict_track(run_network(self.fitted.network), self.space, windows)
        if STATISTICS in self.linear:
            statistics = track_statistics(mix_of(log_mel), inputs.front_end)
            parts[STATISTICS] = linear_output(self.linear[STATISTICS], statistics)
        if BACKBONE in self.linear and features is not None:
            parts[BACKBONE] = linear_output(self.linear[BACKBONE], features)
        return blend(parts, self.calibration)


def train_model(
    inputs: Inputs,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    params: TrainParams,
    *,
    checkpoint: Checkpoint | None = None,
    extra: dict[str, Any] | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] = lambda _epoch, _row: None,
) -> Trained:
    """Train on the training tracks; the validation tracks stop, choose and calibrate.

    Args:
        inputs: of all the tracks.
        train: rows of `tables.TRACKS`.
        validation: rows of `tables.TRACKS`.
        params: section `train`.
        checkpoint: see `fit_network`.
        extra: see `fit_network`.
        on_epoch: see `fit_network`; a backbone alone has no epochs.

    Raises:
        DataRefusedError: when a head would have nothing to tell apart.
    """
    space = LabelSpace.of(train, params.classes, params.attributes)
    fitted = None
    linear: dict[str, LinearHeads] = {}
    if params.backbone in {NONE, FUSION}:
        fitted = fit_network(
            inputs.network_store,
            train,
            validation,
            space,
            params,
            window_frames=inputs.window_frames,
            n_mels=inputs.front_end.n_mels,
            stems=len(inputs.network_front_end.stems),
            checkpoint=checkpoint,
            extra=extra,
            on_epoch=on_epoch,
        )
    sides = (train["audio_sha256"].tolist(), validation["audio_sha256"].tolist())
    heard: dict[str, NDArray[np.float32]] = {}  # by linear part, the training tracks' features
    if params.statistics and fitted is not None:
        ours, theirs = (_statistics(inputs, shas) for shas in sides)
        heard[STATISTICS] = ours
        groups = statistics_groups(inputs.front_end.n_mels)
        linear[STATISTICS] = fit_linear_heads(
            ours, train, theirs, validation, space, embedding=params.embedding, groups=groups
        )
    if inputs.features is not None:
        ours, theirs = (inputs.features.of(shas) for shas in sides)
        heard[BACKBONE] = ours
        linear[BACKBONE] = fit_linear_heads(ours, train, theirs, validation, space, embedding=params.embedding)
    parts = _parts(fitted, linear, space, inputs, sides[1])
    calibration = calibrate(parts, space.class_targets(validation), space.attribute_targets(validation))
    blended = [blend(track, calibration) for track in parts]
    open_set = references = None
    if (head := params.open_set.head) is not None:
        if heard:
            part = next(part for part in LINEAR_PARTS if part in heard)
            references = References.of(heard[part], space.class_targets(train)[head])
        truth = space.class_targets(validation)[head]
        open_set = fit_open_set(blended, truth, head, accepted=params.open_set.accepted, references=references)
    beat = _fit_beat(inputs, validation, space, blended) if STATISTICS in linear else None
    return Trained(space, fitted, linear, calibration, open_set, references, beat)


def _fit_beat(
    inputs: Inputs, validation: pd.DataFrame, space: LabelSpace, outputs: list[TrackOutput]
) -> BeatPicker | None:
    if TEMPO not in space.attributes:
        return None
    estimates = [space.attributes[TEMPO].value(output.values[TEMPO]) for output in outputs]
    log_mels = [inputs.store.log_mel(sha) for sha in validation["audio_sha256"]]
    return fit_beat(log_mels, estimates, validation[TEMPO].tolist(), inputs.front_end.frames_per_second)


def _statistics(inputs: Inputs, shas: Sequence[str]) -> NDArray[np.float32]:
    return np.stack([track_statistics(inputs.store.log_mel(sha), inputs.front_end) for sha in shas])


def _parts(
    fitted: Fitted | None, linear: dict[str, LinearHeads], space: LabelSpace, inputs: Inputs, shas: Sequence[str]
) -> list[dict[str, TrackOutput]]:
    """Return per track what each part says."""
    parts: list[dict[str, TrackOutput]] = [{} for _ in shas]
    if fitted is not None:
        run = run_network(fitted.network)
        for part, sha in zip(parts, shas, strict=True):
            windows = cut_windows(inputs.network_store.log_mel(sha), inputs.window_frames, inputs.hop_frames)
            part[NETWORK] = predict_track(run, space, windows)
    if STATISTICS in linear:
        for part, row in zip(parts, _statistics(inputs, shas), strict=True):
            part[STATISTICS] = linear_output(linear[STATISTICS], row)
    if BACKBONE in linear and inputs.features is not None:
        for part, row in zip(parts, inputs.features.of(shas), strict=True):
            part[BACKBONE] = linear_output(linear[BACKBONE], row)
    return parts
