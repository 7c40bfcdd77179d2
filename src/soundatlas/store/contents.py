"""What the two tables beside the shards say, in canonical order: for whoever computes, here or on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soundatlas.store.reading import short_contract
from soundatlas.store.row_tables import arrow_rows, write_parts, write_rows
from soundatlas.tables import FAILURES, MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pyarrow as pa

    from soundatlas.audio.stems import AnyFrontEnd
    from soundatlas.errors import TrackError


def failure_row(audio_sha256: str, path: str, front_end: AnyFrontEnd, failure: TrackError) -> dict[str, str]:
    """Return the row of a track that has no spectrogram."""
    return {
        "path": path,
        "stage": "separate" if front_end.stems else "spectrograms",
        "reason": failure.reason,
        "message": failure.message,
        "audio_sha256": audio_sha256,
    }


def manifest_row(audio_sha256: str, contract_sha256: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest's row of a track, given what its shard says of it and of the front end."""
    return {"audio_sha256": audio_sha256, "front_end": short_contract(contract_sha256), **row}


def manifest_part(rows: Mapping[str, Mapping[str, Any]], contract_sha256: str) -> pa.Table:
    """Return the part of the manifest that a shard's rows make: audio SHA-256 -> row, in any order."""
    return arrow_rows([manifest_row(sha, contract_sha256, rows[sha]) for sha in sorted(rows)], MANIFEST)


def write_manifest(parts: list[pa.Table], path: Path) -> None:
    """Write the manifest, given one part per shard, in the order of their hashes; they are taken out of the list."""
    write_parts(parts, path, MANIFEST)


def write_failures(failures: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write the table of failures, given rows of `failure_row`: in an order that does not depend on the paths.

    What has no hash, as it could not be read, comes first and by its path.
    """
    write_rows(sorted(failures, key=lambda row: (row["audio_sha256"] or "", row["path"])), path, FAILURES)
