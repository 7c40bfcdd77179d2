"""Which audio somebody means: a track of the catalogue, a file, a path that was listed, or a hash."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.errors import UsageError
from soundatlas.files import audio_path, sha256_file
from soundatlas.lineage.names import sha_by_part
from soundatlas.sources.deny_list import read_entries
from soundatlas.tables import IDENTITIES, INBOX, TRACKS, conform, empty, read_table, track_title

if TYPE_CHECKING:
    from collections.abc import Mapping

TRACKS_TABLE = "data/catalog/tracks.parquet"
IDENTITIES_TABLE = "data/catalog/identities.parquet"
LISTINGS = ("data/ingest/inbox.parquet", "data/catalog/inbox.parquet")
SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Subject:
    """Some audio, and where the project knows it from.

    Attributes:
        name: what to call it.
        audio_sha256: of its bytes.
        track_ids: of the catalogue's tracks with these bytes, and what their sources call them.
        paths: of files with these bytes, as catalogue and listings name them.
    """

    name: str
    audio_sha256: str
    track_ids: tuple[str, ...]
    paths: tuple[str, ...]


def find_subject(root: Path, what: str, *, by_part: bool = False) -> Subject:
    """Find the audio that is meant.

    Args:
        root: the project.
        what: a track_id of the catalogue, the SHA-256 of an audio file, a file, or a path as a listing has it.
        by_part: where it is none of these, it may be the beginning of a hash, or a part of artist and title.

    Raises:
        UsageError: when it is none of these, a part of several, or the path of a file that was replaced meanwhile.
    """
    tracks, listing = read_tracks(root), read_listings(root)
    sha = _sha_of(root, what, tracks, listing)
    if sha is None and by_part:
        sha = sha_by_part(what, tracks, listing)
    if sha is None:
        shown = _as_listed(what)
        raise UsageError(
            f"{''.join(c if c.isprintable() else '?' for c in shown)} is no track_id of the catalogue, no file, "
            "no path in the inbox's listing, and no SHA-256 of an audio file"
            f"{', nor a part of one or of a name' if by_part else ''}"
        )
    mine, listed = tracks[tracks["audio_sha256"] == sha], listing[listing["audio_sha256"] == sha]
    names = [track_title(row) for row in mine.to_dict("records")] + [Path(path).name for path in listed["path"]]
    return Subject(
        name=names[0] if names else sha[:12],
        audio_sha256=sha,
        track_ids=tuple(sorted({*mine["track_id"], *_listed_ids(root, mine["track_id"])})),
        paths=tuple(sorted({*mine["path"], *listed["path"]})),
    )


def _sha_of(root: Path, what: str, tracks: pd.DataFrame, listing: pd.DataFrame) -> str | None:
    if SHA256.fullmatch(what):
        return what
    for table, column in ((tracks, "track_id"), (tracks, "path"), (listing, "path")):
        found = table.loc[(table[column] == _as_listed(what)) & table["audio_sha256"].notna(), "audio_sha256"]
        if len(found):
            listed = str(found.iloc[0])
            if column == "path":
                _check_same(audio_path(root, what), listed)
            return listed
    for row in read_entries(root):  # of a track that is being forgotten, nothing else may be left
        if row["track_id"] == what and row["audio_sha256"]:
            return row["audio_sha256"]
    is_file = os.path.isfile(what)  # noqa: PTH113 - says no to what is too long for a file's name: it may be a title
    return sha256_file(Path(what)) if is_file else None


def _check_same(path: Path, listed: str) -> None:
    """Refuse a path under which other audio lies than was listed: nobody can tell which one is meant.

    Raises:
        UsageError: that names both.
    """
    if path.is_file() and (found := sha256_file(path)) != listed:
        raise UsageError(
            f"{path.name} was replaced since it was listed: run `dvc repro ingest`, or name its audio by SHA-256, "
            f"{found} (now) or {listed} (listed)"
        )


def _listed_ids(root: Path, track_ids: pd.Series) -> list[str]:
    """Return what the sources call the tracks that are these ones."""
    path = root / IDENTITIES_TABLE
    if not path.is_file():
        return []
    identities = read_table(path, IDENTITIES)
    return [str(name) for name in identities.loc[identities["track_id"].isin(track_ids), "listed_track_id"]]


def _as_listed(name: str) -> str:
    """Return a name as tables hold it: bytes that are no text are spelled out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def read_tracks(root: Path) -> pd.DataFrame:
    """Return the catalogue, empty before it was made."""
    path = root / TRACKS_TABLE
    return read_table(path, TRACKS) if path.is_file() else pd.DataFrame(columns=[*TRACKS]).astype(TRACKS)


def read_listings(root: Path) -> pd.DataFrame:
    """Return the files that wait in inboxes, `tables.INBOX`, with artist and title, of the listings that are there."""
    schema = {**INBOX, "artist": "str", "title": "str"}  # the last two are known of the demo's files
    parts = [conform(read_table(root / name, INBOX), schema) for name in LISTINGS if (root / name).is_file()]
    return pd.concat(parts, ignore_index=True) if parts else empty(schema)


def known(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what a row of a table knows, as JSON-like values; missing ones are left out."""
    return {
        str(name): value for name, value in row.items() if not pd.api.types.is_scalar(value) or bool(pd.notna(value))
    }
