"""Stage `train`: what is the best network we can fit?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.errors import DataRefusedError
from soundatlas.files import read_json, replacing_folder, write_json
from soundatlas.learning.labels import LabelSpace
from soundatlas.stages._inputs import load_sides, open_store
from soundatlas.stages._run import run_stage

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params


def run(root: Path, params: Params) -> None:
    """Fit the network and write it to `data/model/`; its MLflow run shows each epoch as it ends.

    Raises:
        DataRefusedError: when validation did not pass, or a track's licence does not allow training.
    """
    if not read_json(root / "data/validation/report.json")["passed"]:
        raise DataRefusedError("validation found errors: see data/data_docs/index.html")
    store = open_store(root, params)
    sides = load_sides(root, store)
    for side in ("train", "validation"):
        if side not in sides:
            raise DataRefusedError(f"no track with a spectrogram is on the {side} side: see data/split/split.parquet")
    train, validation = sides["train"], sides["validation"]
    refuse_restricted(
        pd.concat([train, validation]), allowed=params.train.i_have_permission_to_train_on_restricted_content
    )
    space = LabelSpace.of(train, params.train.classes, params.train.attributes)
    _fit(root, params, store, train, validation, space)


def refuse_restricted(tracks: pd.DataFrame, *, allowed: bool) -> None:
    """Refuse tracks whose terms forbid training, unless the user says that they hold permission.

    Raises:
        DataRefusedError: naming how many there are and the parameter.
    """
    restricted = tracks.loc[tracks["ml_use"] == "restricted", "track_id"]
    if len(restricted) and not allowed:
        raise DataRefusedError(
            f"{len(restricted)} tracks may not be used for training (e.g. {restricted.iloc[0]}): leave their source "
            "out, or set train.i_have_permission_to_train_on_restricted_content if you hold written permission"
        )


def _fit(
    root: Path, params: Params, store: Any, train: pd.DataFrame, validation: pd.DataFrame, space: LabelSpace
) -> None:
    from soundatlas.learning.fit import fit_network
    from soundatlas.registry.bundle import write_bundle
    from soundatlas.registry.contract import content_sha256
    from soundatlas.registry.tracking import Tracking

    front_end = FrontEnd.of(params.spectrograms)
    settings = {name: section for name, section in params.model_dump(by_alias=True).items() if name in LOGGED_SECTIONS}
    about = {
        "params": settings,
        "tracks": {"train": len(train), "validation": len(validation)},
        "hours": {
            "train": train["duration_seconds"].sum() / 3600,
            "validation": validation["duration_seconds"].sum() / 3600,
        },
    }
    tracking = Tracking(root)
    run_id = tracking.start_training(about)

    def on_epoch(epoch: int, row: dict[str, float]) -> None:
        tracking.log_epoch(run_id, epoch, row)
        accuracies = ", ".join(f"{head} {row[f'val_{head}_accuracy']:.2f}" for head in space.classes)
        print(  # noqa: T201 - the stage's progress
            f"train: epoch {epoch} of {params.train.epochs}: loss {row['loss']:.3f}, validation loss "
            f"{row['val_loss']:.3f}, window accuracy {accuracies}",
            flush=True,
        )

    with tracking.closing_run(run_id), replacing_folder(root / "data/model") as folder:
        fitted = fit_network(
            store,
            train,
            validation,
            space,
            params.train,
            window_frames=front_end.frames(params.train.window_seconds),
            n_mels=front_end.n_mels,
            on_epoch=on_epoch,
        )
        write_bundle(
            folder,
            fitted.network,
            space,
            front_end,
            params.train,
            mean_db=fitted.mean_db,
            std_db=fitted.std_db,
            examples=[store.log_mel(sha) for sha in validation["audio_sha256"].head(EXAMPLES)],
        )
        pd.DataFrame(fitted.history).to_csv(folder / "history.csv", index=False, lineterminator="\n")
        write_json(folder / "about.json", about | {"best_epoch": fitted.best_epoch, "epochs_run": len(fitted.history)})
        tracking.finish_training(run_id, content_sha256(folder))
    print(f"train: kept epoch {fitted.best_epoch} of {len(fitted.history)}")  # noqa: T201


EXAMPLES = 8  # tracks on which the export is compared with the network
LOGGED_SECTIONS = ("catalog", "spectrograms", "split", "train")

if __name__ == "__main__":
    run_stage(run)
