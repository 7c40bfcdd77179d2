"""Whether a store is what was written: every byte of every spectrogram, and the manifest beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundatlas.errors import SoundatlasError, StoreError
from soundatlas.store.reading import MANIFEST_NAME, short_contract
from soundatlas.store.shards import Shard, list_shards
from soundatlas.tables import MANIFEST, read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Verified:
    """What was found in a store.

    Attributes:
        shards: how many there are.
        tracks: how many spectrograms are as they were written.
        damaged: shard, or the manifest -> what is wrong with it, in words.
    """

    shards: int
    tracks: int
    damaged: dict[str, str]


def verify_store(folder: Path, *, advance: Callable[[], None] = lambda: None) -> Verified:
    """Read every spectrogram of a store against its checksum, and the manifest against the shards.

    Args:
        folder: of the store.
        advance: called after each shard, for a progress bar.
    """
    damaged: dict[str, str] = {}
    rows: dict[str, dict[str, object]] = {}
    paths = list_shards(folder)
    tracks = 0
    for path in paths:
        try:
            shard = Shard(path)
            for sha in shard.rows:
                shard.log_mel(sha)
                tracks += 1
            front_end = {"front_end": short_contract(shard.contract_sha256)}
            rows |= {sha: front_end | row for sha, row in shard.rows.items()}
        except StoreError as error:
            damaged[path.name] = str(error)
        advance()
    if not damaged and (problem := _manifest_problem(folder, rows)) is not None:
        damaged[MANIFEST_NAME] = problem
    return Verified(len(paths), tracks, damaged)


def remove_damaged(folder: Path, found: Verified) -> None:
    """Remove what `verify_store` found damaged: the next update computes it anew, and nothing else."""
    for name in found.damaged:
        (folder / name).unlink(missing_ok=True)


def _manifest_problem(folder: Path, rows: dict[str, dict[str, object]]) -> str | None:
    """Return what is wrong with the manifest, given what the shards say."""
    if not (folder / MANIFEST_NAME).is_file():
        return f"{MANIFEST_NAME} is missing"
    try:
        manifest = read_table(folder / MANIFEST_NAME, MANIFEST).set_index("audio_sha256")
    except SoundatlasError as error:
        return f"{MANIFEST_NAME} is damaged ({error.__cause__ or 'it lacks a column'})"
    if manifest.to_dict("index") != rows:
        return f"{MANIFEST_NAME} does not say what the shards say"
    return None
