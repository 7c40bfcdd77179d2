"""The ways from a folder of audio to log-mels, as whole processes, and what they take.

- soundatlas: `soundatlas spectrograms FOLDER --store OUT`, from nothing
- librosa: the textbook loop: librosa.load, melspectrogram, power_to_db, numpy.save
- librosa pool: the same in a multiprocessing pool, as one would write it
- librosa pool, tuned: the same, each process told to keep to one thread: BLAS's threads take the processors from each
  other
- decoding: soundfile.read in a pool, and nothing else: the floor
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS, LOOP, POOL, TUNED, FLOOR = "soundatlas", "librosa", "librosa pool", "librosa pool, tuned", "decoding"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
LIBROSA_LOOP = Path(__file__).with_name("librosa_loop.py")
PROGRAM = "from soundatlas.start import main; main()"  # what the console script runs
WATCHED_SECONDS = 0.1
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
        TUNED: [*loop, "--processes", str(workers)],
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
            found[way].append(run(command, project, ONE_THREAD if way in (TUNED, FLOOR) else {}))
    return found


def run(command: list[str], project: Path, environment: Mapping[str, str] = MappingProxyType({})) -> Taken:
    """Run a command in the project, and watch its memory."""
    with tempfile.TemporaryFile("w+") as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=project, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=errors
        )
        watch = _Watch(process.pid)
        watch.start()
        process.wait()
        seconds = time.perf_counter() - begun
        watch.end()
        if process.returncode:
            errors.seek(0)
            sys.exit(f"{' '.join(command)} ended with code {process.returncode}: {errors.read().strip()}")
    return Taken(seconds, watch.main / BYTES_PER_MEGABYTE, watch.worker / BYTES_PER_MEGABYTE)


class _Watch(threading.Thread):
    """Looks at the memory of a process and its children now and then: looking takes of the processors, too.

    Attributes:
        main: bytes of the process's largest memory.
        worker: bytes of its largest child's.
    """

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.main = self.worker = 0
        self._process = process
        self._is_over = threading.Event()

    def run(self) -> None:
        """Look until the process or the watch is over."""
        with contextlib.suppress(psutil.NoSuchProcess):
            watched = psutil.Process(self._process)
            while not self._is_over.wait(WATCHED_SECONDS):
                self.main = max(self.main, _most_bytes(watched))
                self.worker = max(self.worker, _largest_worker(watched))

    def end(self) -> None:
        """End the watch."""
        self._is_over.set()
        self.join()


def _largest_worker(process: psutil.Process) -> int:
    sizes = [0]
    for child in process.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            sizes.append(_most_bytes(child))
    return max(sizes)


def _most_bytes(process: psutil.Process) -> int:
    """Return the largest memory that a process had so far, where the system keeps it, or that it has now."""
    now: int = process.memory_info().rss
    with contextlib.suppress(OSError):  # Linux alone keeps it; and the process may just have ended
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return max(now, 1024 * int(line.split()[1]))
    return now
