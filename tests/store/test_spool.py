"""Spectrograms that wait for their shard."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.store import spool
from soundatlas.store.spool import Spool
from soundatlas.store.writing import Update


def test_what_is_too_much_is_on_disk(tmp_path, monkeypatch) -> None:
    """Up to the limit arrays stay as they are; beyond, they read as before, and no file is seen or left."""
    monkeypatch.setattr(spool, "MOST_HELD_BYTES", 100)
    kept = Spool(tmp_path)
    arrays = [np.arange(20 * number, dtype=np.float32).reshape(-1, 4)[:, ::-1] for number in (1, 1, 2, 0)]
    found = [kept.keep(array) for array in arrays]
    assert [one is other for one, other in zip(found, arrays, strict=True)] == [True, False, False, True]
    for one, other in zip(found, arrays, strict=True):
        np.testing.assert_array_equal(one, other)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limit", [0, 5_000])
def test_store_of_long_tracks_is_the_same(limit, built, wanted, update, content, tmp_path, monkeypatch) -> None:
    """Whether spectrograms waited on disk or in memory, when computed or when copied, is seen nowhere."""
    monkeypatch.setattr(spool, "MOST_HELD_BYTES", limit)
    five = dict(sorted(wanted.items())[:5])
    assert update(tmp_path / "store", five) == Update(computed=5, kept=0, removed=0, failed=0)
    assert update(tmp_path / "store", wanted) == Update(computed=1, kept=5, removed=0, failed=0)
    assert content(tmp_path / "store") == content(built[0])
