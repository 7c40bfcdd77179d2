"""The deny-list `data/denied.csv`: audio that this project must not know, whatever source or folder brings it along.

It is the user's file, to be kept in git and edited by hand. `soundatlas forget` adds to it; stage `ingest` reads it.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from soundatlas.errors import SoundatlasError, UsageError
from soundatlas.files import read_json, registry_root, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

    from soundatlas.sources.base import Collected

DENY_LIST = PurePosixPath("data/denied.csv")
EXPORT = PurePosixPath("data/ingest/denied.json")
AUDIO_FOLDERS = ("data/audio", "data/ingest/audio")  # with audio of ours: rendered, and fetched
COLUMNS = ("audio_sha256", "track_id", "since", "reason")
FILE = ["path", "audio_sha256"]  # the columns that say which file a row has
SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class DenyList:
    """Audio that is denied: by the hash of its bytes, and by the id of its track, whatever bytes that has next time."""

    shas: frozenset[str] = frozenset()
    track_ids: frozenset[str] = frozenset()

    def denies(self, table: pd.DataFrame) -> pd.Series:
        """Return per row whether it is denied, by whichever of the two columns the table has."""
        import pandas as pd

        denied = pd.Series(data=False, index=table.index)
        for column, names in (("audio_sha256", self.shas), ("track_id", self.track_ids)):
            if column in table:
                denied |= table[column].isin(names)
        return denied

    def export(self) -> dict[str, list[str]]:
        """Return it as JSON-like values."""
        return {"audio_sha256": sorted(self.shas), "track_ids": sorted(self.track_ids)}


def read_deny_list(root: Path) -> DenyList:
    """Read the user's file; within a DVC experiment, that of the real workspace. Absent is empty.

    Raises:
        UsageError: when it is no table with these columns, or a hash in it is none.
    """
    rows = read_entries(root)
    for number, row in enumerate(rows, start=2):
        if row["audio_sha256"] and not SHA256.fullmatch(row["audio_sha256"]):
            raise UsageError(f"{DENY_LIST}, line {number}: audio_sha256 is no SHA-256 of 64 lower-case hex digits")
    return DenyList(
        frozenset(row["audio_sha256"] for row in rows if row["audio_sha256"]),
        frozenset(row["track_id"] for row in rows if row["track_id"]),
    )


def read_entries(root: Path) -> list[dict[str, str]]:
    """Return the rows of the user's file.

    Raises:
        UsageError: when it is no table with these columns.
    """
    try:
        text = _text(root)
        reader = csv.DictReader(io.StringIO(text))
        named = set(reader.fieldnames or ())
        if text and not named.issuperset(COLUMNS):  # also where there are no rows: it would deny nothing
            raise UsageError(f"{DENY_LIST}, line 1 must name the columns: {','.join(COLUMNS)}")
        return [{column: (row[column] or "").strip() for column in COLUMNS} for row in reader]
    except (UnicodeDecodeError, csv.Error):
        raise UsageError(f"{DENY_LIST} must be a CSV file in UTF-8 with the columns {','.join(COLUMNS)}") from None


def add_entries(root: Path, entries: Iterable[dict[str, str]]) -> None:
    """Add rows at the end of the user's file, whole or not at all; what the user wrote stays as it is.

    Audio and track that are there already are not added again.

    Raises:
        UsageError: when the file is no table with these columns.
    """
    there = {(row["audio_sha256"], row["track_id"]) for row in read_entries(root)}
    new = [entry for entry in entries if (entry["audio_sha256"], entry["track_id"]) not in there]
    before = _text(root)
    columns = next(csv.reader(io.StringIO(before)), None) or COLUMNS
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    if not before:
        writer.writeheader()
    elif not before.endswith("\n"):
        text.write("\n")
    writer.writerows(new)
    write_text(registry_root(root) / DENY_LIST, before + text.getvalue())


def _text(root: Path) -> str:
    """Return the user's file without the mark that a spreadsheet puts first; empty where there is nothing in it."""
    path = registry_root(root) / DENY_LIST
    text = path.read_bytes().decode("utf-8-sig") if path.is_file() else ""
    return text if text.strip() else ""


def read_export(root: Path) -> DenyList:
    """Return what stage `ingest` found denied.

    Raises:
        SoundatlasError: when the stage has not run.
    """
    path = root / EXPORT
    if not path.is_file():
        raise SoundatlasError(f"{EXPORT} is missing: run `dvc repro ingest`")
    found: dict[str, Any] = read_json(path)
    return DenyList(frozenset(found["audio_sha256"]), frozenset(found["track_ids"]))


def leave_out_denied(collected: Collected, denied: DenyList, root: Path, audio_folder: Path) -> Collected:
    """Return what a source brings without what is denied; audio that was made or fetched for it is removed.

    Args:
        collected: of a source.
        denied: what must not be known.
        root: of the project.
        audio_folder: the only folder in which anything is removed.
    """
    import pandas as pd

    is_track, is_new = denied.denies(collected.tracks), denied.denies(collected.inbox)
    if not is_track.any() and not is_new.any():
        return collected
    ids = set(collected.tracks.loc[is_track, "track_id"])
    parts = ((collected.tracks, is_track), (collected.inbox, is_new))
    gone = pd.concat([table.loc[is_gone, FILE] for table, is_gone in parts])
    left = pd.concat([table.loc[~is_gone, FILE] for table, is_gone in parts])
    remove_audio_of(gone, left, root, audio_folder)
    return replace(
        collected,
        tracks=collected.tracks[~is_track],
        labels=collected.labels[~collected.labels["track_id"].isin(ids)],
        inbox=collected.inbox[~is_new],
    )


def remove_audio_of(gone: pd.DataFrame, left: pd.DataFrame, root: Path, audio_folder: Path) -> None:
    """Remove audio files of ours of rows that are left out, and the notes on them, unless a row that is left has them.

    Args:
        gone: with the columns `FILE`.
        left: likewise; two tracks of a service may share one preview.
        root: of the project.
        audio_folder: the only folder in which anything is removed.
    """
    paths, shas = (gone[column][~gone[column].isin(left[column])].dropna() for column in FILE)
    remove_audio(root, audio_folder, paths, shas)


def remove_audio(root: Path, audio_folder: Path, paths: Iterable[str], shas: Iterable[str]) -> list[Path]:
    """Remove audio files of ours, and the notes beside them that name their hashes; return what was removed.

    A path outside of `audio_folder`, which is the user's own file, is left alone.
    """
    removed = audio_files(root, audio_folder, paths, shas)
    for path in removed:
        path.unlink()
    return removed


def audio_files(root: Path, audio_folder: Path, paths: Iterable[str], shas: Iterable[str]) -> list[Path]:
    """Return the files that `remove_audio` removes."""
    own = audio_folder.resolve()
    found = {root / path for path in paths}
    audio = {path for path in found if path.resolve().is_relative_to(own) and path.is_file()}
    wanted = [sha.encode() for sha in shas]
    notes = {path for path in audio_folder.rglob("*.json") if any(sha in path.read_bytes() for sha in wanted)}
    return sorted(audio | notes)
