"""The project's own files: parameters, the deny-list, git, the champion."""

from __future__ import annotations

import json
import shutil

import pytest
import tiny_project
from two_stages import commit_all, run_in

from soundatlas.doctor.examination import run_check
from soundatlas.doctor.finding import Status
from soundatlas.doctor.project import check_champion, check_deny_list, check_git, check_params
from soundatlas.registry.pin import bundle_folder, export_pin
from soundatlas.sources.deny_list import add_entries


@pytest.fixture
def crowned(project, model):
    """Give a project with a champion, and its bundle's folder."""
    return project, bundle_folder(project, tiny_project.install_champion(project, model))


def test_valid_params(project):
    """Parameters that every stage would take are one good line."""
    (found,) = check_params(project)
    assert (found.status, found.message) == (Status.OK, "params.yaml is valid")


def test_params_that_a_stage_would_refuse(project):
    """An unknown key is a fault that names it, as the stages would."""
    with (project / "params.yaml").open("a", encoding="utf-8") as file:
        file.write("trian: {}\n")
    (found,) = check_params(project)
    assert (found.status, found.message) == (Status.FAULT, "params.yaml: trian is not a known key")
    assert found.todo == "correct params.yaml"


def test_what_is_denied_is_counted(project):
    """An absent list denies nothing; another one is counted by both of its names."""
    assert check_deny_list(project)[0].message == "data/denied.csv denies nothing"
    add_entries(project, [{"audio_sha256": "a" * 64, "track_id": "demo:1", "since": "", "reason": ""}])
    (found,) = check_deny_list(project)
    assert (found.status, found.message) == (Status.OK, "data/denied.csv denies 1 by their audio, 1 by their id")


def test_deny_list_that_denies_nothing_by_mistake(project):
    """A list without its header is a fault that names the columns."""
    (project / "data").mkdir(exist_ok=True)
    (project / "data/denied.csv").write_text("a" * 64, encoding="utf-8")
    (found,) = run_check(check_deny_list, project)
    assert (found.check, found.status) == ("deny list", Status.FAULT)
    assert "line 1 must name the columns: audio_sha256,track_id,since,reason" in found.message


def test_commit_and_branch(dvc_project):
    """Where all is committed, commit and branch are named."""
    commit_all(dvc_project)
    (found,) = check_git(dvc_project)
    assert found.status is Status.OK
    assert found.message.endswith(" on main, nothing uncommitted")


@pytest.mark.parametrize("name", ["a.txt", "new.txt"])
def test_uncommitted_changes_are_no_fault(dvc_project, name):
    """Changed and new files are mentioned, and nothing is asked of the user."""
    commit_all(dvc_project)
    (dvc_project / name).write_text("changed", encoding="utf-8")
    (found,) = check_git(dvc_project)
    assert (found.status, found.todo) == (Status.OK, None)
    assert found.message.endswith(", with uncommitted changes or new files")


def test_detached_head(dvc_project):
    """A checked-out commit without a branch is no crash."""
    commit_all(dvc_project)
    run_in(dvc_project, "git", "checkout", "--quiet", "--detach")
    assert " detached, " in check_git(dvc_project)[0].message


def test_repository_without_a_commit(dvc_project):
    """Right after `git init` there is no commit to name, which is no fault."""
    (found,) = check_git(dvc_project)
    assert (found.status, found.message) == (Status.OK, "a repository without a commit so far")


def test_no_repository(project):
    """Without git, runs lose their lineage: a warning."""
    (found,) = check_git(project)
    assert found.status is Status.WARNING
    assert found.message.startswith("no git repository")


def test_no_git(project, monkeypatch):
    """Without the git command DVC cannot work: a fault."""
    monkeypatch.setenv("PATH", "")
    (found,) = check_git(project)
    assert (found.status, found.todo) == (Status.FAULT, "install git")


def test_before_the_first_champion(project):
    """Neither a project that has not run nor one where nobody passed the gate needs repair."""
    assert check_champion(project)[0].message == "none yet: `dvc repro` trains and promotes one"
    export_pin(project, "soundatlas", None)
    assert check_champion(project)[0].message == "none yet: no model has passed the gate"
    assert check_champion(project)[0].status is Status.OK


def test_champion_is_named(crowned):
    """The champion's version and the start of its hash are shown once its files have been compared."""
    project, folder = crowned
    (found,) = check_champion(project)
    assert found.status is Status.OK
    assert found.message == f"soundatlas version 1 ({folder.name[:12]}), its files unchanged"


def test_champion_whose_bundle_is_gone(crowned):
    """A pin to a bundle that is not here is a fault, with the command that fetches it."""
    project, folder = crowned
    shutil.rmtree(folder)
    (found,) = check_champion(project)
    assert found.status is Status.FAULT
    assert "is not in mlruns/bundles" in found.message
    assert found.todo == "run `dvc repro promote`"


def test_champion_whose_files_changed(crowned):
    """A bundle that is no longer what was registered is a fault."""
    project, folder = crowned
    with (folder / "contract.json").open("a", encoding="utf-8") as file:
        file.write(" ")
    (found,) = check_champion(project)
    assert found.status is Status.FAULT
    assert "have changed" in found.message


def test_champion_whose_files_are_incomplete(crowned):
    """A bundle that lacks a file is a fault that names it."""
    project, folder = crowned
    (folder / "network.weights.h5").unlink()
    (found,) = check_champion(project)
    assert found.status is Status.FAULT
    assert "network.weights.h5" in found.message


def test_champion_of_an_earlier_version(crowned):
    """A bundle that this version of soundatlas cannot load is a fault, with the command that trains anew."""
    project, folder = crowned
    tiny_project.make_outdated(folder)
    (found,) = check_champion(project)
    assert found.status is Status.FAULT
    assert "has format 1" in found.message
    assert found.todo == "run `dvc repro`, which trains it anew"


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"content_sha256": "nonsense"})])
def test_damaged_pin(project, text):
    """A pin that is none is a fault with a to-do, not a crash."""
    (project / "data/champion.json").write_text(text, encoding="utf-8")
    (found,) = check_champion(project)
    assert found.status is Status.FAULT
    assert "`dvc repro promote`" in found.todo
