"""Stage `evaluate`: how good is the model, honestly, and how sure are we?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from soundatlas.errors import DataRefusedError
from soundatlas.files import replacing_folder, write_json
from soundatlas.learning.baselines import baseline_probabilities
from soundatlas.learning.evaluation import Evaluation, Predictions, evaluate
from soundatlas.learning.years import YEAR
from soundatlas.stages._examination import beats, classified, luck, retrieval, unknowns, years
from soundatlas.stages._inputs import load_sides, open_inputs
from soundatlas.stages._run import run_stage

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params


def run(root: Path, params: Params) -> None:
    """Judge `data/model/` on the test tracks, beside the baselines, and write `data/evaluation/`.

    Raises:
        DataRefusedError: when there are no test tracks.
    """
    from soundatlas.learning.contact_sheet import class_rows, write_contact_sheet
    from soundatlas.learning.figures import write_figures
    from soundatlas.registry.bundle import Bundle
    from soundatlas.registry.contract import content_sha256
    from soundatlas.registry.tracking import Tracking

    inputs = open_inputs(root, params)
    sides = load_sides(root, inputs)
    if "test" not in sides:
        raise DataRefusedError("no track with a spectrogram is on the test side: see data/split/split.parquet")
    test = sides["test"]
    bundle = Bundle(root / "data/model")
    content = content_sha256(root / "data/model")
    rows = classified(bundle, inputs, test, "classifying the test tracks")
    model = Predictions(
        {
            head: np.array([list(row.probabilities[head].values()) for row in rows], dtype=np.float32)
            for head in bundle.space.classes
        },
        {name: np.array([row.values[name] for row in rows]) for name in bundle.space.attributes},
    )
    evaluation = evaluate(
        test,
        test["group"].to_numpy(),
        bundle.space,
        model,
        baseline_probabilities(inputs.store, sides["train"], test, bundle.space),
        resample_count=params.evaluate.bootstrap_resamples,
        confidence=params.evaluate.confidence,
    )
    evaluation.metrics["embedding"] = retrieval(bundle, inputs, sides["train"], test, rows, params.evaluate)
    if YEAR not in bundle.space.attributes and (
        found := years(sides["train"], test, bundle.space, model, params.evaluate)
    ):
        evaluation.metrics["attributes"][YEAR] = found
    seconds = params.spectrograms.max_seconds
    evaluation.metrics["beat"] = beats(root, test, rows, seconds, params.evaluate)
    evaluation.metrics["open_set"] = unknowns(root, bundle, test, rows, params.evaluate)
    evaluation.metrics["repeats"] = luck(root, bundle, params.train.seed, test, rows, params.evaluate)
    with replacing_folder(root / "data/evaluation") as folder:
        about_tracks = test[["track_id", "audio_sha256", "group", "path"]].assign(model_sha256=content)
        table = pd.concat([about_tracks, pd.DataFrame([row.row() for row in rows])], axis="columns")
        table.to_parquet(folder / "predictions.parquet", index=False, compression="zstd")
        _write(folder, evaluation, params, tracks=len(test), groups=test["group"].nunique())
        write_figures(folder / "figures", evaluation, root / "data/model/history.csv")
        for head in bundle.space.classes:
            said = dict(zip(table["track_id"], table[head], strict=True))
            chosen = class_rows(head, sides["train"], test, said)
            write_contact_sheet(folder / f"figures/contact_sheet_{head}.png", head, chosen, inputs.store.log_mel)
    Tracking(root).publish(root / "data/model", root / "data/evaluation")
    for head, figures in evaluation.metrics["classes"].items():
        print(  # noqa: T201 - the stage's report
            f"evaluate: {head} macro F1 {figures['macro_f1']:.3f} [{figures['macro_f1_low']:.3f}, "
            f"{figures['macro_f1_high']:.3f}] on {int(figures['tracks'])} test tracks"
        )


def _write(folder: Path, evaluation: Evaluation, params: Params, *, tracks: int, groups: int) -> None:
    about = {
        "split": "test, the source's own"
        if params.split.sides == "official"
        else f"test, grouped by {params.split.group}",
        "seeds": 1,
        "tracks": tracks,
        "groups": groups,
        "confidence": params.evaluate.confidence,
        "interval": f"grouped bootstrap, {params.evaluate.bootstrap_resamples} resamples",
    }
    write_json(folder / "metrics.json", _without_nan({**evaluation.metrics, "about": about}))
    evaluation.per_class.to_csv(folder / "per_class.csv", index=False, lineterminator="\n")
    evaluation.calibration.to_csv(folder / "calibration.csv", index=False, lineterminator="\n")
    for head, rows in evaluation.confusion.groupby("head"):
        rows.to_csv(folder / f"confusion_{head}.csv", index=False, lineterminator="\n")


def _without_nan(value: Any) -> Any:
    """Replace what cannot be computed by null, which JSON has and NaN it has not."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


if __name__ == "__main__":
    run_stage(run)
