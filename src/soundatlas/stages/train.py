"""Stage `train`: what is the best network we can fit?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.errors import DataRefusedError
from soundatlas.files import read_json, replacing_folder, write_json
from soundatlas.stages._inputs import load_sides, open_inputs, training_key
from soundatlas.stages._run import run_stage

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.learning.inputs import Inputs
    from soundatlas.params import Params


def run(root: Path, params: Params) -> None:
    """Fit the network and write it to `data/model/`; its MLflow run shows each epoch as it ends.

    Raises:
        DataRefusedError: when validation did not pass, or a track's licence does not allow training.
    """
    if not read_json(root / "data/validation/report.json")["passed"]:
        raise DataRefusedError("validation found errors: see data/data_docs/index.html")
    inputs = open_inputs(root, params)
    sides = load_sides(root, inputs)
    for side in ("train", "validation"):
        if side not in sides:
            raise DataRefusedError(f"no track with a spectrogram is on the {side} side: see data/split/split.parquet")
    train, validation = sides["train"], sides["validation"]
    refuse_restricted(
        pd.concat([train, validation]), allowed=params.train.i_have_permission_to_train_on_restricted_content
    )
    _fit(root, params, inputs, train, validation)


def refuse_restricted(tracks: pd.DataFrame, *, allowed: bool) -> None:
    """Refuse tracks whose terms forbid training, unless the user says that they hold permission.

    Raises:
        DataRefusedError: naming how many there are and the parameter.
    """
    restricted = tracks.loc[tracks["ml_use"] == "restricted", "track_id"]
    if len(restricted) and not allowed:
        names = ["train.i_have_permission_to_train_on_restricted_content"]
        if restricted.str.startswith("spotify:").any():
            names = ["catalog.i_have_permission_to_train_on_spotify_content", *names]
        raise DataRefusedError(
            f"{len(restricted)} tracks may not be used for training (e.g. {restricted.iloc[0]}): leave their source "
            f"out, or set {' or '.join(names)} if you hold written permission"
        )


def _fit(root: Path, params: Params, inputs: Inputs, train: pd.DataFrame, validation: pd.DataFrame) -> None:
    from soundatlas.learning.resume import Checkpoint
    from soundatlas.learning.training import train_model
    from soundatlas.registry.bundle_writing import write_bundle
    from soundatlas.registry.contract import content_sha256
    from soundatlas.registry.tracking import Tracking
    from soundatlas.registry.training_tracks import write_training_tracks

    settings = {name: section for name, section in params.model_dump(by_alias=True).items() if name in LOGGED_SECTIONS}
    about = {
        "params": settings,
        "tracks": {"train": len(train), "validation": len(validation)},
        "hours": {
            "train": train["duration_seconds"].sum() / 3600,
            "validation": validation["duration_seconds"].sum() / 3600,
        },
    }
    checkpoint = Checkpoint(root / CHECKPOINT, training_key(params, {"train": train, "validation": validation}))
    tracking = Tracking(root)
    run_id = tracking.resume_training(checkpoint.extra.get("run_id")) or tracking.start_training(about)
    if checkpoint.history:
        print(f"train: goes on after epoch {len(checkpoint.history)}", flush=True)  # noqa: T201 - the stage's progress

    def on_epoch(epoch: int, row: dict[str, float]) -> None:
        tracking.log_epoch(run_id, epoch, row)
        accuracies = ", ".join(f"{head} {row[f'val_{head}_accuracy']:.2f}" for head in params.train.classes)
        print(  # noqa: T201 - the stage's progress
            f"train: epoch {epoch} of {params.train.epochs}: loss {row['loss']:.3f}, validation loss "
            f"{row['val_loss']:.3f}, window accuracy {accuracies}",
            flush=True,
        )

    with tracking.closing_run(run_id), replacing_folder(root / "data/model") as folder:
        trained = train_model(
            inputs, train, validation, params.train, checkpoint=checkpoint, extra={"run_id": run_id}, on_epoch=on_epoch
        )
        examples = [inputs.network_store.log_mel(sha) for sha in validation["audio_sha256"].head(EXAMPLES)]
        write_bundle(
            folder, trained, inputs.network_front_end, params.train, features=inputs.features, examples=examples
        )
        history = trained.fitted.history if trained.fitted else []
        columns = ["epoch", *sorted(set(history[0]) - {"epoch"})] if history else HISTORY_COLUMNS
        table = pd.DataFrame(history, columns=columns)
        table.to_csv(folder / "history.csv", index=False, lineterminator="\n")
        kept = trained.fitted.kept_epoch if trained.fitted else 0
        write_json(folder / "about.json", about | {"kept_epoch": kept, "epochs_run": len(history)})
        write_training_tracks(folder, {"train": train, "validation": validation})
        tracking.log_training_tracks(run_id, folder)
        tracking.finish_training(run_id, content_sha256(folder))
    checkpoint.remove()
    print(f"train: kept epoch {kept} of {len(history)}" if history else f"train: heads over {params.train.backbone}")  # noqa: T201


CHECKPOINT = "data/.unfinished/train"  # what a killed training goes on from
HISTORY_COLUMNS = ["epoch", "loss", "val_loss"]
EXAMPLES = 8  # tracks on which the export is compared with the network
LOGGED_SECTIONS = ("catalog", "spectrograms", "split", "train")

if __name__ == "__main__":
    run_stage(run)
