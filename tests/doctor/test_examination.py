"""All checks together: one that breaks is a finding, and the others are still made."""

from __future__ import annotations

import subprocess
import sys

from soundatlas.doctor import examination
from soundatlas.doctor.examination import GROUPS, examine, run_check
from soundatlas.doctor.finding import Finding, Status
from soundatlas.errors import NotReadyError

HEAVY = ("mlflow", "tensorflow", "librosa", "music21", "great_expectations", "prefect", "pandas")


def check_something_odd(_root):
    """Break in a way that nobody foresaw."""
    raise RuntimeError("first line\nsecond line at https://anna:geheim@host")


def test_broken_check_is_a_fault_and_the_next_is_made(tmp_path, monkeypatch):
    """An unforeseen exception is one fault line with its type and message; the checks after it still speak."""

    def check_next(_root):
        return [Finding("next", Status.OK, "well")]

    monkeypatch.setattr(examination, "GROUPS", {"Group": (check_something_odd, check_next)})
    broken, well = examine(tmp_path)["Group"]
    assert (broken.check, broken.status) == ("something odd", Status.FAULT)
    assert "RuntimeError: first line second line at https://***@host" in broken.message
    assert well.message == "well"


def test_missing_package_says_what_installs_it(tmp_path):
    """A check whose package is not installed says which, and that `make setup` helps."""

    def check_tone(_root):
        raise ModuleNotFoundError("No module named 'soundfile'")

    (found,) = run_check(check_tone, tmp_path)
    assert (found.status, found.message) == (Status.FAULT, "No module named 'soundfile'")
    assert "`make setup`" in found.todo


def test_known_fault_speaks_for_itself(tmp_path):
    """A fault of soundatlas's own is shown in its own words."""

    def check_it(_root):
        raise NotReadyError("no licence: get one")

    (found,) = run_check(check_it, tmp_path)
    assert (found.status, found.message) == (Status.FAULT, "no licence: get one")


def test_wrong_worker_count_is_a_fault(tmp_path, monkeypatch):
    """A SOUNDATLAS_WORKERS that every stage would refuse is found before."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "many")
    found = [each for each in examine(tmp_path)["Machine"] if each.check == "processors"]
    assert [each.status for each in found] == [Status.FAULT]
    assert "SOUNDATLAS_WORKERS is 'many'" in found[0].message


def test_every_fault_and_warning_says_what_to_do(tmp_path):
    """In an empty folder much is wrong, and each line of it has a to-do."""
    findings = [each for group in examine(tmp_path).values() for each in group]
    assert {each.check for each in findings if each.status is Status.FAULT} >= {"params", "stages"}
    assert [each.check for each in findings if each.status is not Status.OK and not each.todo] == []


def test_every_check_has_one_place():
    """No check is made twice."""
    checks = [check for checks in GROUPS.values() for check in checks]
    assert len(checks) == len(set(checks))


def test_nothing_heavy_is_imported(dvc_project):
    """The examination of a project needs none of the packages that take seconds to import."""
    script = (
        "import sys; from pathlib import Path; from soundatlas.doctor.examination import examine; "
        f"examine(Path.cwd()); print(sorted({set(HEAVY)!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=dvc_project, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
