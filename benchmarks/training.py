"""How fast a training goes, and how much of its time it waits for batches.

python -m benchmarks.training [--project FOLDER] [--steps 200]

The same network is trained on batches as they come from the store, and on one batch that is there already; what the
first takes longer is waiting. Run it on quiet processors, after `dvc repro validate`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from soundatlas.environment import hold_memory, quieten

quieten()

from rich.console import Console  # noqa: E402 - TensorFlow reads the environment when it is imported
from rich.table import Table  # noqa: E402

from soundatlas.files import project_root  # noqa: E402
from soundatlas.learning.dataset import Targets, Windows, level_statistics, square_root_balance  # noqa: E402
from soundatlas.learning.fit import compiled_heads  # noqa: E402
from soundatlas.learning.labels import LabelSpace  # noqa: E402
from soundatlas.learning.network import build_network  # noqa: E402
from soundatlas.params import load_params  # noqa: E402
from soundatlas.stages._inputs import load_sides, open_inputs  # noqa: E402

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

REPEATS = 5


def main() -> None:
    """Print windows per second with and without input, interleaved, and the share of time spent waiting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=None, help="default: the project here")
    parser.add_argument("--steps", type=int, default=200, help="steps per repeat")
    arguments = parser.parse_args()
    hold_memory()
    root = arguments.project or project_root()
    params = load_params(root / "params.yaml")
    inputs = open_inputs(root, params)
    train = load_sides(root, inputs)["train"]
    space = LabelSpace.of(train, params.train.classes, params.train.attributes)
    mean_db, std_db = level_statistics(inputs.store, train["audio_sha256"].tolist())
    network = build_network(
        window_frames=inputs.window_frames,
        n_mels=inputs.front_end.n_mels,
        space=space,
        channels=params.train.channels,
        embedding=params.train.embedding,
        dropout=params.train.dropout,
        mean_db=mean_db,
        std_db=std_db,
    )
    heads = compiled_heads(network, space, params.train, total_steps=10 * arguments.steps)
    windows = Windows(
        inputs.store,
        train["audio_sha256"].tolist(),
        Targets.of(train, space),
        inputs.window_frames,
        inputs.front_end.n_mels,
        params.train.batch_size,
    )
    batches = windows.random(
        probabilities=square_root_balance(train[params.train.classes[0]]),
        batches_per_epoch=arguments.steps,
        seed=params.train.seed,
        augmentation=params.train.augmentation,
    )
    still = batches.take(1).cache().repeat()
    _seconds(heads, still, 20)  # the first steps build the graph
    pairs = [
        (_seconds(heads, batches, arguments.steps), _seconds(heads, still, arguments.steps)) for _ in range(REPEATS)
    ]
    table = Table(
        title=f"{REPEATS} interleaved repeats of {arguments.steps} steps, batches of {params.train.batch_size}"
    )
    for column in ("input", "windows/s, median", "slowest", "fastest"):
        table.add_column(column, justify="right")
    for name, seconds in (("from the store", [a for a, _ in pairs]), ("one batch, kept", [b for _, b in pairs])):
        speeds = [arguments.steps * params.train.batch_size / value for value in seconds]
        table.add_row(name, f"{median(speeds):.0f}", f"{min(speeds):.0f}", f"{max(speeds):.0f}")
    console = Console()
    console.print(table)
    shares = [1 - kept / stored for stored, kept in pairs]
    console.print(f"waiting for input: {median(shares):.1%} of the time [{min(shares):.1%}, {max(shares):.1%}]")


def _seconds(heads: keras.Model, batches: tf.data.Dataset, steps: int) -> float:
    begun = time.perf_counter()
    heads.fit(batches, steps_per_epoch=steps, epochs=1, verbose=0, shuffle=False)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
