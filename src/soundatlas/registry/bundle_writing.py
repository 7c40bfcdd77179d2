"""Writing a trained model's bundle, and comparing its LiteRT export with the network that was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.audio.spectrogram import FLOOR_DB
from soundatlas.audio.windows import cut_windows
from soundatlas.files import write_json
from soundatlas.learning.blend import BACKBONE, NETWORK, STATISTICS
from soundatlas.registry.bundle import load_export, window_shape
from soundatlas.registry.contract import (
    BACKBONE_NAME,
    CONTRACT_FORMAT,
    CONTRACT_NAME,
    EXPORT_NAME,
    heads_name,
    read_contract,
)
from soundatlas.registry.golden import golden_log_mel, write_golden

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.audio.stems import AnyFrontEnd
    from soundatlas.learning.backbone_features import FeatureTable
    from soundatlas.learning.training import Trained
    from soundatlas.params import TrainParams

RANDOM_WINDOWS = 16  # of noise around the training tracks' level, for comparing the export with the network
SEED = 0


def write_bundle(
    folder: Path,
    trained: Trained,
    front_end: AnyFrontEnd,
    params: TrainParams,
    *,
    features: FeatureTable | None = None,
    examples: Iterable[NDArray[np.float32]] = (),
) -> None:
    """Write a bundle into an existing folder.

    Args:
        folder: to write into.
        trained: the model.
        front_end: of the network's inputs, with or without stems.
        params: section `train`.
        features: of the backbone; None without one.
        examples: spectrograms of tracks, of that front end, on which the export is compared with the network.

    Raises:
        BundleError: when the export says something else than the network.
        BackboneUnavailableError: when the backbone's weights cannot be had.
    """
    parts: dict[str, AnyFrontEnd] = {}
    if trained.fitted is not None:
        from soundatlas.learning.export import export_litert
        from soundatlas.learning.network import save_network

        parts[NETWORK] = front_end
        save_network(trained.fitted.network, folder)
        export_litert(trained.fitted.network, folder / EXPORT_NAME)
    if STATISTICS in trained.linear:
        parts[STATISTICS] = front_end.mix
    if BACKBONE in trained.linear and features is not None:
        from soundatlas.learning.backbone import backbone_front_end, feature_program

        parts[BACKBONE] = backbone_front_end(front_end.mix.min_seconds, front_end.mix.max_seconds)
        (folder / BACKBONE_NAME).write_bytes(feature_program(features.contract["backbone"]))
    for part, heads in trained.linear.items():
        heads.save(folder / heads_name(part))
    if trained.references is not None:
        trained.references.save(folder)
    write_golden(folder, parts)
    write_json(folder / CONTRACT_NAME, _contract(trained, parts, front_end.mix, params, features))
    if trained.fitted is not None:
        check_export(folder, examples)


def _contract(
    trained: Trained,
    parts: dict[str, AnyFrontEnd],
    front_end: FrontEnd,
    params: TrainParams,
    features: FeatureTable | None,
) -> dict[str, Any]:
    window_frames = front_end.frames(params.window_seconds)
    fitted = trained.fitted
    return {
        "format": CONTRACT_FORMAT,
        "parts": {part: of_part.contract() for part, of_part in parts.items()},
        "backbone": None if features is None else features.contract,
        "window_frames": window_frames,
        "window_hop_frames": params.hop_frames(window_frames),
        "normalisation": {"mean_db": fitted.mean_db if fitted else 0.0, "std_db": fitted.std_db if fitted else 1.0},
        "embedding": params.embedding,
        "calibration": trained.calibration.contract(),
        "open_set": None if trained.open_set is None else trained.open_set.contract(),
        "beat": None if trained.beat is None else trained.beat.contract(),
        **trained.space.contract(),
    }


def check_export(folder: Path, examples: Iterable[NDArray[np.float32]] = ()) -> None:
    """Compare a bundle's LiteRT export with the Keras network beside it, both read from the folder.

    Args:
        folder: of the bundle; one without a network of its own has nothing to compare.
        examples: spectrograms of tracks. Noise, silence and the golden clip are compared in any case.

    Raises:
        BundleError: when they differ, or one gives NaN; with the figure.
    """
    from soundatlas.learning.agreement import check_agreement
    from soundatlas.learning.network import load_network, run_network

    contract = read_contract(folder)
    if NETWORK not in contract.front_ends:
        return
    shape = window_shape(contract)
    noise = np.random.default_rng(SEED).normal(contract.mean_db, contract.std_db, (RANDOM_WINDOWS, *shape))
    silence = np.full((1, *shape), FLOOR_DB)
    tracks = [golden_log_mel(folder, NETWORK), *examples]
    heard = [cut_windows(log_mel, contract.window_frames, contract.hop_frames) for log_mel in tracks]
    windows = np.concatenate([noise, silence, *heard]).astype(np.float32)
    check_agreement(run_network(load_network(folder)), load_export(folder, contract).run, contract.space, windows)
