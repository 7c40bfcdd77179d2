"""Finding the audio that somebody means: by file, id, hash, or words of its artist and title."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from soundatlas.atlas.similar import FILE, TRACK
from soundatlas.commands.similar import find
from soundatlas.commands.terminal import printable
from soundatlas.errors import UsageError
from soundatlas.files import audio_path
from soundatlas.lineage.subject import LISTINGS, read_tracks
from soundatlas.tables import INBOX, read_table, track_title

SHA_PREFIX = re.compile("[0-9a-f]{6,64}")
MOST_NAMED = 5
NAMES = {"artist": "str", "title": "str"}


@dataclass(frozen=True)
class Found:
    """Some audio: what to call it, and its file."""

    name: str
    path: Path


def find_audio(root: Path, what: str) -> Found:
    """Find the audio that is meant, among files, the catalogue and the inbox.

    Args:
        root: the project.
        what: a file, a track_id, a path as the catalogue has it, the first six digits or more of the SHA-256 of the
            audio, or a title or words of artist and title; case and diacritics do not matter.

    Raises:
        UsageError: when nothing or more than one thing is meant.
    """
    if Path(what).is_file():
        return Found(Path(what).name, Path(what))
    table = _known(root)
    for rows in (table.index[table["path"] == what], _by_hash(table, what)):
        if len(rows):
            return _found(root, table, int(rows[0]))
    if table.empty:
        raise UsageError(f"{printable(what)!r} is no file, and the project knows no track yet: `dvc repro` lists some")
    return _found(root, table, find(table, what, where="in the catalogue or the inbox"))


def _found(root: Path, table: pd.DataFrame, row: int) -> Found:
    return Found(str(table.loc[row, "name"]), audio_path(root, str(table.loc[row, "path"])))


def _by_hash(table: pd.DataFrame, what: str) -> pd.Index:
    """Return the rows whose audio's hash begins so.

    Raises:
        UsageError: when that is several audios.
    """
    if not SHA_PREFIX.fullmatch(what):
        return table.index[:0]
    rows = table[table["audio_sha256"].str.startswith(what)]
    different = sorted(set(rows["audio_sha256"]))
    if len(different) > 1:
        shown = ", ".join(sha[: len(what) + 4] for sha in different[:MOST_NAMED])
        raise UsageError(f"the hashes of {len(different)} audios begin with {what}: {shown}")
    return rows.index


def _known(root: Path) -> pd.DataFrame:
    """Return what the catalogue and the inbox hold, with the columns that `similar.find` searches."""
    listings = [read_table(root / name, INBOX) for name in LISTINGS if (root / name).is_file()]
    named = [listing.reindex(columns=[*INBOX, "artist", "title"]).astype(NAMES) for listing in listings]
    files = pd.concat([pd.DataFrame(columns=[*INBOX, "artist", "title"]), *named]).dropna(subset="audio_sha256")
    parts = [
        read_tracks(root).assign(kind=TRACK),
        files.drop_duplicates("path").assign(kind=FILE, track_id=files["path"]),
    ]
    table = pd.concat(parts, ignore_index=True)
    names = [track_title({**row, "path": Path(row["path"]).name}) for row in table.to_dict("records")]
    return table.assign(id=table["track_id"], name=names)[["kind", "id", "name", "title", "path", "audio_sha256"]]
