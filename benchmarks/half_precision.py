"""What does a store in float16, of half the size, change in what the champion says?

After a demo: python -m benchmarks.half_precision [--project DIR]

Every track of the store is classified from its file, and from the store.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.audio.spectrogram import analyse_file
from soundatlas.files import read_json
from soundatlas.learning.blend import BACKBONE
from soundatlas.registry.bundle import Bundle
from soundatlas.store.reading import SpectrogramStore
from soundatlas.tables import TRACKS, read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundatlas.registry.bundle import TrackPrediction

LIMIT = 1e-3  # in probability: from a store in float16 against from the file


def main() -> None:
    """Classify every track twice, and print the largest differences."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="a finished project")
    project = parser.parse_args().project
    bundle = Bundle(find_champion(project))
    if BACKBONE in bundle.front_ends:
        sys.exit("the champion hears through a backbone with a front end of its own, which the store does not hold")
    (front_end,) = {front_end.mix for front_end in bundle.front_ends.values()}
    store = SpectrogramStore(project / "data/spectrograms", front_end.sha256())
    paths = read_table(project / "data/catalog/tracks.parquet", TRACKS).set_index("audio_sha256")["path"]
    found = [
        compare(bundle, analyse_file(project / paths[sha], front_end).log_mel, store.log_mel(sha))
        for sha in store.manifest.index
    ]
    print(f"{len(found)} tracks; log-mels differ by up to {max(row['dB'] for row in found):.4f} dB")
    for name in sorted({name for row in found for name in row} - {"dB"}):
        values = np.array([row[name] for row in found])
        over = int((values > LIMIT).sum())
        print(f"{name:32} largest {values.max():.2e}, median {np.median(values):.2e}, over {LIMIT:g} in {over} tracks")


def find_champion(project: Path) -> Path:
    """Return the folder of the champion's bundle in a project."""
    wanted = read_json(project / "data/champion.json")["content_sha256"]
    for contract in sorted((project / "mlruns").rglob("contract.json")):
        if Bundle(contract.parent).content_sha256 == wanted:
            return contract.parent
    sys.exit("the champion's bundle is not in mlruns/: run `dvc repro`")


def compare(bundle: Bundle, computed: NDArray[np.float32], stored: NDArray[np.float32]) -> dict[str, float]:
    """Return how far apart the predictions are: what is compared -> the largest difference."""
    ours, theirs = (_classify(bundle, each) for each in (computed, stored))
    differences: dict[str, Any] = {"dB": np.abs(computed - stored).max()}
    for head, classes in ours.probabilities.items():
        apart = [abs(theirs.probabilities[head][name] - value) for name, value in classes.items()]
        differences[f"probability of {head}"] = max(apart)
        labels = [max(each.probabilities[head], key=each.probabilities[head].__getitem__) for each in (ours, theirs)]
        differences[f"label of {head} (0 or 1)"] = float(labels[0] != labels[1])
    for name, value in ours.values.items():
        differences[f"value of {name}"] = abs(theirs.values[name] - value)
    differences["embedding"] = np.abs(ours.embedding - theirs.embedding).max()
    return {name: float(value) for name, value in differences.items()}


def _classify(bundle: Bundle, log_mel: NDArray[np.float32]) -> TrackPrediction:
    return bundle.classify_log_mels(dict.fromkeys(bundle.front_ends, log_mel))


if __name__ == "__main__":
    main()
