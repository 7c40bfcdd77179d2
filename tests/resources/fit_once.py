"""Fit a tiny network on separable tracks in a process of its own, and write it and its history to a folder.

python fit_once.py FOLDER SEED
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from soundatlas.environment import quieten

quieten()

import synthetic  # noqa: E402 - TensorFlow reads the environment when it is imported

from soundatlas.learning.export import export_litert  # noqa: E402
from soundatlas.learning.fit import fit_network  # noqa: E402
from soundatlas.learning.labels import LabelSpace  # noqa: E402
from soundatlas.learning.network import save_network  # noqa: E402
from soundatlas.params import AugmentationParams, OpenSetParams, TrainParams  # noqa: E402

WINDOW_FRAMES = 16
TRAIN, VALIDATION = 24, 8
PARAMS = TrainParams(
    classes=["genre", "artist"],
    attributes=["tempo_bpm"],
    backbone="none",
    stems=False,
    statistics=False,
    mixed_precision=True,
    augmentation=AugmentationParams(gain_db=0.0, mask_bands=0, mask_frames=0, mixup=0.0),
    open_set=OpenSetParams(head=None, accepted=0.95),
    i_have_permission_to_train_on_restricted_content=False,
    window_seconds=1.0,
    window_overlap=0.5,
    channels=[4, 8],
    embedding=8,
    dropout=0.1,
    epochs=2,
    windows_per_epoch=960,
    batch_size=16,
    learning_rate=0.01,
    weight_decay=0.0005,
    weight_averaging=0.0,
    label_smoothing=0.1,
    attribute_weight=0.3,
    patience=2,
    seed=0,
)


def main(folder: Path, seed: int) -> None:
    """Fit with `seed` and write the store, the network and a summary to `folder`."""
    tracks, log_mels = synthetic.separable(TRAIN + VALIDATION)
    store = synthetic.write_store(folder / "store", log_mels)
    train, validation = tracks.iloc[:TRAIN], tracks.iloc[TRAIN:]
    space = LabelSpace.of(train, PARAMS.classes, PARAMS.attributes)
    seen: list[tuple[int, dict[str, float]]] = []
    fitted = fit_network(
        store,
        train,
        validation,
        space,
        PARAMS.model_copy(update={"seed": seed}),
        window_frames=WINDOW_FRAMES,
        n_mels=synthetic.N_MELS,
        on_epoch=lambda epoch, row: seen.append((epoch, row)),
    )
    save_network(fitted.network, folder)
    export_litert(fitted.network, folder / "network.tflite")
    summary = {
        "space": space.contract(),
        "mean_db": fitted.mean_db,
        "std_db": fitted.std_db,
        "history": fitted.history,
        "kept_epoch": fitted.kept_epoch,
        "seen": seen,
    }
    (folder / "summary.json").write_text(json.dumps(summary, sort_keys=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
