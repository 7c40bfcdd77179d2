"""A decoder that takes its worker down, hangs or returns junk costs its track, and nothing else."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import soundfile
from poisoned_decoder import REASONS, describe_poisoned

from soundatlas.files import sha256_file
from soundatlas.store import writing
from soundatlas.store.writing import Update, update_store
from soundatlas.tables import FAILURES, read_table

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory, make_clips, front_end):
    """Give a folder of good clips among poisoned ones, and what an update made of them with two workers."""
    root = tmp_path_factory.mktemp("poisoned")
    good = make_clips(root, 8)
    wanted = dict(good)
    for number, name in enumerate(REASONS):
        soundfile.write(root / name, np.random.default_rng(100 + number).normal(0, 0.1, 1_600), 8_000)
        wanted[sha256_file(root / name)] = name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "describe", describe_poisoned)
        update = update_store(root / "store", wanted, front_end, root=root, timeout_seconds=3.0, workers=2)
    return root, good, wanted, update


def test_each_poisoned_track_is_a_row(poisoned) -> None:
    """Each has the reason of what its decoder did, and no other track fails."""
    root, good, _, update = poisoned
    assert update == Update(computed=len(good), kept=0, removed=0, failed=len(REASONS))
    failures = read_table(root / "store/failures.parquet", FAILURES)
    assert dict(zip(failures["path"], failures["reason"], strict=True)) == REASONS
    assert failures["message"].str.len().gt(0).all()


def test_the_others_are_as_without_them(poisoned, front_end, content) -> None:
    """Shard and manifest are, byte for byte, those of a store that never met a poisoned track."""
    root, good, _, _ = poisoned
    update_store(root / "clean", good, front_end, root=root, timeout_seconds=120.0)
    clean, found = content(root / "clean"), content(root / "store")
    del clean["failures.parquet"], found["failures.parquet"]
    assert found == clean


def test_with_a_sound_decoder_only_they_are_computed(poisoned, front_end) -> None:
    """The next update tries those that failed, and nothing else."""
    root, good, wanted, _ = poisoned
    again = update_store(root / "store", wanted, front_end, root=root, timeout_seconds=120.0)
    assert again == Update(computed=len(REASONS), kept=len(good), removed=0, failed=0)
