"""A disk that is full: one line, the store of before stays, and with space the next run ends as an undisturbed one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import tiny_project
from loose_store import LooseStore, write_clips

from soundatlas.store.verification import verify_store

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="there is no tmpfs")]

BEFORE, CLIPS = 30, 150  # one shard, and two
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
FULL = "the disk is full: free some space and run it again"


@pytest.fixture(scope="module")
def stores(tmp_path_factory, repository) -> tuple[LooseStore, LooseStore]:
    """Give a store of some clips, and one of more that nobody disturbed; copy them, never write to them."""
    root = tmp_path_factory.mktemp("stores")
    tiny_project.start_project(root / "project", repository)
    music = root / "music"
    write_clips(music, BEFORE)
    before = LooseStore(root / "project", music, root / "before")
    assert before.run()[0] == 0
    write_clips(music, CLIPS)
    undisturbed = replace(before, store=root / "undisturbed")
    assert undisturbed.run()[0] == 0
    return before, undisturbed


@pytest.fixture
def disk(tmp_path):
    """Give a small disk, and a function that makes it larger."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], check=False, capture_output=True, text=True
    )
    if mount.returncode:
        pytest.skip(f"nobody but root may mount a disk: {mount.stderr.strip()}")

    def resize(size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)

    yield folder, resize
    subprocess.run(["umount", str(folder)], check=True)


def pages_of(store: LooseStore, pattern: str) -> int:
    """Return how many pages of a disk some files of a store take."""
    return sum(-(-path.stat().st_size // PAGE_BYTES) for path in store.store.glob(pattern))


@pytest.mark.parametrize(
    ("until", "pages"), [("listing", 0), ("listing", 3), ("shards", 0), ("shards", 30), ("tables", 0)]
)
def test_full_disk_is_one_line(until, pages, disk, stores) -> None:
    """Wherever the space ends: one line, a whole store of before, and with space there is nothing else to mend."""
    folder, resize = disk
    before, undisturbed = stores
    store = replace(before, store=folder / "store")
    shutil.copytree(before.store, store.store)
    if until != "listing":
        pages += pages_of(undisturbed, "known*.json") - pages_of(before, "known*.json") + 1
    if until == "tables":
        pages += pages_of(undisturbed, "*.safetensors")
    usage = os.statvfs(folder)
    resize((usage.f_blocks - usage.f_bfree) * usage.f_frsize + pages * PAGE_BYTES)
    code, _, err = store.run()
    assert code == 1
    (line,) = (line for line in err.splitlines() if not line.startswith("computing spectrograms"))
    assert FULL in line or "cannot be written" in line
    assert list(store.store.glob(".*.part*")) == []
    assert verify_store(store.store).tracks >= BEFORE
    resize(1 << 26)
    assert store.run()[0] == 0
    assert store.content() == undisturbed.content()


def test_limit_of_a_files_size_is_one_line(stores, tmp_path) -> None:
    """So is what a user may write to one file, which needs nobody's permission to try."""
    before, undisturbed = stores
    store = replace(before, store=tmp_path / "store")
    shutil.copytree(before.store, store.store)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY)); "
    code, _, err = replace(store, prelude=limit).run()
    assert code == 1
    (line,) = (line for line in err.splitlines() if not line.startswith("computing spectrograms"))
    assert FULL in line or "cannot be written" in line
    assert verify_store(store.store).tracks >= BEFORE
    assert store.run()[0] == 0
    assert store.content() == undisturbed.content()


def test_two_runs_at_once_are_one(stores, tmp_path) -> None:
    """One of them does it; the other does nothing and says so, or comes when all is done."""
    before, undisturbed = stores
    store = replace(before, store=tmp_path / "store")
    processes = [store.start() for _ in range(3)]
    ends = [(*process.communicate(), process.returncode) for process in processes]
    assert min(code for *_, code in ends) == 0
    for out, err, code in ends:
        if code:
            assert (out, code) == ("", 1)
            assert err.splitlines()[-1].startswith(f"soundatlas: another run is at work in {store.store}: wait until")
    assert {*store.content()} >= {*undisturbed.content()}
    assert store.run()[:2] == (0, f"0 computed, {CLIPS} kept, 0 removed, 0 failed")
    assert store.content() == undisturbed.content()
