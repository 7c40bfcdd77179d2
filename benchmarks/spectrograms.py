"""How fast does a folder of mp3 become log-mels? Whole processes, interleaved. `make bench-spectrograms` after a demo.

- soundatlas: `soundatlas spectrograms FOLDER --store OUT`, from nothing
- librosa: the textbook loop: librosa.load, melspectrogram, power_to_db, numpy.save
- librosa pool: the same in a multiprocessing pool
- decoding: soundfile.read in a pool, and nothing else: the floor
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.clips import write_clips

CLIP_SECONDS = 30.0
OURS, LOOP, POOL, FLOOR = "soundatlas", "librosa", "librosa pool", "decoding"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
LIBROSA_LOOP = Path(__file__).with_name("librosa_loop.py")


def main() -> None:
    """Make the clips, let the four take turns, and print seconds and ratios."""
    options = _options()
    sources = sorted((options.project / "data/audio/demo").glob("*.flac"))
    if not sources:
        sys.exit("the project has no rendered catalogue: run `make demo`")
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "clips", Path(name) / "out"
        folder.mkdir()
        write_clips(folder, sources, count=options.clips, seconds=CLIP_SECONDS, sample_rate=44_100, channels=2)
        ways = _ways(folder, out, options.workers)
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        peak = 0
        for _ in range(options.repeats):
            for way, command in ways.items():
                shutil.rmtree(out, ignore_errors=True)
                taken, megabytes = _timed(command, options.project)
                seconds[way].append(taken)
                peak = max(peak, megabytes) if way == OURS else peak
        _report(seconds, options, peak)
        _report_one_more(folder, out, sources, options)


def _ways(folder: Path, out: Path, workers: int) -> dict[str, list[str]]:
    loop = [sys.executable, str(LIBROSA_LOOP), str(folder), str(out)]
    return {
        OURS: _own(folder, out, workers),
        LOOP: loop,
        POOL: [*loop, "--processes", str(workers)],
        FLOOR: [*loop, "--processes", str(workers), "--decode-only"],
    }


def _own(folder: Path, out: Path, workers: int) -> list[str]:
    program = "from soundatlas.cli import main; main()"
    arguments = ["spectrograms", str(folder), "--store", str(out / "store"), "--workers", str(workers)]
    return [sys.executable, "-c", program, *arguments]


def _timed(command: list[str], project: Path) -> tuple[float, int]:
    """Run a command in the project; return its wall time in seconds and its largest worker's peak memory in MB."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=project, env={**os.environ, **ONE_THREAD}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    largest = 0
    while process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            largest = max(largest, _largest_worker(process.pid))
        time.sleep(0.05)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with code {process.returncode}")
    return time.perf_counter() - begun, largest // 1_000_000


def _largest_worker(pid: int) -> int:
    """Return the bytes of a process's largest worker; one that has only been forked still shows its parent's."""
    sizes = []
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if any("spawn_main" in argument for argument in child.cmdline()):
                sizes.append(child.memory_info().rss)
    return max(sizes, default=0)


def _report(seconds: dict[str, list[float]], options: argparse.Namespace, peak: int) -> None:
    print(
        f"{options.clips} mp3 clips of {CLIP_SECONDS:g} s, 44.1 kHz stereo, {options.workers} workers, "
        f"{options.repeats} interleaved repeats; largest worker {peak} MB"
    )
    for way, each in seconds.items():
        ratios = [other / own for other, own in zip(each, seconds[OURS], strict=True)]
        print(
            f"{way:13} {statistics.median(each):6.2f} s [{min(each):.2f}, {max(each):.2f}]   "
            f"{options.clips / statistics.median(each):6.1f} clips/s   "
            f"{statistics.median(ratios):5.2f} x soundatlas [{min(ratios):.2f}, {max(ratios):.2f}]"
        )


def _report_one_more(folder: Path, out: Path, sources: list[Path], options: argparse.Namespace) -> None:
    """Compare adding one clip to a store of all with librosa on that clip alone, computed anew each time."""
    shutil.rmtree(out, ignore_errors=True)
    own = _own(folder, out, options.workers)
    _timed(own, options.project)
    alone = folder.parent / "alone"
    ours, theirs = [], []
    for number in range(options.repeats):
        shutil.rmtree(alone, ignore_errors=True)
        alone.mkdir()
        rolled = sources[number:] + sources[:number]
        (clip,) = write_clips(alone, rolled, count=1, seconds=CLIP_SECONDS, sample_rate=44_100, channels=2)
        shutil.copy(clip, folder / f"new-{number}.mp3")
        ours.append(_timed(own, options.project)[0])
        loop = [sys.executable, str(LIBROSA_LOOP), str(alone), str(out / "alone")]
        theirs.append(_timed(loop, options.project)[0])
    ratios = [other / own for other, own in zip(theirs, ours, strict=True)]
    print(
        f"one clip more {statistics.median(ours):.2f} s, librosa on that clip alone {statistics.median(theirs):.2f} s, "
        f"{statistics.median(ratios):.2f} x [{min(ratios):.2f}, {max(ratios):.2f}]"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="a finished project")
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
