"""Bringing FMA's audio out of its zip file into our store, each file whole or not at all, and none of them twice."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from soundatlas.errors import SoundatlasError, TrackError
from soundatlas.files import read_json, sha256_json, write_json
from soundatlas.progress import progress
from soundatlas.sources.fma_archive import DAMAGED, blocks_of, open_archive, open_member
from soundatlas.sources.inbox import BYTES_PER_MEGABYTE, shown_path

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from soundatlas.sources.base import IngestContext

FILES_PER_SAVE = 500
SUFFIX = ".mp3"


def unpack_files(
    path: Path, names: Mapping[int, str], context: IngestContext
) -> tuple[dict[int, tuple[Path, str]], dict[int, TrackError]]:
    """Put files of an archive into the audio store, those that are not there yet.

    Args:
        path: of the archive.
        names: number of a track -> name of its member.
        context: of the run; what was unpacked is remembered in its memory, by name, length and checksum.

    Returns:
        number -> where the file lies and the SHA-256 of its bytes, and number -> why there is none.

    Raises:
        SoundatlasError: when the archive is refused, or the disk is full.
    """
    remembered = context.memory / f"unpacked-{sha256_json(shown_path(path, context.root))[:8]}.json"
    known, failures = _recall(remembered), {}
    waiting: dict[int, zipfile.ZipInfo] = {}
    with open_archive(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        for number, name in names.items():
            member = members.get(name)
            if (refusal := _refusal(name, member, context.limits.max_file_megabytes)) is not None:
                failures[number] = refusal
            elif member is not None and not _is_there(known.get(name), member, context):
                waiting[number] = member
        _check_room(waiting, context.root)
        try:
            with progress("unpacking FMA", len(waiting)) as advance:
                for done, (number, member) in enumerate(waiting.items(), start=1):
                    try:
                        known[member.filename] = _unpack(archive, member, context)
                    except TrackError as error:
                        failures[number] = error
                    if done % FILES_PER_SAVE == 0:
                        write_json(remembered, known)
                    advance()
        finally:
            write_json(remembered, known)
    entries = {number: known[name] for number, name in names.items() if number not in failures}
    return {number: (context.root / entry["path"], entry["sha256"]) for number, entry in entries.items()}, failures


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, context: IngestContext) -> dict[str, Any]:
    try:
        stored = context.store.put(_blocks(archive, member), SUFFIX)
    except OSError as error:
        raise SoundatlasError(f"the audio store cannot be written: {error.strerror or error}") from error
    return {"member": [member.file_size, member.CRC], "path": stored.path, "sha256": stored.audio_sha256}


def _blocks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with open_member(archive, member) as file:
            yield from blocks_of(file)
    except DAMAGED as error:
        raise TrackError("damaged", f"{member.filename} in the archive: {error}") from None


def _refusal(name: str, member: zipfile.ZipInfo | None, max_file_megabytes: int) -> TrackError | None:
    """Return why a file is not to be unpacked, or None."""
    if member is None:
        return TrackError("missing", f"{name} is not in the archive")
    if member.file_size == 0:
        return TrackError("empty", f"{name} holds no bytes")
    if member.file_size > max_file_megabytes * BYTES_PER_MEGABYTE:
        return TrackError("too_large", f"{name} is larger than ingest.max_file_megabytes ({max_file_megabytes})")
    return None


def _is_there(entry: dict[str, Any] | None, member: zipfile.ZipInfo, context: IngestContext) -> bool:
    return (
        entry is not None and entry["member"] == [member.file_size, member.CRC] and context.store.holds(entry["path"])
    )


def _check_room(waiting: Mapping[int, zipfile.ZipInfo], root: Path) -> None:
    needed = sum(member.file_size for member in waiting.values()) / BYTES_PER_MEGABYTE
    free = shutil.disk_usage(root).free / BYTES_PER_MEGABYTE
    if needed > free:
        raise SoundatlasError(
            f"unpacking takes {needed:,.0f} MB below data/ingest/audio, and {free:,.0f} MB are free: free some, or "
            "unpack the archive elsewhere and name that folder"
        )


def _recall(path: Path) -> dict[str, dict[str, Any]]:
    """Return what was unpacked before; a file that is absent or damaged costs only the time to unpack again."""
    try:
        values = read_json(path)
    except (OSError, ValueError):
        return {}
    return {
        name: entry
        for name, entry in (values.items() if isinstance(values, dict) else ())
        if isinstance(entry, dict) and {"member", "path", "sha256"} <= set(entry)
    }
