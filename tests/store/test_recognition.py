"""Whether a folder is a store of ours."""

from __future__ import annotations

import pytest

from soundatlas.errors import UsageError
from soundatlas.store.recognition import holds_tracks, is_store, refuse_foreign

SHARD, MANIFEST = "0-bits-0.safetensors", "manifest.parquet"


@pytest.mark.parametrize("damaged", [(), (SHARD,), (MANIFEST,)])
def test_store_is_known_by_what_of_it_can_be_read(damaged, store) -> None:
    """A shard or the manifest is enough, and further files of somebody do no harm."""
    for name in damaged:
        (store / name).write_bytes(b"")
    (store / "notes.txt").touch()
    assert is_store(store)
    refuse_foreign(store)
    assert holds_tracks(store) == (SHARD not in damaged)


def test_store_that_is_damaged_throughout_may_be_made_anew(store) -> None:
    """All that lies there is called as ours is, beside our lock."""
    (store / ".lock").touch()
    for name in (SHARD, MANIFEST):
        (store / name).write_bytes(b"")
    refuse_foreign(store)


@pytest.mark.parametrize(
    "left",
    [
        [],
        [".lock"],
        [".lock", ".known-files-ab_d1234.part.json"],
        [".lock", "known-files.json", ".0-bits-0-12345678.part"],
    ],
)
def test_first_run_that_was_killed_is_gone_on_from(left, tmp_path) -> None:
    """A folder that is not there, is empty, or holds what a killed run leaves may become a store; it is none yet."""
    refuse_foreign(tmp_path / "nowhere")
    for name in left:
        (tmp_path / name).touch()
    refuse_foreign(tmp_path)
    assert not is_store(tmp_path)


@pytest.mark.parametrize(
    "theirs", [["model.safetensors"], [".x.part"], ["manifest.parquet"], ["failures.parquet"], [".lock", "photo.jpg"]]
)
def test_folder_of_other_things_is_refused(theirs, tmp_path) -> None:
    """What is in it is named, and nothing of it is touched."""
    for name in theirs:
        (tmp_path / name).write_bytes(b"theirs")
    with pytest.raises(UsageError, match=rf"is no store of spectrograms, and holds {theirs[-1]}: name an empty folder"):
        refuse_foreign(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict.fromkeys(theirs, b"theirs")
