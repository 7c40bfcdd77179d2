"""Whether a folder is a store of ours: somebody else's files are neither removed nor written over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.errors import SoundatlasError, UsageError
from soundatlas.files import is_leftover
from soundatlas.store.locking import LOCK_NAME
from soundatlas.store.reading import FAILURES_NAME, MANIFEST_NAME
from soundatlas.store.shards import is_shard, readable_shards
from soundatlas.tables import read_columns

if TYPE_CHECKING:
    from pathlib import Path

KNOWN_NAME = "known-files.json"  # the hashes of what was listed, beside the shards
KNOWN_SHARDS_NAME = "known-shards.json"  # how these look
NAMES = {LOCK_NAME, KNOWN_NAME, KNOWN_SHARDS_NAME, MANIFEST_NAME, FAILURES_NAME}


def is_store(folder: Path) -> bool:
    """Return whether a folder holds a shard that can be read, or a manifest."""
    return any(True for _ in readable_shards(folder)) or _has_manifest(folder)


def holds_tracks(folder: Path) -> bool:
    """Return whether a shard of a folder holds a spectrogram."""
    return any(shard.rows for shard in readable_shards(folder))


def refuse_foreign(folder: Path) -> None:
    """See to it that a folder may be made a store: it is one, or empty, or what a first run that was killed left.

    Raises:
        UsageError: when it holds what is not ours.
    """
    if not folder.is_dir() or is_store(folder):
        return
    names = {path.name for path in folder.iterdir()}
    foreign = sorted(name for name in names if not (name in NAMES or is_shard(name) or is_leftover(name)))
    if foreign or (names and LOCK_NAME not in names):
        raise UsageError(
            f"{folder} is no store of spectrograms, and holds {(foreign or sorted(names))[0]}: "
            "name an empty folder, or one that is not there yet"
        )


def _has_manifest(folder: Path) -> bool:
    try:
        read_columns(folder / MANIFEST_NAME, ["audio_sha256", "shard"])
    except SoundatlasError:
        return False
    return True
