"""What a fault of the disk is in a user's words."""

from __future__ import annotations

import errno

import pytest

from soundatlas.disk_faults import describe_disk_fault


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_full_disk_asks_for_space(number) -> None:
    """Whether the disk or the user's share of it is full: free some space."""
    assert describe_disk_fault(OSError(number, "no more")) == "the disk is full: free some space and run it again"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR])
def test_closed_place_is_named(number) -> None:
    """A place that cannot be written to is named."""
    said = describe_disk_fault(OSError(number, "not allowed", "data/ingest"))
    assert said == "data/ingest: not allowed: see to it that it can be read and written, and run it again"


def test_folder_in_the_place_of_a_file_is_named() -> None:
    """Where a folder is in the way, it is named, and not what was to be put there."""
    todo = "a folder lies where a file belongs: move it away, and run it again"
    assert describe_disk_fault(OSError(errno.EISDIR, "is a directory", "new", None, "store/a")) == f"store/a: {todo}"
    assert describe_disk_fault(OSError(errno.EISDIR, "is a directory", "store/b")) == f"store/b: {todo}"


def test_too_long_a_name_is_told_in_short() -> None:
    """A name that no file can have is told by its beginning."""
    said = describe_disk_fault(OSError(errno.ENAMETOOLONG, "File name too long", "x" * 300))
    assert said == f"{'x' * 80}…: such a long name no file can have"


def test_other_fault_is_nobodys() -> None:
    """A file that is not there is a fault of the program, whose traceback is wanted, and so is one without a name."""
    assert describe_disk_fault(FileNotFoundError(errno.ENOENT, "no such file", "x")) is None
    assert describe_disk_fault(PermissionError(errno.EACCES, "not allowed")) is None
