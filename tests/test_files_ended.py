"""Writing whole or not at all, ended by a signal at whatever moment Python can hear of one."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

import pytest
from ended_at import ends_at

from soundatlas.files import replacing_file, replacing_file_apart, replacing_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _write_file(path: Path) -> None:
    with replacing_file(path) as beside:
        beside.write_text("new")


def _write_file_apart(path: Path) -> None:
    with replacing_file_apart(path) as beside:
        beside.write_text("new")
        beside.with_name("theirs").write_text("half")


def _write_folder(path: Path) -> None:
    with replacing_folder(path) as beside:
        (beside / "weights").write_text("new")


def _content(path: Path) -> str | None:
    if path.is_dir():
        path /= "weights"
    return path.read_text() if path.exists() else None


@pytest.mark.parametrize("before", [None, "old"])
@pytest.mark.parametrize("write", [_write_file, _write_file_apart, _write_folder])
def test_ended_at_any_moment(write: Callable[[Path], None], before: str | None, tmp_path: Path) -> None:
    """What was there is there, or the new in its place; and nothing lies beside it."""
    seen = set()
    for moment in itertools.count():
        path = tmp_path / str(moment) / "it.bin"
        path.parent.mkdir()
        if before and write is _write_folder:
            path.mkdir()
            (path / "weights").write_text(before)
        elif before:
            path.write_text(before)
        is_ended = ends_at(moment, partial(write, path))
        seen.add(content := _content(path))
        assert content in {before, "new"}, moment
        assert [each.name for each in path.parent.iterdir()] == ([path.name] if content else []), moment
        if not is_ended:
            break
    assert moment > 50
    assert content == "new"
    assert seen == {before, "new"}
