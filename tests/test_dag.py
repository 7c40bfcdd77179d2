"""DVC's graph as DVC itself sees it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from small_pipeline import GRAPH, make_pipeline

from soundatlas.dag import (
    ALWAYS,
    OWN_OUTPUT,
    down_to,
    find,
    purge_cache,
    purge_remote,
    read_cache,
    read_changes,
    read_lock,
    read_metrics_of,
    read_remotes,
    read_stages,
    refreshing,
)
from soundatlas.errors import SoundatlasError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a small pipeline in a git repository."""
    return make_pipeline(tmp_path / "small")


def names(stages) -> list[str]:
    """Return the names of stages."""
    return [stage.name for stage in stages]


def test_stages_come_in_the_order_in_which_dvc_runs_them(root: Path) -> None:
    """The order is that of a real `dvc repro`, which is not the order of the file."""
    shown = subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=root, check=True, capture_output=True, text=True)
    assert names(read_stages(root)) == re.findall("Running stage '(.+)'", shown.stdout)
    assert names(read_stages(root)) != list(GRAPH)


def test_a_stage_knows_what_it_is(root: Path) -> None:
    """Description, whether it always runs, and all that it depends on are DVC's."""
    last = find(read_stages(root), "last")
    assert (last.description, last.always_changed) == ("", False)
    assert last.upstream == {"look", "first", "second"}
    look = find(read_stages(root), "look")
    assert (look.description, look.always_changed, look.upstream) == ("Looks around.", True, frozenset())


def test_the_order_does_not_depend_on_where_one_stands(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages have the same names when asked from a folder inside the project."""
    before = names(read_stages(root))
    (root / "below").mkdir()
    monkeypatch.chdir(root / "below")
    assert names(read_stages(root)) == before


def test_down_to_a_stage(root: Path) -> None:
    """Down to a stage is the stage and what it depends on, in order."""
    assert names(down_to(read_stages(root), "second")) == ["look", "first", "second"]
    assert names(down_to(read_stages(root), "side")) == ["side"]


def test_refreshing_leaves_out_what_dvc_can_judge(root: Path) -> None:
    """To refresh a stage is to run it after the stages that look at the world outside, and no other."""
    assert names(refreshing(read_stages(root), ["last"])) == ["look", "last"]


def test_the_project_itself_refreshes_without_training(repository: Path) -> None:
    """In soundatlas's own graph, predictions and map are refreshed by listing the inbox and following the alias."""
    refreshed = refreshing(read_stages(repository), ["classify", "atlas"])
    assert names(refreshed) == ["ingest", "promote", "classify", "atlas"]


def test_an_unknown_stage_lists_those_that_there_are(root: Path) -> None:
    """Whoever misspells a stage reads all the right spellings."""
    with pytest.raises(UsageError, match=r"no stage 'frist' in dvc.yaml: choose one of .*first, second"):
        down_to(read_stages(root), "frist")


@pytest.mark.parametrize("text", ["stages: [", "stages:\n  a: {cmd: x, unknown: y}\n", ""])
def test_a_broken_graph_is_one_line(root: Path, text: str) -> None:
    """What DVC cannot read is one line in our words; an empty file has no stages."""
    (root / "dvc.yaml").write_text(text)
    if not text:
        assert read_stages(root) == ()
        return
    with pytest.raises(SoundatlasError, match="DVC cannot read this project") as caught:
        read_stages(root)
    assert "\n" not in str(caught.value)


def test_metrics_of_a_revision(root: Path) -> None:
    """Metrics are those of the revision, not of the workspace; a revision that is none is one line."""
    (root / "scores.json").write_text('{"f1": 0.9}')
    assert read_metrics_of(root, "HEAD") == {"f1": 0.5}
    with pytest.raises(SoundatlasError, match="nowhere"):
        read_metrics_of(root, "nowhere")


def test_what_dvc_would_run_and_why(root: Path) -> None:
    """Before the first run everything is new; then only what always runs, until an out or a command is changed."""
    dvc = [sys.executable, "-m", "dvc"]
    assert read_changes(root).keys() == {"first", "second", "last", "look", "side"}
    subprocess.run([*dvc, "repro", "-q"], cwd=root, check=True, capture_output=True)
    assert read_changes(root) == {"look": [ALWAYS]}
    (root / "second.txt").unlink()
    (root / "second.txt").write_text("by hand")
    text = (root / "dvc.yaml").read_text()
    (root / "dvc.yaml").write_text(text.replace("echo side >", "echo other side >"))
    assert read_changes(root) == {
        "look": [ALWAYS],
        "second": [f"second.txt modified{OWN_OUTPUT}"],
        "last": ["second.txt modified"],
        "side": ["changed command"],
    }
    assert (root / "second.txt").read_text() == "by hand"


def test_lock_and_cache_as_repro_leaves_them(root: Path) -> None:
    """Before a run both are empty; after it the lock has each out's hash, under which the cache has its content."""
    assert (read_lock(root), read_cache(root)) == ({}, {})
    subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=root, check=True, capture_output=True)
    lock, cache = read_lock(root), read_cache(root)
    assert set(lock) == {"look.txt", "first.txt", "second.txt", "last.txt", "side.txt"}
    assert cache[lock["side.txt"]].read_text() == "side\n"
    purge_cache(root, [lock["side.txt"]])
    assert set(read_cache(root)) == set(cache) - {lock["side.txt"]}


def test_remotes_are_read_and_purged(root: Path, tmp_path: Path) -> None:
    """Each remote has its address; what is not there is no fault, a remote that is none is one line."""
    dvc = (sys.executable, "-m", "dvc")
    assert read_remotes(root) == {}
    for command in (["repro"], ["remote", "add", "--default", "far", str(tmp_path / "far")], ["push"]):
        subprocess.run([*dvc, *command], cwd=root, check=True, capture_output=True)
    assert read_remotes(root) == {"far": str(tmp_path / "far")}
    oid = read_lock(root)["side.txt"]
    assert (tmp_path / "far/files/md5" / oid[:2] / oid[2:]).is_file()
    assert purge_remote(root, "far", [oid, "0" * 32]) == [oid]
    assert not (tmp_path / "far/files/md5" / oid[:2] / oid[2:]).exists()
    with pytest.raises(SoundatlasError, match="DVC cannot purge the remote nowhere"):
        purge_remote(root, "nowhere", [oid])
