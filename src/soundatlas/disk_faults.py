"""What a fault of the disk is in a user's words."""

from __future__ import annotations

import errno
import os

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the last: as much as the user may write to a file
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
MOST_LETTERS = 80  # of a name that is too long


def describe_disk_fault(error: OSError) -> str | None:
    """Return one line with what to do, or None where the fault is none of the disk: its traceback is wanted."""
    if error.errno in FULL:
        return "the disk is full: free some space and run it again"
    if error.errno in CLOSED and error.filename is not None:
        return f"{error.filename}: {error.strerror}: see to it that it can be read and written, and run it again"
    if error.errno == errno.EISDIR and error.filename is not None:
        return (
            f"{error.filename2 or error.filename}: a folder lies where a file belongs: move it away, and run it again"
        )
    if error.errno == errno.ENAMETOOLONG and error.filename is not None:
        return f"{_shortened(error.filename)}: such a long name no file can have"
    return None


def _shortened(name: object) -> str:
    text = os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else str(name)
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"
