"""Forgetting a track: what would be done, doing it, and what is left that this project cannot reach."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.dag import holding_data, purge_cache, purge_remote, read_cache, read_remotes
from soundatlas.errors import SoundatlasError
from soundatlas.lineage.erasure import erasing_steps
from soundatlas.lineage.holding import Traces
from soundatlas.progress import progress
from soundatlas.sources.deny_list import AUDIO_FOLDERS, DENY_LIST, add_entries, read_entries

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.lineage.erasure import Step
    from soundatlas.lineage.subject import Subject

DUPLICATES = "data/split/duplicates.parquet"
ARTIFACTS = "mlruns/artifacts"


@dataclass
class Plan:
    """What forgetting a track means here.

    Attributes:
        subject: what is forgotten.
        entries: rows for the deny-list.
        steps: what is taken out of `data/`.
        cached: hashes of the objects in DVC's cache that hold something of it.
        cached_bytes: their size.
        remotes: name -> address of the project's remotes.
        own_files: the user's files, which stay.
        artifacts: files of MLflow with rows about it, which stay.
        same_recording: tracks that hold the same recording in other bytes; they are not forgotten with it.
    """

    subject: Subject
    entries: list[dict[str, str]]
    steps: list[Step]
    cached: list[str]
    cached_bytes: int
    remotes: dict[str, str]
    own_files: list[str]
    artifacts: list[str]
    same_recording: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-like values."""
        return {
            "name": self.subject.name,
            "audio_sha256": self.subject.audio_sha256,
            "track_ids": list(self.subject.track_ids),
            "deny_list": str(DENY_LIST),
            "steps": [words for words, _ in self.steps],
            "dvc_cache": {"objects": self.cached, "bytes": self.cached_bytes},
            "remotes": self.remotes,
            "own_files": self.own_files,
            "mlflow_artifacts": self.artifacts,
            "same_recording": self.same_recording,
        }


def plan_forgetting(root: Path, subject: Subject, reason: str) -> Plan:
    """Find all that the project holds of some audio; nothing is changed.

    Raises:
        SoundatlasError: when DVC cannot read the project, or something of ours is damaged.
    """
    subject = _with_denied_tracks(root, subject)
    traces = Traces(subject.audio_sha256, subject.track_ids, subject.paths)
    cached = _holding(read_cache(root), traces, "looking through DVC's cache")
    return Plan(
        subject=subject,
        entries=_entries(subject, reason),
        steps=list(erasing_steps(root, traces)),
        cached=sorted(cached),
        cached_bytes=sum(path.stat().st_size for path in cached.values()),
        remotes=read_remotes(root),
        own_files=[path for path in subject.paths if not _is_ours(root, path) and (root / path).is_file()],
        artifacts=_artifacts(root, traces),
        same_recording=_same_recording(root, subject),
    )


def forget(root: Path, plan: Plan, *, purge_remotes: bool) -> dict[str, int]:
    """Do what was planned; killed in the middle and called again, it goes on.

    The deny-list comes first: from then on no stage brings the track back.

    Args:
        root: of the project.
        plan: by `plan_forgetting`; what has come since is added to it, and forgotten too.
        purge_remotes: remove the objects from the remotes too.

    Returns:
        remote -> number of objects that were removed from it.

    Raises:
        SoundatlasError: when a stage is running, or something cannot be removed; the message names it.
    """
    with holding_data(root, "soundatlas forget"):
        add_entries(root, plan.entries)
        _take(plan.steps)
        arrived = plan_forgetting(root, plan.subject, "")  # with a run that ended since the plan was made
        _take(arrived.steps)
        plan.steps += arrived.steps
        plan.cached = sorted({*plan.cached, *arrived.cached})
        purged = {}
        if purge_remotes:  # before the cache, which alone knows which objects these are
            purged = {name: len(purge_remote(root, name, plan.cached)) for name in plan.remotes}
        purge_cache(root, plan.cached)
        return purged


def _take(steps: list[Step]) -> None:
    for words, do in steps:
        try:
            do()
        except OSError as error:
            raise SoundatlasError(f"cannot {words}: {error.strerror or error}") from error


def _with_denied_tracks(root: Path, subject: Subject) -> Subject:
    """Add the track ids that the deny-list has for this audio: after a kill the tables may have none any more."""
    denied = {row["track_id"] for row in read_entries(root) if row["audio_sha256"] == subject.audio_sha256}
    return replace(subject, track_ids=tuple(sorted({*subject.track_ids, *denied} - {""})))


def _entries(subject: Subject, reason: str) -> list[dict[str, str]]:
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return [
        {"audio_sha256": subject.audio_sha256, "track_id": track_id, "since": today, "reason": reason}
        for track_id in (subject.track_ids or ("",))
    ]


def _holding(files: dict[str, Path], traces: Traces, what: str) -> dict[str, Path]:
    """Return the files that hold something of a track."""
    found = {}
    with progress(what, len(files)) as advance:
        for name, path in files.items():
            if traces.are_in(path):
                found[name] = path
            advance()
    return found


def _is_ours(root: Path, path: str) -> bool:
    return any((root / path).resolve().is_relative_to((root / folder).resolve()) for folder in AUDIO_FOLDERS)


def _artifacts(root: Path, traces: Traces) -> list[str]:
    """Return the tables and contact sheets of the project's own MLflow that show a track; on a server nobody looks."""
    folder = root / ARTIFACTS
    if "MLFLOW_TRACKING_URI" in os.environ or not folder.is_dir():
        return []
    paths = sorted([*folder.rglob("*.parquet"), *folder.rglob("contact_sheet_*.png")])
    files = {path.relative_to(root).as_posix(): path for path in paths}
    return list(_holding(files, traces, "looking through MLflow's artifacts"))


def _same_recording(root: Path, subject: Subject) -> list[str]:
    """Return the tracks that the split found to hold the same recording."""
    path = root / DUPLICATES
    if not path.is_file():
        return []
    pairs = pd.read_parquet(path)
    mine = set(subject.track_ids)
    ids = {
        other
        for one, two in pairs[["track_id", "other_track_id"]].itertuples(index=False)
        for this, other in ((one, two), (two, one))
        if this in mine
    }
    return sorted(ids - mine)
