"""How fast are clips classified, from mp3 to the track's probabilities? `make bench-inference` after `make demo`.

Three ways, interleaved, each warm, over the same clips:
  soundatlas   the worker pool: each worker decodes, computes the log-mel and runs LiteRT on one thread
  plain loop   librosa.load, librosa.feature.melspectrogram and Keras' `model.predict`, the same network
  musicnn      the extractor of the wheel musicnn 0.1.0, its session kept
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from benchmarks.clips import write_clips
from benchmarks.passes import Rival
from soundatlas.environment import quieten
from soundatlas.registry.classification import classify_listing
from soundatlas.registry.pin import Champion, read_champion
from soundatlas.sources.inbox import list_files
from soundatlas.workers import worker_count

CLIP_SECONDS = 30.0
WARM_UP_CLIPS = 8  # as many as are handed out ahead on two cores
TIMEOUT_SECONDS = 120.0
OURS, PLAIN, MUSICNN = "soundatlas", "plain loop", "musicnn"
TARGETS = {PLAIN: 9.0, MUSICNN: 12.0}


def main() -> None:
    """Make the clips, let the three take turns, and print the ratios."""
    options = _options()
    quieten()
    pinned = read_champion(options.project)
    if pinned is None:
        sys.exit("the project has no champion: run `make demo`")
    champion, bundle = pinned
    sources = sorted((options.project / "data/audio/demo").glob("*.flac"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = write_clips(
            folder,
            sources,
            count=options.clips,
            seconds=CLIP_SECONDS,
            sample_rate=options.sample_rate,
            channels=options.channels,
        )
        wheel = options.musicnn or _musicnn(folder)
        rivals = {
            PLAIN: Rival("benchmarks.plain_keras", str(bundle), *map(str, clips)),
            MUSICNN: Rival("benchmarks.musicnn_extractor", str(wheel), *map(str, clips)),
        }
        seconds: dict[str, list[float]] = {OURS: [], PLAIN: [], MUSICNN: []}
        for _ in range(options.repeats):
            seconds[OURS].append(_own_seconds(bundle, champion, clips))
            for rival, process in rivals.items():
                seconds[rival].append(process.seconds())
        for process in rivals.values():
            process.end()
    _report(seconds, options)


def _own_seconds(bundle: Path, champion: Champion, clips: list[Path]) -> float:
    """Return the seconds for all the clips through the pool, from the moment when its processes are warm.

    A few files more than there are clips are given out, and the clock starts when that many have come back.
    """
    root = clips[0].parent
    listing = list_files([*clips[:WARM_UP_CLIPS], *clips], root, max_file_megabytes=100)
    done: list[float] = []
    table = classify_listing(
        bundle,
        champion,
        listing,
        root,
        timeout_seconds=TIMEOUT_SECONDS,
        advance=lambda: done.append(time.perf_counter()),
    )
    if failed := sorted(set(table["status"]) - {"classified"}):
        sys.exit(f"clips could not be classified: {failed}")
    return done[-1] - done[WARM_UP_CLIPS - 1]


def _musicnn(folder: Path) -> Path:
    """Fetch musicnn's wheel and unpack it; its pins forbid installing it beside us."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), "musicnn==0.1.0"]
    subprocess.run(command, check=True)
    with zipfile.ZipFile(next(folder.glob("musicnn-*.whl"))) as archive:
        archive.extractall(folder / "musicnn")
    return folder / "musicnn"


def _report(seconds: dict[str, list[float]], options: argparse.Namespace) -> None:
    print(
        f"{options.clips} mp3 clips of {CLIP_SECONDS:g} s, {options.sample_rate} Hz, {options.channels} channels, "
        f"{worker_count()} workers, {options.repeats} interleaved repeats"
    )
    for way, each in seconds.items():
        per_clip = [1000 * value / options.clips for value in each]
        ratios = [other / own for other, own in zip(each, seconds[OURS], strict=True)]
        wanted = f", wanted {TARGETS[way]:g}" if way in TARGETS else ""
        print(
            f"{way:11} {statistics.median(per_clip):7.1f} ms per clip [{min(per_clip):.1f}, {max(per_clip):.1f}]   "
            f"{statistics.median(ratios):5.1f} x [{min(ratios):.1f}, {max(ratios):.1f}]{wanted}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="a finished project")
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sample-rate", type=int, default=44_100, help="of the clips, in Hz")
    parser.add_argument("--channels", type=int, default=2, choices=(1, 2), help="of the clips")
    parser.add_argument("--musicnn", type=Path, help="folder with the unpacked wheel; fetched where it is not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
