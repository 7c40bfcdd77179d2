"""The ways from a folder of audio to log-mels, as whole processes, and what they take.

- soundatlas: `soundatlas spectrograms FOLDER --store OUT`, from nothing
- librosa: the textbook loop: librosa.load, melspectrogram, power_to_db, numpy.save
- librosa pool: the same in a multiprocessing pool
- decoding: soundfile.read in a pool, and nothing else: the floor
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

OURS, LOOP, POOL, FLOOR = "soundatlas", "librosa", "librosa pool", "decoding"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
LIBROSA_LOOP = Path(__file__).with_name("librosa_loop.py")
PROGRAM = "from soundatlas.start import main; main()"  # what the console script runs
WATCHED_SECONDS = 0.02
BYTES_PER_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Taken:
    """What a run took.

    Attributes:
        seconds: of wall time.
        main_megabytes: largest memory of the process itself.
        worker_megabytes: largest memory of one of its workers; 0 where it has none.
    """

    seconds: float
    main_megabytes: float
    worker_megabytes: float


def ways(folder: Path, out: Path, workers: int) -> dict[str, list[str]]:
    """Return way -> its command for all clips of a folder."""
    loop = [sys.executable, str(LIBROSA_LOOP), str(folder), str(out)]
    return {
        OURS: own(folder, out, workers),
        LOOP: loop,
        POOL: [*loop, "--processes", str(workers)],
        FLOOR: [*loop, "--processes", str(workers), "--decode-only"],
    }


def own(folder: Path, out: Path, workers: int) -> list[str]:
    """Return soundatlas's command; its store is the folder `store` of `out`."""
    arguments = ["spectrograms", str(folder), "--store", str(out / "store"), "--workers", str(workers)]
    return [sys.executable, "-c", PROGRAM, *arguments]


def take_turns(commands: dict[str, list[str]], out: Path, project: Path, repeats: int) -> dict[str, list[Taken]]:
    """Let the ways take turns, each from nothing; return way -> what each of its runs took."""
    found: dict[str, list[Taken]] = {way: [] for way in commands}
    for _ in range(repeats):
        for way, command in commands.items():
            shutil.rmtree(out, ignore_errors=True)
            found[way].append(run(command, project))
    return found


def run(command: list[str], project: Path) -> Taken:
    """Run a command in the project, and watch its memory."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=project, env={**os.environ, **ONE_THREAD}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    main = worker = 0
    while process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            watched = psutil.Process(process.pid)
            main = max(main, watched.memory_info().rss)
            worker = max(worker, _largest_worker(watched))
        time.sleep(WATCHED_SECONDS)
    seconds = time.perf_counter() - begun
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with code {process.returncode}")
    return Taken(seconds, main / BYTES_PER_MEGABYTE, worker / BYTES_PER_MEGABYTE)


def _largest_worker(process: psutil.Process) -> int:
    """Return the bytes of a process's largest worker; one that was only forked still shows its parent's program."""
    sizes = [0]
    for child in process.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if any("worker_process" in argument for argument in child.cmdline()):
                sizes.append(child.memory_info().rss)
    return max(sizes)
