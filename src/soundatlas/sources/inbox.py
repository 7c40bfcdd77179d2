"""Listing a folder of somebody's music without touching it: path, size and hash of every file, or why not."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundatlas.files import read_json, sha256_file, write_text
from soundatlas.tables import INBOX, conform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd

NOTES = (
    ".accurip .csv .cue .html .htm .ini .json .log .lrc .m3u .m3u8 .md .md5 .nfo .pdf .pls .sfv .sha256 .txt .url .xml"
)
PICTURES = ".bmp .db .gif .jpeg .jpg .png .svg .tif .tiff .webp"  # .db: thumbnails
PASSED_OVER = tuple(f"{NOTES} {PICTURES}".split())
BYTES_PER_MEGABYTE = 1_000_000
REMEMBERED = 4  # values of a file: bytes, modification time in ns, inode, and the hash


def list_folder(folder: Path, root: Path, *, max_file_megabytes: int, known: Path) -> pd.DataFrame:
    """List every file below `folder` that could be music.

    Hidden files, notes and pictures are passed over. Linked folders are not followed, so that no loop can form.
    Hashes are remembered by size and modification time in `known`, so that listing again reads nothing; the
    listing itself holds no times, so that touching a file changes nothing.

    Args:
        folder: to list; absent is the same as empty.
        root: the project; paths inside it become relative to it.
        max_file_megabytes: a larger file is listed but not read.
        known: a JSON file of ours with the remembered hashes.

    Returns:
        `tables.INBOX`, ordered by path.
    """
    return _table(list(folder_rows(folder, root, max_file_megabytes=max_file_megabytes, known=known)))


def folder_rows(folder: Path, root: Path, *, max_file_megabytes: int, known: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of `list_folder` as they are found: whoever needs no table waits for no pandas and holds no list.

    The hashes are remembered when the last row has been taken.
    """
    return _known_rows(walk_music(folder), root, max_file_megabytes, known, lambda: None)


def list_known_files(
    paths: Iterable[Path],
    root: Path,
    *,
    max_file_megabytes: int,
    known: Path,
    advance: Callable[[], object] = lambda: None,
) -> pd.DataFrame:
    """List files as `list_folder` lists a folder's, with their hashes remembered in `known`.

    Args:
        paths: of the files; what is remembered of others is forgotten.
        root: the project.
        max_file_megabytes: a larger file is listed but not read.
        known: a JSON file of ours with the remembered hashes.
        advance: called after each file.
    """
    return _table(list(_known_rows(paths, root, max_file_megabytes, known, advance)))


def _known_rows(
    paths: Iterable[Path], root: Path, max_file_megabytes: int, known: Path, advance: Callable[[], object]
) -> Iterator[dict[str, Any]]:
    remembered = _remembered(known)
    seen: dict[str, list[Any]] = {}
    for path in paths:
        yield _row(path, root, max_file_megabytes, remembered, seen)
        advance()
    if seen != remembered or not known.is_file():
        write_text(known, json.dumps(seen, sort_keys=True))  # nobody reads it, and it may be long


def list_files(paths: Sequence[Path], root: Path, *, max_file_megabytes: int) -> pd.DataFrame:
    """List single files as `list_folder` lists a folder's."""
    return _table([_row(path, root, max_file_megabytes, {}, {}) for path in paths])


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return conform(pd.DataFrame(rows, columns=[*INBOX]).sort_values("path"), INBOX)


def walk_music(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder that could be music, and folders that cannot be opened."""
    closed: list[Path] = []

    def note(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            closed.append(Path(error.filename))

    for parent, folders, names in os.walk(folder, onerror=note, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not name.lower().endswith(PASSED_OVER):
                yield Path(parent, name)
    yield from closed


def _row(
    path: Path,
    root: Path,
    max_file_megabytes: int,
    remembered: dict[str, list[Any]],
    seen: dict[str, list[Any]],
) -> dict[str, Any]:
    shown = shown_path(path, root)
    row: dict[str, Any] = {"path": shown, "size_bytes": 0, "audio_sha256": None, "reason": None, "message": None}
    try:
        os.fspath(path).encode("utf-8")
        status = path.stat()
        row["size_bytes"] = status.st_size
        if (refusal := _refusal(status, max_file_megabytes)) is not None:
            return row | refusal
        signature = [status.st_size, status.st_mtime_ns, status.st_ino]
        *before, sha = remembered.get(shown, [None])
        if before != signature:
            sha = sha256_file(path)
    except UnicodeEncodeError:
        return row | {"reason": "bad_name", "message": "the name cannot be written as UTF-8: rename the file"}
    except OSError as error:
        return row | {"reason": "unreadable", "message": error.strerror or type(error).__name__}
    seen[shown] = [*signature, sha]
    return row | {"audio_sha256": sha}


def shown_path(path: Path, root: Path) -> str:
    """Write a path as our tables have it: relative to the project inside of it; bytes that are no text spelled out."""
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return os.fsencode(shown).decode("utf-8", "backslashreplace")


def _refusal(status: os.stat_result, max_file_megabytes: int) -> dict[str, Any] | None:
    """Return why a file is not to be read, or None."""
    if stat.S_ISDIR(status.st_mode):
        return {"size_bytes": 0, "reason": "unreadable", "message": "the folder cannot be opened"}
    if not stat.S_ISREG(status.st_mode):
        return {"reason": "unreadable", "message": "not a regular file"}
    if status.st_size == 0:
        return {"reason": "empty", "message": "the file holds no bytes"}
    if status.st_size > max_file_megabytes * BYTES_PER_MEGABYTE:
        return {"reason": "too_large", "message": f"larger than ingest.max_file_megabytes ({max_file_megabytes})"}
    return None


def _remembered(known: Path) -> dict[str, list[Any]]:
    """Return path -> what is known of it; a memory that is absent or damaged costs only the time to hash again."""
    try:
        values = read_json(known)
    except (OSError, ValueError):
        return {}
    return {
        path: entry
        for path, entry in (values.items() if isinstance(values, dict) else ())
        if isinstance(entry, list) and len(entry) == REMEMBERED and isinstance(entry[-1], str)
    }
