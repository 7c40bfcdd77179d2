"""The installed packages against `requirements.lock`."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from soundatlas.doctor.finding import Finding, Status, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.requirements import Requirement

LOCK = "requirements.lock"
MOST_NAMED = 4
HASHES = re.compile(r"\s*(--hash=\S+|\\)\s*")


def check_packages(root: Path) -> list[Finding]:
    """Say which packages are missing, and which are there in another version than the lock's."""
    if not (root / LOCK).is_file():
        todo = f"nothing, if you use soundatlas as a library; otherwise `git checkout {LOCK}`"
        return [Finding("packages", Status.WARNING, f"not compared: there is no {LOCK} here", todo)]
    try:
        locked = read_lock((root / LOCK).read_text(encoding="utf-8"))
    except ValueError as error:
        todo = f"`git checkout {LOCK}`, or `make lock`"
        return [Finding("packages", Status.FAULT, f"{LOCK} cannot be read: {one_line(error)}", todo)]
    missing, other = [], []
    for requirement in locked:
        installed = _installed_version(requirement.name)
        if installed is None:
            missing.append(requirement.name)
        elif not requirement.specifier.contains(installed, prereleases=True):
            other.append(f"{requirement.name} {installed} ({requirement.specifier})")
    findings = []
    if missing:
        message = f"{len(missing)} of {len(locked)} are missing: {_first(missing)}"
        findings.append(Finding("packages", Status.FAULT, message, "`make setup`"))
    if other:
        message = f"{len(other)} of {len(locked)} differ from {LOCK}: {_first(other)}"
        findings.append(Finding("packages", Status.WARNING, message, "`make setup`"))
    return findings or [Finding("packages", Status.OK, f"all {len(locked)} are here as {LOCK} has them")]


def read_lock(text: str) -> list[Requirement]:
    """Return the requirements of a lock file that hold on this machine, without their hashes.

    Raises:
        InvalidRequirement: a `ValueError`, when a line is no requirement.
    """
    from packaging.requirements import Requirement

    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "-", "\\")))
    requirements = [Requirement(HASHES.sub(" ", line).partition(" #")[0].strip()) for line in lines]
    return [each for each in requirements if each.marker is None or each.marker.evaluate()]


def _installed_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _first(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
