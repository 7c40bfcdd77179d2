"""A store that was made elsewhere comes to this machine, and only what differs travels."""

from __future__ import annotations

import shutil

from soundatlas.scale.mirror import mirror_store
from soundatlas.scale.places import Place


def test_mirror_holds_the_same_bytes(built, tmp_path, content):
    """Every shard and both tables come; a second time, no shard does."""
    there, here = Place("memory://mirrored"), tmp_path / "here"
    there.fill(built)
    assert mirror_store(there, here) == len(list(built.glob("*.safetensors")))
    assert content(Place(str(here))) == content(Place(str(built)))
    assert mirror_store(there, here) == 0


def test_what_differs_is_fetched_and_what_is_gone_is_removed(built, tmp_path, content):
    """A damaged shard is fetched again, and one that the store elsewhere does not have goes."""
    here = shutil.copytree(built, tmp_path / "here")
    first = min(here.glob("*.safetensors"))
    first.write_bytes(first.read_bytes()[:-1])
    (here / "9-bits-1.safetensors").write_bytes(b"")
    assert mirror_store(Place(str(built)), here) == 1
    assert content(Place(str(here))) == content(Place(str(built)))
