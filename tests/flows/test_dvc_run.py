"""A DVC command as it runs: sections, failures, and its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil
import pytest
from small_pipeline import PYTHON, make_pipeline

from flows.dvc_run import DvcFailedError, DvcRun

if TYPE_CHECKING:
    from pathlib import Path

REPRO = ["repro"]


def sections(root: Path, *arguments: str) -> list[tuple[str, str, list[str]]]:
    """Run DVC to its end; return stage, reason to skip and lines of each section."""
    with DvcRun(root, arguments or REPRO) as run:
        return [(each.stage, each.skipped, [] if each.skipped else list(each.lines())) for each in run.sections()]


def test_a_section_per_stage_with_its_lines(tmp_path: Path) -> None:
    """Every stage has one section with its own lines, in the order in which DVC comes to it."""
    root = make_pipeline(tmp_path / "small")
    found = {stage: lines for stage, _, lines in sections(root)}
    assert list(found) == ["look", "first", "second", "last", "side"]
    assert found["second"] == ["> echo one; echo two; cp first.txt second.txt", "one", "two"]


def test_what_dvc_skips_says_why(tmp_path: Path) -> None:
    """A stage that did not change, or that the run cache gives back, is a section with DVC's reason."""
    root = make_pipeline(tmp_path / "small")
    sections(root)
    again = {stage: skipped for stage, skipped, _ in sections(root)}
    assert again == {"look": "", **dict.fromkeys(["first", "second", "last", "side"], "didn't change, skipping")}
    (root / "second.txt").unlink()
    (root / "dvc.lock").unlink()
    restored = {stage: skipped for stage, skipped, _ in sections(root)}
    assert restored["second"] == "is cached - skipping run, checking out outputs"


def test_a_target_and_a_forced_stage(tmp_path: Path) -> None:
    """DVC's own options hold: down to a target, or one stage alone although nothing changed."""
    root = make_pipeline(tmp_path / "small")
    assert [stage for stage, _, _ in sections(root, "repro", "first")] == ["look", "first"]
    assert [(s, skipped) for s, skipped, _ in sections(root, "repro", "--single-item", "--force", "first")] == [
        ("first", "")
    ]


def test_lines_come_while_the_stage_runs(tmp_path: Path) -> None:
    """A line is there when the stage has printed it, not when the stage has ended."""
    waits = "echo begun; while [ ! -e go ]; do sleep 0.05; done; echo look > look.txt"
    root = make_pipeline(tmp_path / "small", look=waits)
    with DvcRun(root, REPRO) as run:
        lines = next(run.sections()).lines()
        assert next(lines).startswith("> ")
        assert next(lines) == "begun"
        assert not (root / "look.txt").exists()
        (root / "go").touch()
        assert list(lines) == []


def test_a_failed_stage_has_its_last_lines_and_the_way_to_repeat_it(tmp_path: Path) -> None:
    """The error names stage, last lines and command; later stages do not come."""
    root = make_pipeline(tmp_path / "small", second="echo out of luck; exit 3")
    seen = []

    def follow() -> None:
        with DvcRun(root, REPRO) as run:
            for section in run.sections():
                seen.append(section.stage)
                list(section.lines())

    with pytest.raises(DvcFailedError) as caught:
        follow()
    assert seen == ["look", "first", "second"]
    assert "stage second failed" in str(caught.value)
    assert "out of luck" in str(caught.value)
    assert "Repeat it with: dvc repro second" in str(caught.value)


def test_a_failure_before_any_stage(tmp_path: Path) -> None:
    """What DVC says when it cannot start is in the error."""
    root = make_pipeline(tmp_path / "small")
    with pytest.raises(DvcFailedError, match="dvc repro nothing failed"):
        sections(root, "repro", "nothing")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """Output that is not UTF-8 is shown as well as it can be."""
    root = make_pipeline(tmp_path / "small", look="printf 'caf\\351\\n'; echo look > look.txt")
    assert "caf\ufffd" in {stage: lines for stage, _, lines in sections(root)}["look"]


def test_leaving_in_the_middle_ends_the_stage(tmp_path: Path) -> None:
    """When the block is left, DVC and what it has started are gone."""
    sleeper = f'{PYTHON} -c "import os, time; print(os.getpid(), flush=True); time.sleep(600)"'
    root = make_pipeline(tmp_path / "small", look=sleeper)
    with DvcRun(root, REPRO) as run:
        lines = next(run.sections()).lines()
        next(lines)
        stage = psutil.Process(int(next(lines)))
        assert stage.is_running()
    for _ in range(50):
        if not stage.is_running():
            break
        time.sleep(0.1)
    assert not stage.is_running()
