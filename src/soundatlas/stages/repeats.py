"""Stage `repeats`: what would another seed have said, another split, or folds that test every track?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.files import replacing_file, write_json
from soundatlas.learning.repeats import FOLDS, GROUPED, RANDOM, folds_of_sides, random_sides
from soundatlas.stages._inputs import load_sides, open_inputs, training_key
from soundatlas.stages._run import run_stage
from soundatlas.tables import SIDES, SPLIT, TRACKS, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from soundatlas.learning.inputs import Inputs
    from soundatlas.params import Params

FOLDER = "data/repeats"


def run(root: Path, params: Params) -> None:
    """Train again with other seeds on the split, as often on a random split, and on folds; write what each predicts.

    A finished training is kept: a killed stage goes on with the next one. `data/repeats/` holds a table per training;
    the first seed on the split is stage `train`'s own, and is not repeated here.
    """
    inputs = open_inputs(root, params)
    split = read_table(root / "data/split/split.parquet", SPLIT)
    wanted = list(_wanted(root, split, params))
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    names: dict[str, str] = {}
    for number, (kind, name, sides_of_tracks, seed) in enumerate(wanted, start=1):
        sides = load_sides(root, inputs, sides_of_tracks)
        if empty := [side for side in SIDES if side not in sides]:
            print(f"repeats: {number} of {len(wanted)}: left out: the {kind} split has no {empty[0]} tracks")  # noqa: T201
            continue
        told = f"repeats: {number} of {len(wanted)}: {_told(kind, name, seed)}"
        key = training_key(params, sides, seed=seed)
        names[f"{name}.parquet"] = key
        path = folder / f"{name}.parquet"
        if path.is_file() and pd.read_parquet(path, columns=["key"])["key"].eq(key).all():
            print(f"{told}: kept")  # noqa: T201 - progress
            continue
        print(f"{told}: training", flush=True)  # noqa: T201 - likewise
        table = train_and_predict(inputs, sides, params, seed)
        with replacing_file(path) as beside:
            table.assign(split=kind, seed=seed, key=key).to_parquet(beside, index=False, compression="zstd")
    for path in folder.glob("*.parquet"):
        if path.name not in names:
            path.unlink()
    write_json(folder / "repeats.json", names)


def _wanted(root: Path, split: pd.DataFrame, params: Params) -> Iterator[tuple[str, str, pd.DataFrame, int]]:
    """Yield kind, name, sides and seed of each training."""
    seeds = range(params.train.seed, params.train.seed + params.repeats.seeds)
    for seed in seeds[1:]:
        yield GROUPED, f"{GROUPED}-{seed}", split, seed
    for seed in seeds if params.repeats.random_split else ():
        yield RANDOM, f"{RANDOM}-{seed}", random_sides(split, params.split), seed
    if params.repeats.folds:
        tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS).set_index("track_id")
        classes = tracks[params.train.classes[0]].reindex(split["track_id"])
        divided = folds_of_sides(split, classes, params.repeats.folds, params.split.validation)
        for number, sides in enumerate(divided, start=1):
            yield FOLDS, f"fold-{number}-of-{len(divided)}", sides, seeds[0]


def _told(kind: str, name: str, seed: int) -> str:
    return name.replace("-", " ") if kind == FOLDS else f"{kind} split, seed {seed}"


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
