"""`python -m benchmarks.fma_metadata`: in what time and memory FMA's whole metadata load.

    python -m benchmarks.fma_metadata                    as large as the real ones, made up
    python -m benchmarks.fma_metadata --folder ~/fma     the real ones

Loading means: from `tracks.csv` and `echonest.csv` to the tables of tracks and labels of an ingestion, audio aside. The
made-up files have FMA's size: 106,574 tracks, 13,129 of them with Echo Nest attributes, and 52 columns, of which the
biographies are most of 250 MB.
"""

from __future__ import annotations

import csv
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundatlas.progress import progress
from soundatlas.sources.fma import read_metadata
from soundatlas.sources.fma_metadata import ECHONEST_COLUMNS, TRACK_COLUMNS
from soundatlas.sources.fma_place import METADATA
from soundatlas.sources.fma_subset import in_subset
from soundatlas.sources.fma_tables import Heard, labels_table, tracks_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from soundatlas.sources.fma_metadata import Column

TRACKS, ECHONEST_TRACKS = 106_574, 13_129
OTHER_TRACK_COLUMNS, OTHER_ECHONEST_COLUMNS = 44, 241
LICENCES = (
    "Attribution-NonCommercial-ShareAlike 3.0 International",
    "Attribution-NonCommercial-NoDerivatives (aka Music Sharing) 3.0 International",
    "Attribution",
)
MAX_SECONDS, MAX_MEGABYTES = 15.0, 1_500.0
BYTES_PER_MEGABYTE = 1_000_000
RSS_BYTES = 1 if sys.platform == "darwin" else 1024  # what the system counts the most memory in


def main(
    folder: Annotated[Path | None, typer.Option(help="Holds fma_metadata; by default one is made up.")] = None,
) -> None:
    """Load the metadata and say how long that took; exit code 1 when it was too much."""
    if folder is not None:
        within = measure(folder)
    else:
        with tempfile.TemporaryDirectory(prefix="fma-") as made:
            write_metadata(Path(made) / METADATA)
            within = measure(Path(made))
    sys.exit(0 if within else 1)


def measure(folder: Path) -> bool:
    """Load a folder's metadata, print figures, and return whether they are within bounds."""
    size_bytes = sum(path.stat().st_size for path in (folder / METADATA).glob("*.csv"))
    before_bytes = peak_bytes()
    started = time.perf_counter()
    rows, attributes, faulty = read_metadata(folder / METADATA)
    rows = in_subset(rows, "large")
    tracks = tracks_table(rows, attributes, {number: Heard("a.mp3", f"{number:064x}", 30.0) for number in rows.index})
    labels = labels_table(tracks)
    seconds, megabytes = time.perf_counter() - started, peak_bytes() / BYTES_PER_MEGABYTE
    echonest = tracks["danceability"].notna().sum()
    print(
        f"{len(tracks)} tracks, {echonest} with Echo Nest attributes, {len(labels)} labels, {len(faulty)} faulty rows"
    )
    print(f"from {size_bytes / BYTES_PER_MEGABYTE:.0f} MB of CSV in {seconds:.1f} s (at most {MAX_SECONDS:g})")
    print(
        f"peak memory of the process {megabytes:.0f} MB (at most {MAX_MEGABYTES:g}), "
        f"{before_bytes / BYTES_PER_MEGABYTE:.0f} MB of it before"
    )
    return seconds <= MAX_SECONDS and megabytes <= MAX_MEGABYTES


def peak_bytes() -> int:
    """Return the most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_BYTES


def write_metadata(folder: Path) -> None:
    """Write a made-up `tracks.csv` and `echonest.csv` of the real ones' size."""
    folder.mkdir(parents=True)
    chance = random.Random(7)  # noqa: S311 - nothing here is secret
    lists = [("track", f"list_{number}") for number in range(OTHER_TRACK_COLUMNS - 2)]
    texts = [("artist", "bio"), ("album", "information")]
    _write(folder / "tracks.csv", [*TRACK_COLUMNS.values(), *lists, *texts], _track_rows(chance), TRACKS)
    features = [("echonest", "temporal_features", f"{number:03d}") for number in range(OTHER_ECHONEST_COLUMNS)]
    _write(folder / "echonest.csv", [*ECHONEST_COLUMNS.values(), *features], _echonest_rows(chance), ECHONEST_TRACKS)


def _write(path: Path, columns: Sequence[Column], rows: Iterator[list[str]], count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file, progress(f"making up {path.name}", count) as advance:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows(["", *names] for names in zip(*columns, strict=True))
        writer.writerow(["track_id", *[""] * len(columns)])
        for row in rows:
            writer.writerow(row)
            advance()


def _track_rows(chance: random.Random) -> Iterator[list[str]]:
    """Yield rows in the order of `TRACK_COLUMNS`, lists and texts after them."""
    words = ["".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 9))) for _ in range(5000)]
    texts = [f'<p>{" ".join(chance.choices(words, k=160))}\n"quoted"</p>' for _ in range(5000)]
    for number in range(2, TRACKS + 2):
        artist, album = number % 16_341, number % 14_854
        date = f"{1990 + album % 27}-{1 + album % 12:02d}-01 00:00:00"
        licence = LICENCES[number % len(LICENCES)]
        own = [f"Artist {artist}", f"Album {album}", date, f"Title {number}", "Rock", licence, "training", "large"]
        lists = [f"[{number}, 12]"] * (OTHER_TRACK_COLUMNS - 2)
        yield [str(number), *own, *lists, texts[artist % 5000], texts[album % 5000]]


def _echonest_rows(chance: random.Random) -> Iterator[list[str]]:
    columns = len(ECHONEST_COLUMNS) + OTHER_ECHONEST_COLUMNS
    for number in range(2, 8 * ECHONEST_TRACKS, 8):
        yield [str(number), *[f"{chance.random():.10f}" for _ in range(columns)]]


if __name__ == "__main__":
    typer.run(main)
