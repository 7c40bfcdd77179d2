"""Update a spectrogram store and be killed on the way, at a moment that the caller chooses.

    python killed_update.py FOLDER CLIPS MOMENT NUMBER

MOMENT is "clip" (after the NUMBERth clip), "shard" (with the NUMBERth shard half written) or "tables" (when the
shards are there and the tables are not). A kill is SIGKILL: nothing is tidied up.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import safetensors.numpy

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.store import shards, writing

TRACKS_PER_SHARD = 3  # a handful of clips then fills several shards


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, clips: Path, moment: str, number: int) -> None:
    """Update the store at `folder` with what `clips`/wanted.json lists, and die at the given moment."""
    shards.TRACKS_PER_SHARD = TRACKS_PER_SHARD
    order = json.loads((clips / "wanted.json").read_text())
    done = {"clip": 0, "shard": 0}

    def advance() -> None:
        done["clip"] += 1
        if (moment, number) == ("clip", done["clip"]):
            die()

    def save_file(tensors: Any, path: Path, metadata: dict[str, str]) -> None:
        done["shard"] += 1
        whole_save_file(tensors, path, metadata=metadata)
        if (moment, number) == ("shard", done["shard"]):
            os.truncate(path, path.stat().st_size // 2)
            die()

    def write_manifest(*arguments: Any) -> None:
        if moment == "tables":
            die()
        whole_write_manifest(*arguments)

    whole_save_file, safetensors.numpy.save_file = safetensors.numpy.save_file, save_file
    whole_write_manifest, writing.write_manifest = writing.write_manifest, write_manifest
    front_end = FrontEnd(**order["front_end"])
    writing.update_store(
        folder, order["wanted"], front_end, root=clips, timeout_seconds=order["timeout_seconds"], advance=advance
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
