"""Adding one track's spectrogram to the store, as the stage would have done it, and touching only its shard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.errors import StoreError
from soundatlas.files import remove_leftovers
from soundatlas.store.contents import manifest_row
from soundatlas.store.reading import FAILURES_NAME, MANIFEST_NAME
from soundatlas.store.rows import describe_spectrogram
from soundatlas.store.shards import Shard, bucket_bits, list_shards, shard_name, write_shard
from soundatlas.tables import FAILURES, MANIFEST, conform, empty, read_table, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from soundatlas.audio.spectrogram import Spectrogram


def add_to_store(
    folder: Path,
    contract_sha256: str,
    audio_sha256: str,
    spectrogram: Spectrogram,
    *,
    tracks: int,
    paths: Sequence[str],
) -> dict[str, Any]:
    """Put a spectrogram where `update_store` would look for it; one that is there already is replaced.

    Where all other tracks are there, the store then is what `update_store` would have made of it, to the byte.

    Args:
        folder: of the store; made where it is not there.
        contract_sha256: of the front end.
        audio_sha256: of the track.
        spectrogram: of the track.
        tracks: how many the catalogue has, which decides how many shards there are.
        paths: of the track's files: they are no failures any more.

    Returns:
        the manifest's row.

    Raises:
        StoreError: when a shard is damaged, or the store is of another front end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    shards = {path.name: Shard(path) for path in list_shards(folder)}
    if any(shard.contract_sha256 != contract_sha256 for shard in shards.values()):
        raise StoreError("the store holds spectrograms of another front end: run `dvc repro spectrograms`")
    holding = [name for name, shard in shards.items() if audio_sha256 in shard.rows]
    name = holding[0] if holding else shard_name(audio_sha256, bucket_bits(tracks))
    added = describe_spectrogram(name, spectrogram)
    others = {
        sha: (shards[name].kept(sha), about)
        for sha, about in (shards[name].rows.items() if name in shards else ())
        if sha != audio_sha256
    }
    write_shard(folder / name, contract_sha256, {**others, audio_sha256: (added.log_mel, added.row)})
    _enter(folder, contract_sha256, audio_sha256, added.row, paths)
    return added.row


def _enter(folder: Path, contract_sha256: str, audio_sha256: str, row: dict[str, Any], paths: Sequence[str]) -> None:
    """Bring the manifest and the table of failures up to date."""
    path = folder / MANIFEST_NAME
    manifest = read_table(path, MANIFEST) if path.is_file() else empty(MANIFEST)
    others = manifest[manifest["audio_sha256"] != audio_sha256]
    added = conform(pd.DataFrame([manifest_row(audio_sha256, contract_sha256, row)]), MANIFEST)
    table = added if others.empty else pd.concat([others, added])
    write_table(conform(table.sort_values("audio_sha256"), MANIFEST), path)
    path = folder / FAILURES_NAME
    failures = read_table(path, FAILURES) if path.is_file() else empty(FAILURES)
    write_table(conform(failures[~failures["path"].isin(paths)], FAILURES), path)
