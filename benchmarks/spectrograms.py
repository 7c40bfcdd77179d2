"""How fast does a folder of audio become log-mels? Whole processes, interleaved.

`make bench-spectrograms` after a demo, or OPTIONS="--parts clips many one windows listing scaling" for everything.

Each part prints its figures beside their bars; all parts take about half an hour on two processors:

- clips: 60 mp3 clips of 30 s, against librosa, pools of it, and decoding alone
- many: the same with 300 clips
- one: one clip more in a store of 60, against librosa on that clip
- windows: random 3 s windows of the project's own store, a second
- listing: finding one new file among 10,000
- scaling: 10,000 short tracks against 1,000
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.clips import write_clips, write_short_tracks
from benchmarks.spectrogram_runs import FLOOR, LIBROSA_LOOP, LOOP, OURS, POOL, TUNED, Taken, own, run, take_turns, ways
from benchmarks.store_reads import listing_seconds, window_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CLIP_SECONDS = 30.0
SHORT_SECONDS = 1.2
KNOWN_FILES = 10_000


class Figure(NamedTuple):
    """One line of the table: values of the repeats, and the bar that their median must reach."""

    name: str
    values: Sequence[float]
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    def passes(self) -> bool:
        """Return whether the median reaches the bar."""
        middle = statistics.median(self.values)
        return (self.at_least is None or middle >= self.at_least) and (self.at_most is None or middle <= self.at_most)


def main() -> None:
    """Measure the chosen parts, and print one table."""
    options = _options()
    sources = sorted((options.project / "data/audio/demo").glob("*.flac"))
    if not sources:
        sys.exit("the project has no rendered catalogue: run `make demo`")
    figures: list[Figure] = []
    for part in options.parts:
        with tempfile.TemporaryDirectory() as name:
            print(f"measuring {part}", file=sys.stderr)
            figures += PARTS[part](Path(name), sources, options)
    _print(figures, options)
    sys.exit(0 if all(figure.passes() for figure in figures) else 1)


def measure_clips(place: Path, sources: list[Path], options: argparse.Namespace) -> list[Figure]:
    """Compare the ways over some clips."""
    return _compare(place, sources, options, options.clips, bars=(4.5, 3.3, 1.6))


def measure_many(place: Path, sources: list[Path], options: argparse.Namespace) -> list[Figure]:
    """Compare the ways over many clips."""
    return _compare(place, sources, options, options.many, bars=(3.4, 2.2, None))


def _compare(
    place: Path,
    sources: list[Path],
    options: argparse.Namespace,
    count: int,
    bars: tuple[float, float, float | None],
) -> list[Figure]:
    folder, out = place / "clips", place / "out"
    folder.mkdir()
    write_clips(folder, sources, count=count, seconds=CLIP_SECONDS, sample_rate=44_100, channels=2)
    found = take_turns(ways(folder, out, options.workers), out, options.project, options.repeats)
    what, memory = f"{count} clips", [taken.worker_megabytes for taken in found[OURS]]
    return [
        *(Figure(f"{what}: {way}", _seconds(runs), "s") for way, runs in found.items()),
        Figure(f"{what}: librosa / ours", _ratios(found[LOOP], found[OURS]), "x", at_least=bars[0]),
        Figure(f"{what}: librosa pool / ours", _ratios(found[POOL], found[OURS]), "x", at_least=bars[1]),
        Figure(f"{what}: librosa pool, tuned / ours", _ratios(found[TUNED], found[OURS]), "x"),
        Figure(f"{what}: ours / decoding alone", _ratios(found[OURS], found[FLOOR]), "x", at_most=bars[2]),
        Figure(f"{what}: memory of a worker", memory, "MB", at_most=120.0),
    ]


def measure_one(place: Path, sources: list[Path], options: argparse.Namespace) -> list[Figure]:
    """Compare adding one clip to a store with librosa on that clip alone, another clip each time."""
    folder, out, alone = place / "clips", place / "out", place / "alone"
    folder.mkdir()
    write_clips(folder, sources, count=options.clips, seconds=CLIP_SECONDS, sample_rate=44_100, channels=2)
    command = own(folder, out, options.workers)
    run(command, options.project)
    ours, theirs = [], []
    for number in range(1, options.repeats + 1):
        shutil.rmtree(alone, ignore_errors=True)
        alone.mkdir()
        rolled = sources[number:] + sources[:number]
        (clip,) = write_clips(alone, rolled, count=1, seconds=CLIP_SECONDS, sample_rate=44_100, channels=2)
        shutil.copy(clip, folder / f"new-{number}.mp3")
        ours.append(run(command, options.project))
        loop = [sys.executable, str(LIBROSA_LOOP), str(alone), str(out / "alone")]
        theirs.append(run(loop, options.project))
    return [
        Figure("one clip more: soundatlas", _seconds(ours), "s"),
        Figure("one clip more: librosa", _seconds(theirs), "s"),
        Figure("one clip more: librosa / ours", _ratios(theirs, ours), "x", at_least=8.0),
    ]


def measure_windows(place: Path, sources: list[Path], options: argparse.Namespace) -> list[Figure]:
    """Read random windows of the project's store."""
    del place, sources
    rates = [window_rate(options.project / "data/spectrograms", seed) for seed in range(options.repeats)]
    return [Figure("3 s windows read", rates, "/s", at_least=20_000)]


def measure_listing(place: Path, sources: list[Path], options: argparse.Namespace) -> list[Figure]:
    """Find what is new among many files."""
    del sources
    (place / "files").mkdir()
    seconds = listing_seconds(place / "files", KNOWN_FILES, options.repeats)
    return [Figure(f"finding one new file among {KNOWN_FILES:,}", seconds, "s", at_most=0.5)]


def measure_scaling(place: Path, sources: list[Path], options: argparse.Namespace) -> list[Figure]:
    """Compare many short tracks with few, and add one to the many."""
    few, many = sorted(options.tracks)
    found: dict[int, Taken] = {}
    for count in (few, many):
        folder, out = place / str(count), place / f"out-{count}"
        folder.mkdir()
        write_short_tracks(folder, sources, count=count, seconds=SHORT_SECONDS)
        found[count] = run(own(folder, out, options.workers), options.project)
    write_short_tracks(folder / "one", sources, count=1, seconds=SHORT_SECONDS + 0.1)
    added = run(own(folder, out, options.workers), options.project)
    growth = found[many].main_megabytes / found[few].main_megabytes
    return [
        *(Figure(f"{count:,} short tracks", [taken.seconds], "s") for count, taken in found.items()),
        *(Figure(f"{count:,} short tracks: memory", [taken.main_megabytes], "MB") for count, taken in found.items()),
        Figure("time ratio", [found[many].seconds / found[few].seconds], "x", at_most=1.05 * many / few),
        Figure("memory ratio of the main process", [growth], "x", at_most=1.1),
        Figure(f"one more in {many:,}", [added.seconds], "s"),
    ]


PARTS: dict[str, Callable[[Path, list[Path], argparse.Namespace], list[Figure]]] = {
    "clips": measure_clips,
    "many": measure_many,
    "one": measure_one,
    "windows": measure_windows,
    "listing": measure_listing,
    "scaling": measure_scaling,
}


def _seconds(runs: list[Taken]) -> list[float]:
    return [taken.seconds for taken in runs]


def _ratios(numerator: list[Taken], denominator: list[Taken]) -> list[float]:
    return [upper.seconds / lower.seconds for upper, lower in zip(numerator, denominator, strict=True)]


def _print(figures: list[Figure], options: argparse.Namespace) -> None:
    table = Table("", "median", "of all repeats", "bar", "", title=f"{options.workers} workers, clips of 30 s")
    for figure in figures:
        bar = "" if figure.at_most is None else f"<= {figure.at_most:g}"
        bar = bar if figure.at_least is None else f">= {figure.at_least:g}"
        spread = f"{min(figure.values):.4g} to {max(figure.values):.4g}" if len(figure.values) > 1 else ""
        verdict = "" if not bar else "reached" if figure.passes() else "MISSED"
        table.add_row(figure.name, f"{statistics.median(figure.values):.4g} {figure.unit}", spread, bar, verdict)
    Console(width=110).print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="a finished project")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=["clips", "one", "windows", "listing"])
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--many", type=int, default=300)
    parser.add_argument("--tracks", type=int, nargs=2, default=[1_000, 10_000], help="for scaling")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
