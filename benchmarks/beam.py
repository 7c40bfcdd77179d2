"""What does a second worker of a cluster bring? Beam on Dask, interleaved. `make bench-beam` after a demo.

- one, two: the stage's own work under Beam's DaskRunner, on a cluster of that many worker processes of one thread
- local: the engine without Beam, with two worker processes

Every store is computed from nothing, by clusters that are up and have computed a few clips before the clock starts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.clips import write_clips
from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.files import sha256_file
from soundatlas.params import EngineParams, load_params
from soundatlas.progress import silent
from soundatlas.store.writing import update_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Update = Callable[[Path, Mapping[str, str]], object]

ONE, TWO, LOCAL = "1 Dask worker", "2 Dask workers", "local, 2 workers"
TIMEOUT_SECONDS = 120.0
WARMING = 16  # clips
ROOM = 2  # clips are made in so many folders, each from the catalogue in another order, so that none are equal


def main() -> None:
    """Make the clips, let the three take turns, and print seconds and ratios."""
    options = _options()
    sources = sorted((options.project / "data/audio/demo").glob("*.flac"))
    if not sources:
        sys.exit("the project has no rendered catalogue: run `make demo`")
    if options.clips // ROOM > len(sources):
        sys.exit(f"the catalogue has {len(sources)} tracks: no more than {ROOM * len(sources)} clips differ")
    front_end = FrontEnd.of(load_params(options.project / "params.yaml").spectrograms)
    with tempfile.TemporaryDirectory() as name, ExitStack() as clusters:
        folder = Path(name)
        wanted = _make_clips(folder / "clips", sources, options.clips, options.seconds)
        ways: dict[str, Update] = {
            ONE: _with_dask(1, folder / "clips", front_end, clusters),
            TWO: _with_dask(2, folder / "clips", front_end, clusters),
            LOCAL: partial(_update_locally, folder / "clips", front_end),
        }
        few = dict(sorted(wanted.items())[:WARMING])
        for update in ways.values():
            _seconds(update, folder / "store", few)
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(options.repeats):
            for way, update in ways.items():
                seconds[way].append(_seconds(update, folder / "store", wanted))
    _report(seconds, options)


def _make_clips(folder: Path, sources: list[Path], count: int, seconds: float) -> dict[str, str]:
    """Write the clips, and return SHA-256 -> path in the folder."""
    for number, order in enumerate((sources, sources[::-1])):
        part = folder / str(number)
        part.mkdir(parents=True)
        write_clips(part, order, count=count // ROOM, seconds=seconds, sample_rate=44_100, channels=2)
    return {sha256_file(path): path.relative_to(folder).as_posix() for path in sorted(folder.glob("*/*.mp3"))}


def _with_dask(workers: int, clips: Path, front_end: FrontEnd, clusters: ExitStack) -> Update:
    """Start a cluster of processes, and return what updates a store on it."""
    from distributed import LocalCluster

    from soundatlas.scale.places import Place
    from soundatlas.scale.spectrograms import update_store_with_beam

    cluster = clusters.enter_context(
        LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0")
    )
    address = f"--dask_client_address={cluster.scheduler_address}"
    engine = EngineParams(kind="beam", runner="DaskRunner", options=[address], place=None)

    def update(store: Path, wanted: Mapping[str, str]) -> object:
        return update_store_with_beam(
            Place(str(store)),
            wanted,
            front_end,
            project=Place(str(clips)),
            timeout_seconds=TIMEOUT_SECONDS,
            retries=0,
            engine=engine,
            advance=silent,
        )

    return update


def _update_locally(clips: Path, front_end: FrontEnd, store: Path, wanted: Mapping[str, str]) -> object:
    return update_store(store, wanted, front_end, root=clips, timeout_seconds=TIMEOUT_SECONDS, workers=2)


def _seconds(update: Update, store: Path, wanted: Mapping[str, str]) -> float:
    """Return the seconds of making a store from nothing."""
    shutil.rmtree(store, ignore_errors=True)
    begun = time.perf_counter()
    update(store, wanted)
    return time.perf_counter() - begun


def _report(seconds: dict[str, list[float]], options: argparse.Namespace) -> None:
    print(
        f"{options.clips} mp3 clips of {options.seconds:g} s, 44.1 kHz stereo, {os.cpu_count()} processors, "
        f"{options.repeats} interleaved repeats"
    )
    for way, each in seconds.items():
        ratios = [one / own for one, own in zip(seconds[ONE], each, strict=True)]
        print(
            f"{way:17} {statistics.median(each):6.2f} s [{min(each):.2f}, {max(each):.2f}]   "
            f"{options.clips / statistics.median(each):6.1f} clips/s   "
            f"{statistics.median(ratios):5.2f} x as fast as one [{min(ratios):.2f}, {max(ratios):.2f}]"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="a finished project")
    parser.add_argument("--clips", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
