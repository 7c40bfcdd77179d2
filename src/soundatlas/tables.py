"""Column names and dtypes of every table that crosses a stage, and reading and writing them.

A missing value is NaN (or `None` in a list column), never an empty string and never imputed. pandas is imported only
when a table is asked for: where some columns are enough, `read_columns` does without.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from soundatlas.errors import SoundatlasError
from soundatlas.files import replacing_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

Schema = dict[str, str]

# One row per track of the catalogue. Further label columns may follow these.
TRACKS: Schema = {
    "track_id": "str",  # "<source>:<source_id>", unique
    "source": "str",
    "source_id": "str",  # what the source calls it: a corpus path and excerpt, a file, an id
    "path": "str",  # of the audio, with forward slashes; relative to the project where it lies inside it
    "audio_sha256": "str",  # of the audio file's bytes
    "duration_seconds": "float64",
    "licence": "str",
    "ml_use": "str",  # one of ML_USES
    "artist": "str",
    "album": "str",
    "work": "str",  # the composition: excerpts of one work stay on one side of a split
    "title": "str",
    "genre": "str",
    "year": "float64",
    "decade": "str",  # "1780s"
    "isrc": "str",
    "tempo_bpm": "float64",
    "acousticness": "float64",  # 0 electronic .. 1 acoustic
    "notes_per_second": "float64",
    "polyphony": "float64",  # mean number of notes that sound at once
    "mean_pitch": "float64",  # MIDI note number
    "key": "str",  # "G", "B-"
    "mode": "str",  # "major", "minor", "dorian" ...
    "ensemble": "str",
}

# One row per track and label that is present: where each value comes from.
LABELS: Schema = {
    "track_id": "str",
    "label": "str",  # a column of TRACKS
    "value": "str",
    "provenance": "str",  # "score", "rendering", "estimate", "collection date" ...
    "licence": "str",
    "ml_use": "str",
}

# One row per listed track: which track of the catalogue it is.
IDENTITIES: Schema = {
    "listed_track_id": "str",  # as its source lists it
    "track_id": "str",
    "joined_by": "str",  # same_as, track_id, audio_sha256, isrc, name; empty for the first of a track
}

# One row per value of a label that a source gives and the catalogue does not have, since another one is believed.
CONFLICTS: Schema = {
    "track_id": "str",
    "label": "str",
    "value": "str",  # that is believed
    "provenance": "str",
    "from_track_id": "str",  # the listed track that it comes from
    "other_value": "str",
    "other_provenance": "str",
    "other_track_id": "str",
    "because": "str",  # "listed first", "may be learnt from"
}

# One row per file or source row that could not be used.
FAILURES: Schema = {"path": "str", "stage": "str", "reason": "str", "message": "str"}

# One row per file that waits in an inbox.
INBOX: Schema = {
    "path": "str",  # relative to the project where it lies inside it
    "size_bytes": "int64",
    "audio_sha256": "str",  # missing where `reason` says why
    "reason": "str",
    "message": "str",
}

# One row per track in the spectrogram store.
MANIFEST: Schema = {
    "audio_sha256": "str",
    "front_end": "str",  # first 16 hex digits of the hash of its contract
    "shard": "str",
    "frames": "int64",
    "duration_seconds": "float64",  # of the decoded audio
    "source_sample_rate": "int64",  # Hz
    "channels": "int64",
    "min_db": "float64",
    "mean_db": "float64",
    "max_db": "float64",
    "finite": "bool",
    "checksum": "str",  # CRC-32 of the spectrogram's bytes on disk, as 8 hex digits
}

# One row per catalogue track.
SPLIT: Schema = {"track_id": "str", "audio_sha256": "str", "group": "str", "side": "str"}

# One row per pair of tracks that hold the same recording in other bytes; of tracks with equal bytes, the first.
DUPLICATES: Schema = {
    "track_id": "str",
    "other_track_id": "str",  # the greater of the two
    "bit_error_rate": "float64",  # over the 5 s that agree best
    "offset_seconds": "float64",  # where in the first the second one begins; negative where it begins before
}

ML_USES = ("allowed", "restricted", "unknown")
SIDES = ("train", "validation", "test")
REASONS = {
    "empty": "the file holds no bytes",
    "unreadable": "the file cannot be opened",
    "not_audio": "the file is not audio that the decoder knows",
    "truncated": "the file ends before the length that it declares",
    "no_samples": "the file decodes to nothing",
    "not_finite": "the samples hold NaN or infinity",
    "too_short": "shorter than ingest.min_seconds or spectrograms.min_seconds",
    "too_large": "larger than ingest.max_file_megabytes",
    "silent": "the loudest sample is below ingest.silence_db",
    "clipped": "more samples at full scale than ingest.max_clipped_share",
    "damaged": "the decoder had to make up for damaged frames",
    "missing": "a file that a table names is not there",
    "duplicate": "another track of the source has the same bytes",
    "not_permitted": "its licence forbids learning from it",
    "bad_row": "a row of a table or an answer cannot be used",
    "linked_folder": "a link to a folder, which is not followed: what it leads to is listed where it lies",
    "not_a_track": "an episode, a local file or an empty entry of a playlist",
    "not_found": "the service does not know it",
    "not_granted": "the service does not give this to this app or user",
    "no_preview": "the service has no preview of it",
    "bad_answer": "the service's answer cannot be used",
    "unreachable": "the service did not answer in time",
    "bad_name": "the name cannot be written as UTF-8",
    "changed": "the file is no longer the one that was listed",
    "no_score": "the score cannot be turned into notes",
    "timeout": "took longer than the stage's timeout_seconds",
    "crashed": "the decoder took its worker process down",
    "fault": "an unexpected error; the message names it",
}


def conform(table: pd.DataFrame, schema: Mapping[str, str], *, extra: bool = False) -> pd.DataFrame:
    """Return `table` with the schema's columns, in its order and dtypes; absent columns are filled with missing.

    Args:
        table: any frame.
        schema: column -> dtype.
        extra: keep further columns, sorted, after the schema's.
    """
    rest = sorted(set(table.columns) - set(schema)) if extra else []
    shaped = table.reindex(columns=[*schema, *rest])
    return shaped.astype(dict(schema)).reset_index(drop=True)


def empty(schema: Mapping[str, str]) -> pd.DataFrame:
    """Return a table of the schema with no rows."""
    import pandas as pd

    return conform(pd.DataFrame(), schema)


def track_title(track: Mapping[Any, Any]) -> str:
    """Return what to call a row of `TRACKS`, as a mapping: artist and title as far as they are known, or the path."""
    known = [track[column] for column in ("artist", "title") if isinstance(track[column], str)]
    return ": ".join(known) or str(track["path"])


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a Parquet table whole or not at all; equal tables give equal bytes."""
    with replacing_file(path) as beside:
        table.to_parquet(beside, index=False, compression="zstd")


def read_table(path: Path, schema: Mapping[str, str]) -> pd.DataFrame:
    """Read a Parquet table that must hold the schema's columns.

    Raises:
        SoundatlasError: when the file is missing or damaged, or lacks a column.
    """
    import pandas as pd

    with _reading(path):
        table = pd.read_parquet(path)
    _require(path, schema, table.columns)
    return table.astype(dict(schema))


def read_columns(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Read some columns of a Parquet table, as rows: column -> value, or None where it is missing.

    Raises:
        SoundatlasError: as `read_table` does.
    """
    import pyarrow.parquet

    with _reading(path), pyarrow.parquet.ParquetFile(path) as file:
        _require(path, columns, file.schema_arrow.names)
        rows: list[dict[str, Any]] = file.read(list(columns)).to_pylist()
    return rows


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say what to do where a table cannot be read."""
    if not path.is_file():
        raise SoundatlasError(f"{path} is missing: run `dvc repro`")
    try:
        yield
    except (OSError, ValueError) as error:
        raise SoundatlasError(f"{path} is damaged: delete it and run `dvc repro` ({error})") from error


def _require(path: Path, columns: Iterable[str], found: Iterable[str]) -> None:
    if lacking := [column for column in columns if column not in set(found)]:
        raise SoundatlasError(f"{path} lacks the column {lacking[0]!r}: run `dvc repro`")
