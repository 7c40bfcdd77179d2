"""The store of audio that was fetched: a file per content, named by its SHA-256, whole or not at all."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from soundatlas.files import unused_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FOLDER = PurePosixPath("data/ingest/audio")
SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


@dataclass(frozen=True)
class Stored:
    """A file of the store.

    Attributes:
        path: relative to the project, as `tables.TRACKS` has it.
        audio_sha256: of its bytes.
        size_bytes: of it.
    """

    path: str
    audio_sha256: str
    size_bytes: int


class AudioStore:
    """The store below a project's `data/ingest/audio/`: `<first two of the hash>/<hash>.<suffix>`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, blocks: Iterable[bytes], suffix: str) -> Stored:
        """Keep some audio; nothing is there before its last block came, and an exception of `blocks` leaves nothing.

        Args:
            blocks: its bytes, in order; a download may be passed on as it comes.
            suffix: such as ".mp3".

        Raises:
            ValueError: when the suffix is none.
        """
        if not SUFFIX.fullmatch(suffix):
            raise ValueError(f"{suffix!r} is not a suffix such as '.mp3'")
        folder = self._root / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        beside, digest, size = unused_name(folder, "incoming", f".part{suffix}"), hashlib.sha256(), 0
        try:
            with beside.open("xb") as file:
                for block in blocks:
                    digest.update(block)
                    size += file.write(block)
            sha = digest.hexdigest()
            shown = FOLDER / sha[:2] / f"{sha}{suffix}"
            (self._root / shown).parent.mkdir(exist_ok=True)
            beside.chmod(0o644)
            beside.replace(self._root / shown)
        finally:
            beside.unlink(missing_ok=True)
        return Stored(shown.as_posix(), sha, size)

    def holds(self, path: str) -> bool:
        """Return whether a file of the store is there still."""
        return PurePosixPath(path).is_relative_to(FOLDER) and (self._root / path).is_file()
