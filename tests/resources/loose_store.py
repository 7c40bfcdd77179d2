"""`soundatlas spectrograms` as a user runs it, in a process of its own that may be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil
import soundfile

from soundatlas.errors import StoreError
from soundatlas.store.recognition import KNOWN_SHARDS_NAME
from soundatlas.store.shards import SUFFIX, Shard

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "from soundatlas.start import main; main()"
PATIENCE_SECONDS = 300.0
RATE = 8_000


def write_clips(folder: Path, count: int) -> None:
    """Write clips of noise, each another one, of half a second to a whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        samples = np.random.default_rng(number).normal(0, 0.1, RATE // 2 + 400 * (number % 11))
        soundfile.write(folder / f"{number}.wav", samples, RATE)


@dataclass(frozen=True)
class LooseStore:
    """The folder of a store, and of the audio that belongs into it."""

    project: Path
    music: Path
    store: Path
    prelude: str = ""

    def start(self) -> subprocess.Popen[str]:
        """Start the command, with two workers."""
        arguments = ("spectrograms", str(self.music), "--store", str(self.store), "--workers", "2")
        return subprocess.Popen(
            [sys.executable, "-c", self.prelude + MAIN, *arguments],
            cwd=self.project,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self) -> tuple[int, str, str]:
        """Run the command: its exit code, the last line that it printed, and its errors."""
        process = self.start()
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, (out.splitlines() or [""])[-1], err

    def kept(self) -> set[str]:
        """Return the tracks of the shards that are whole, each of whose bytes are as they were written."""
        tracks = set()
        for path in self.store.glob(f"[!.]*{SUFFIX}"):
            try:
                shard = Shard(path)
            except StoreError:
                continue
            for sha in shard.rows:
                shard.log_mel(sha)
                tracks.add(sha)
        return tracks

    def content(self) -> dict[str, bytes]:
        """Return the store's files, name -> bytes, but for what the shards look like on disk."""
        return {path.name: path.read_bytes() for path in self.store.iterdir() if path.name != KNOWN_SHARDS_NAME}


def end_family(process: subprocess.Popen[str], number: int) -> tuple[list[psutil.Process], str]:
    """Send a process a signal and wait for its end: those of its children that have not ended in time, its errors."""
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(number)
    _, err = process.communicate()
    return psutil.wait_procs(children, timeout=PATIENCE_SECONDS)[1], err
