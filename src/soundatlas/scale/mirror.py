"""Bringing a store that a cluster made to this machine: only the shards that differ travel."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from soundatlas.files import remove_leftovers, replacing_file
from soundatlas.scale.places import Place
from soundatlas.scale.planning import read_headers, shards_of
from soundatlas.store.reading import FAILURES_NAME, MANIFEST_NAME

if TYPE_CHECKING:
    from pathlib import Path


def mirror_store(there: Place, folder: Path) -> int:
    """Make `folder` hold what the store elsewhere holds; return how many shards had to be fetched.

    A shard whose header is equal has equal spectrograms: it holds a checksum of each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    here = Place(str(folder))
    names = shards_of(there)
    wanted, present = read_headers(there, names), read_headers(here, shards_of(here))
    differing = [name for name in names if wanted[name] is None or present.get(name) != wanted[name]]
    for name in differing:
        _fetch(there, name, folder)
    for name in present.keys() - set(names):
        here.remove(name)
    for name in (MANIFEST_NAME, FAILURES_NAME):
        _fetch(there, name, folder)
    return len(differing)


def _fetch(there: Place, name: str, folder: Path) -> None:
    with there.fetched(name) as copy, replacing_file(folder / name) as beside:
        shutil.copyfile(copy, beside)
