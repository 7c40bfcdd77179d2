"""The project's own files: parameters, the deny-list, git, the champion."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from soundatlas.doctor.finding import Finding, Status, one_line
from soundatlas.errors import BundleError, ParamsError

if TYPE_CHECKING:
    from pathlib import Path

HASH_CHARACTERS = 7


def check_params(root: Path) -> list[Finding]:
    """Say whether `params.yaml` holds."""
    from soundatlas.params import load_params

    try:
        load_params(root / "params.yaml")
    except ParamsError as error:
        return [Finding("params", Status.FAULT, str(error), "correct params.yaml")]
    return [Finding("params", Status.OK, "params.yaml is valid")]


def check_deny_list(root: Path) -> list[Finding]:
    """Say how much `data/denied.csv` denies; one that cannot be read is a fault in its own words."""
    from soundatlas.sources.deny_list import DENY_LIST, DenyList, read_deny_list

    denied = read_deny_list(root)
    if denied == DenyList():
        return [Finding("deny list", Status.OK, f"{DENY_LIST} denies nothing")]
    message = f"{DENY_LIST} denies {len(denied.shas)} by their audio, {len(denied.track_ids)} by their id"
    return [Finding("deny list", Status.OK, message)]


def check_git(root: Path) -> list[Finding]:
    """Say at which commit the project stands, and whether there is more than that commit."""
    if shutil.which("git") is None:
        return [Finding("git", Status.FAULT, "there is no `git` command, which DVC needs", "install git")]
    import git

    try:
        repository = git.Repo(root, search_parent_directories=True)
        if not repository.head.is_valid():
            return [Finding("git", Status.OK, "a repository without a commit so far")]
        is_dirty = repository.is_dirty(untracked_files=True)
        state = "with uncommitted changes or new files" if is_dirty else "nothing uncommitted"
        branch = "detached" if repository.head.is_detached else f"on {repository.active_branch.name}"
        commit = repository.head.commit.hexsha[:HASH_CHARACTERS]
        return [Finding("git", Status.OK, f"commit {commit} {branch}, {state}")]
    except git.InvalidGitRepositoryError:
        message = "no git repository: runs cannot name the commit that they were made from"
        return [Finding("git", Status.WARNING, message, "`git init`, and commit")]
    except git.GitCommandError as error:
        said = one_line(error.stderr.strip().removeprefix("stderr:").strip(" '\n"))
        return [Finding("git", Status.FAULT, f"git refuses: {said}", "`git status` here says more")]


def check_champion(root: Path) -> list[Finding]:
    """Say which model is champion, and whether its files are here and unchanged."""
    from soundatlas.registry.contract import content_sha256, read_contract
    from soundatlas.registry.pin import PIN, read_champion

    if not (root / PIN).is_file():
        return [Finding("champion", Status.OK, "none yet: `dvc repro` trains and promotes one")]
    try:
        pinned = read_champion(root)
        if pinned is None:
            return [Finding("champion", Status.OK, "none yet: no model has passed the gate")]
        champion, folder = pinned
        unchanged = content_sha256(folder) == champion.content_sha256
        read_contract(folder)
    except BundleError as error:
        message, _, todo = str(error).rpartition(": ")
        return [Finding("champion", Status.FAULT, message, todo)]
    except (ValueError, TypeError, AttributeError):
        todo = f"delete {PIN} and mlruns/bundles, then `dvc repro promote`"
        return [Finding("champion", Status.FAULT, f"{PIN} or what it names is damaged", todo)]
    if not unchanged:
        message = f"the files of version {champion.version} have changed since it was registered"
        todo = "delete mlruns/bundles, then `dvc repro promote`"
        return [Finding("champion", Status.FAULT, message, todo)]
    message = f"{champion.name} version {champion.version} ({champion.content_sha256[:12]}), its files unchanged"
    return [Finding("champion", Status.OK, message)]
