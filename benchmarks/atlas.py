"""How long the map takes and how much memory, by the number of tracks; synthetic embeddings, each size in a process.

python -m benchmarks.atlas --tracks 400 10000 100000
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from soundatlas.atlas.chart import CATALOGUE, POINT_COLUMNS, MapModel, Prediction
from soundatlas.atlas.drawing import Survey, draw_chart
from soundatlas.atlas.page import write_page
from soundatlas.atlas.points import TEXTS, Points
from soundatlas.atlas.remembered import LayoutMemory
from soundatlas.atlas.similar import similar_table
from soundatlas.audio.descriptors import DESCRIPTORS
from soundatlas.tables import LABELS, empty

if TYPE_CHECKING:
    from soundatlas.atlas.chart import Chart

SIZES = (400, 10_000, 100_000)
DIMENSIONS, CLOUDS, ARTISTS_PER_CLOUD = 256, 40, 25  # as the built-in model's embedding; of a large catalogue
ATTRIBUTES = ("tempo_bpm", "acousticness", "notes_per_second", "polyphony", "mean_pitch")
SEED, NEIGHBOURS, REFIT_SHARE = 7, 10, 0.2
KIBIBYTE, MEGABYTE = 1024, 1e6


def make_survey(count: int) -> Survey:
    """Make tracks in clouds, a genre each; track `n` is the same whatever the count."""
    generator = np.random.default_rng(SEED)
    middles = generator.normal(size=(CLOUDS, DIMENSIONS))
    members = np.arange(count) % CLOUDS
    embeddings = (middles[members] + generator.normal(0, 0.8, (count, DIMENSIONS))).astype(np.float32)
    genres = [f"genre {cloud}" for cloud in members]
    table = pd.DataFrame(
        {
            "point_id": [f"t:{number}" for number in range(count)],
            "layer": CATALOGUE,
            "artist": [f"artist {number % (CLOUDS * ARTISTS_PER_CLOUD)}" for number in range(count)],
            "title": [f"piece {number}" for number in range(count)],
            "genre": genres,
            "year": 1700.0 + members,
            "audio_sha256": [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)],
            "side": np.where(np.arange(count) % 5 == 0, "test", "train"),
            "confidence": 0.7,
        }
    ).reindex(columns=[name for name in POINT_COLUMNS if name not in {"x", "y"}])
    shares = [{genre: 0.7, f"genre {(cloud + 1) % CLOUDS}": 0.3} for genre, cloud in zip(genres, members, strict=True)]
    values = np.random.default_rng(SEED).normal(size=(count, len(ATTRIBUTES))).tolist()
    predictions = [
        Prediction({"genre": tuple(row.items())}, dict(zip(ATTRIBUTES, numbers, strict=True)))
        for row, numbers in zip(shares, values, strict=True)
    ]
    descriptors = pd.DataFrame({name: np.random.default_rng(SEED).normal(size=count) for name in DESCRIPTORS})
    return Survey(
        Points(table.astype(dict.fromkeys(TEXTS, "str")), (), predictions, shares, embeddings),
        descriptors,
        np.array([f"work {number // 2}" for number in range(count)], object),
        np.zeros(count, bool),
        empty(LABELS),
        ("genre",),
        ATTRIBUTES,
        MapModel("soundatlas", "1", "a" * 64),
    )


def measure(count: int) -> dict[str, float]:
    """Draw the map of `count` tracks, then with one more, and write the page; return seconds, megabytes and moves."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        begun = time.perf_counter()
        first = _draw(root, make_survey(count))
        fitted = time.perf_counter()
        second = _draw(root, make_survey(count + 1))
        again = time.perf_counter()
        write_page(first, root / "atlas", {}, {})
        similar_table(first)
        written = time.perf_counter()
        page = sum(path.stat().st_size for path in (root / "atlas").rglob("*") if path.is_file())
    before, after = (chart.points[["x", "y"]].to_numpy()[:count] for chart in (first, second))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE
    return {
        "tracks": count,
        "first_seconds": fitted - begun,
        "again_seconds": again - fitted,
        "page_seconds": written - again,
        "peak_megabytes": peak / MEGABYTE,
        "page_megabytes": page / MEGABYTE,
        "largest_move": float(np.linalg.norm(after - before, axis=1).max()),
        "trustworthiness": float(first.quality["trustworthiness"]),
    }


def _draw(root: Path, survey: Survey) -> Chart:
    memory = LayoutMemory(root, SEED)
    return draw_chart(
        survey,
        memory,
        lambda content: MapModel("soundatlas", None, content),
        neighbours=NEIGHBOURS,
        seed=SEED,
        refit_share=REFIT_SHARE,
    )


def main() -> None:
    """Measure each size in a process of its own, and print a table for the docs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, nargs="+", default=[*SIZES])
    parser.add_argument("--alone", action="store_true", help="measure one size in this process, and print JSON")
    given = parser.parse_args()
    if given.alone:
        print(json.dumps(measure(given.tracks[0])))
        return
    print("| tracks | first map | one track more | page | peak memory | page's size | largest move | trustworthiness |")
    print("|---|---|---|---|---|---|---|---|")
    for count in given.tracks:
        command = [sys.executable, "-m", "benchmarks.atlas", "--alone", "--tracks", str(count)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        print(
            f"| {count:,} | {found['first_seconds']:.1f} s | {found['again_seconds']:.1f} s | "
            f"{found['page_seconds']:.1f} s | {found['peak_megabytes']:.0f} MB | {found['page_megabytes']:.1f} MB | "
            f"{found['largest_move']:g} | {found['trustworthiness']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
