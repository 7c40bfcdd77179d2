"""A folder that every worker reaches: on a shared disk, or in any storage that fsspec knows."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from soundatlas.errors import NotReadyError, UsageError, describe_error
from soundatlas.files import is_leftover, remove_leftovers, replacing_file

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECT_STORES = frozenset({"abfs", "abfss", "adl", "az", "gcs", "gs", "oss", "s3", "s3a"})  # a file appears whole there
LEFTOVER = ".part"
TODO = "check engine.place, the network, and the credentials that this kind of storage looks for"


@dataclass(frozen=True)
class Place:
    """A folder, by its path or URL. It travels to workers as that, and each of them connects for itself.

    Raises:
        NotReadyError: when the package for this kind of storage is not installed.
        UsageError: when there is no such kind of storage.
    """

    url: str

    @cached_property
    def _storage(self) -> tuple[Any, str]:
        try:
            filesystem, path = url_to_fs(self.url)
        except ImportError as error:
            raise NotReadyError(f"{self.url} cannot be reached: {error}") from None
        except ValueError as error:
            raise UsageError(f"{self.url}: {error}") from None
        return filesystem, str(path).rstrip("/")

    def check(self) -> None:
        """Ask the storage once for what lies here, so that what keeps it from answering is said before any work begins.

        Raises:
            NotReadyError: when it does not answer.
        """
        filesystem, path = self._storage
        try:
            filesystem.ls(path, detail=False)
        except FileNotFoundError:
            return  # nothing lies here yet
        except Exception as error:  # each kind of storage has its own; none of our code is at work
            raise NotReadyError(f"{self.url} cannot be reached ({describe_error(error)}): {TODO}") from error

    def __getstate__(self) -> dict[str, str]:
        return {"url": self.url}  # connections do not travel

    @property
    def local(self) -> Path | None:
        """Return the folder where it is one of this machine's, or None."""
        filesystem, path = self._storage
        return Path(path) if isinstance(filesystem, LocalFileSystem) else None

    def within(self, path: str) -> Place:
        """Return a folder within this one, by its relative path."""
        return Place(f"{self.url.rstrip('/')}/{path}")

    def signatures(self) -> dict[str, tuple[str, ...]]:
        """Return name -> what changes when the file does, for each file that lies directly in the folder."""
        filesystem, path = self._storage
        filesystem.invalidate_cache(path)
        try:
            entries = filesystem.ls(path, detail=True)
        except FileNotFoundError:
            return {}
        traces = ("size", "mtime", "created", "LastModified", "last_modified", "updated", "ETag", "etag", "ino")
        return {
            str(entry["name"]).rpartition("/")[2]: tuple(str(entry.get(trace)) for trace in traces)
            for entry in entries
            if entry["type"] == "file"
        }

    def exists(self, name: str) -> bool:
        """Return whether a file is there."""
        filesystem, path = self._storage
        filesystem.invalidate_cache(path)
        return bool(filesystem.exists(f"{path}/{name}"))

    def size(self, name: str) -> int:
        """Return the number of bytes of a file."""
        filesystem, path = self._storage
        return int(filesystem.size(f"{path}/{name}"))

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of a file, or some of them."""
        filesystem, path = self._storage
        return cast("bytes", filesystem.cat_file(f"{path}/{name}", start=start, end=stop))

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """Give a file of this machine that holds what the named one holds: itself, or a copy for a while."""
        if self.local is not None:
            yield self.local / name
            return
        filesystem, path = self._storage
        with tempfile.TemporaryDirectory(prefix="soundatlas-") as folder:
            copy = Path(folder, f"fetched{Path(name).suffix}")
            filesystem.get_file(f"{path}/{name}", str(copy))
            yield copy

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """Give a file of this machine to write to; when the block ends well, the named file holds that, whole.

        Object stores show a file once all of it has arrived; elsewhere it is written beside and then renamed.
        """
        if self.local is not None:
            with replacing_file(self.local / name) as beside:
                yield beside
            return
        filesystem, path = self._storage
        with tempfile.TemporaryDirectory(prefix="soundatlas-") as folder:
            written = Path(folder, f"written{Path(name).suffix}")
            yield written
            filesystem.makedirs(path, exist_ok=True)
            if set(_protocols(filesystem)) & OBJECT_STORES:
                filesystem.put_file(str(written), f"{path}/{name}")
                return
            unfinished = f"{path}/.{name}-{uuid.uuid4().hex[:8]}{LEFTOVER}"
            filesystem.put_file(str(written), unfinished)
            filesystem.mv(unfinished, f"{path}/{name}")

    def remove(self, name: str) -> None:
        """Remove a file that may be gone already."""
        filesystem, path = self._storage
        try:
            filesystem.rm_file(f"{path}/{name}")
        except FileNotFoundError:
            return

    def remove_leftovers(self) -> None:
        """Remove what killed workers left half-written directly in the folder."""
        if self.local is not None:
            remove_leftovers(self.local)
            return
        for name in self.signatures():
            if is_leftover(name):
                self.remove(name)

    def fetch_folder(self, folder: Path) -> None:
        """Copy all files that lie directly here into a folder of this machine."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.signatures():
            with self.fetched(name) as path:
                shutil.copyfile(path, folder / name)

    def fill(self, folder: Path) -> None:
        """Copy all files that lie directly in a folder of this machine to here, where they are not yet there."""
        there = self.signatures()
        for source in sorted(folder.iterdir()):
            if source.is_file() and source.name not in there:
                with self.replacing(source.name) as beside:
                    shutil.copyfile(source, beside)


def _protocols(filesystem: Any) -> tuple[str, ...]:
    names = filesystem.protocol
    return (names,) if isinstance(names, str) else tuple(names)
