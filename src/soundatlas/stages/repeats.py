"""Stage `repeats`: what would another seed have said, and what a split that does not keep works together?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.files import replacing_file, write_json
from soundatlas.learning.repeats import GROUPED, RANDOM, random_sides
from soundatlas.stages._inputs import load_sides, open_inputs, training_key
from soundatlas.stages._run import run_stage
from soundatlas.tables import SIDES, SPLIT, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.learning.inputs import Inputs
    from soundatlas.params import Params

FOLDER = "data/repeats"


def run(root: Path, params: Params) -> None:
    """Train again with other seeds on the split, and as often on a random split, and write what each predicts.

    A finished training is kept: a killed stage goes on with the next one. `data/repeats/` holds a table per training;
    the first seed on the split is stage `train`'s own, and is not repeated here.
    """
    inputs = open_inputs(root, params)
    split = read_table(root / "data/split/split.parquet", SPLIT)
    seeds = range(params.train.seed, params.train.seed + params.repeats.seeds)
    wanted = [(GROUPED, split, seed) for seed in seeds[1:]]
    if params.repeats.random_split:
        wanted += [(RANDOM, random_sides(split, params.split), seed) for seed in seeds]
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    names: dict[str, str] = {}
    for number, (kind, sides_of_tracks, seed) in enumerate(wanted, start=1):
        sides = load_sides(root, inputs, sides_of_tracks)
        if empty := [side for side in SIDES if side not in sides]:
            print(f"repeats: {number} of {len(wanted)}: left out: the {kind} split has no {empty[0]} tracks")  # noqa: T201
            continue
        key = training_key(params, sides, seed=seed)
        names[f"{kind}-{seed}.parquet"] = key
        path = folder / f"{kind}-{seed}.parquet"
        if path.is_file() and pd.read_parquet(path, columns=["key"])["key"].eq(key).all():
            print(f"repeats: {number} of {len(wanted)}: {kind} split, seed {seed}: kept")  # noqa: T201 - progress
            continue
        print(f"repeats: {number} of {len(wanted)}: {kind} split, seed {seed}: training", flush=True)  # noqa: T201
        table = train_and_predict(inputs, sides, params, seed)
        with replacing_file(path) as beside:
            table.assign(split=kind, seed=seed, key=key).to_parquet(beside, index=False, compression="zstd")
    for path in folder.glob("*.parquet"):
        if path.name not in names:
            path.unlink()
    write_json(folder / "repeats.json", names)


def train_and_predict(inputs: Inputs, sides: dict[str, pd.DataFrame], params: Params, seed: int) -> pd.DataFrame:
    """Train with a seed and return a row per test track: track_id, group, and per head prediction and truth."""
    from soundatlas.learning.training import train_model

    test = sides["test"]
    trained = train_model(inputs, sides["train"], sides["validation"], params.train.model_copy(update={"seed": seed}))
    outputs = trained.outputs(inputs, test["audio_sha256"].tolist())
    columns: dict[str, Any] = {"track_id": test["track_id"], "group": test["group"]}
    for head, names in trained.space.classes.items():
        columns[head] = [names[int(output.logits[head].argmax())] for output in outputs]
        columns[f"{head}_truth"] = test[head].where(test[head].isin(names))
    return pd.DataFrame(columns)


if __name__ == "__main__":
    run_stage(run)
