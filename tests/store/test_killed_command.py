"""kill -9, SIGTERM and Ctrl-C at random moments of `soundatlas spectrograms`."""

from __future__ import annotations

import random
import shutil
import signal
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import tiny_project
from loose_store import LooseStore, end_family, write_clips

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.store.reading import MANIFEST_NAME, SpectrogramStore
from soundatlas.termination import NAMES

if TYPE_CHECKING:
    import subprocess

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")]

CLIPS = 240  # three shards' worth and more: a kill falls between them, too
BEFORE = 120  # of which a store of before holds so many
KILLS = 20


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, repository) -> LooseStore:
    """Give a store that nobody disturbed; copy it, never write to it."""
    root = tmp_path_factory.mktemp("undisturbed")
    tiny_project.start_project(root / "project", repository)
    write_clips(root / "music", CLIPS)
    store = LooseStore(root / "project", root / "music", root / "store")
    assert store.run()[:2] == (0, f"{CLIPS} computed, 0 kept, 0 removed, 0 failed")
    assert len(list(store.store.glob("*.safetensors"))) == 4
    return store


@pytest.fixture(scope="module")
def before(undisturbed, tmp_path_factory) -> LooseStore:
    """Give a store of half of the clips, and of some that are gone since; copy it, never write to it."""
    root = tmp_path_factory.mktemp("before")
    write_clips(root / "music", BEFORE)
    for number in range(20):
        path = root / "music" / f"{number}.wav"
        path.write_bytes(path.read_bytes()[:-2])
    store = replace(undisturbed, music=root / "music", store=root / "store")
    assert store.run()[0] == 0
    return store


def wait_for_moment(process: subprocess.Popen[str], chance: random.Random) -> None:
    """Wait until a random share of the clips is done, or none is, and a little longer."""
    tenths = chance.randrange(10)
    for line in process.stderr if tenths else ():
        if line == f"computing spectrograms: {10 * tenths} %\n":
            break
    time.sleep(chance.uniform(0, 0.1 if tenths else 1.0))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_at_random_moments(number, undisturbed, before, repository, tmp_path) -> None:
    """What was whole stays readable and is not computed again; the end is, to the byte, an undisturbed store."""
    chance = random.Random(int(number))  # noqa: S311 - no secret
    contract = FrontEnd.of(tiny_project.params_of(repository).spectrograms).sha256()
    wanted = set(SpectrogramStore(undisturbed.store, contract).manifest.index)
    counts = []
    for attempt in range(KILLS):
        store = replace(undisturbed, store=tmp_path / str(attempt))
        if attempt % 2:
            shutil.copytree(before.store, store.store)
        process = store.start()
        wait_for_moment(process, chance)
        left, err = end_family(process, number)
        assert left == []
        there = store.kept()
        kept = there & wanted
        counts.append(len(kept))
        if (store.store / MANIFEST_NAME).exists():
            reader = SpectrogramStore(store.store, contract)
            for sha in wanted & set(reader.manifest.index):
                assert len(reader.log_mel(sha)) == reader.frame_count(sha)
        if number != signal.SIGKILL and process.returncode not in {0, -number}:  # done, or not even begun
            assert process.returncode == 128 + number, err
            assert err.endswith(f"soundatlas: ended by {NAMES[number]}; run it again to go on\n")
            assert "Traceback" not in err
            assert list(store.store.glob(".*.part*")) == []
        told = f"{CLIPS - len(kept)} computed, {len(kept)} kept, {len(there - wanted)} removed, 0 failed"
        code, last, err = store.run()
        assert (code, last) == (0, told), err
        assert store.content() == undisturbed.content()
        shutil.rmtree(store.store)
    assert len({count for count in counts if 0 < count < CLIPS}) > 1, f"kills fell before or after: {counts}"
