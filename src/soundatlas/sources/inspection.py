"""Looking into audio files once: is each sound, how long is it, what do its tags say? Remembered by content."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.errors import TrackError
from soundatlas.files import sha256_json
from soundatlas.progress import progress
from soundatlas.sources.tags import Tags, read_tags
from soundatlas.tables import conform, empty, write_table
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundatlas.params import IngestParams

RECIPE = "1"  # raise it when the same bytes shall be judged otherwise
PASSING = {"unreadable", "crashed", "timeout", "fault"}  # what may be the disk's or the machine's fault: tried again
FILES_PER_SAVE = 500
MEMORY = {
    "audio_sha256": "str",
    "judged_by": "str",  # recipe and limits
    "duration_seconds": "float64",
    "tags": "str",  # JSON: values and provenance
    "reason": "str",
    "message": "str",
}


@dataclass(frozen=True)
class Job:
    """A file to look into: its content's hash, where it lies, and the limits of section `ingest`."""

    audio_sha256: str
    path: str
    min_seconds: float
    silence_db: float
    max_clipped_share: float


@dataclass(frozen=True)
class Inspected:
    """What was found in a file.

    Attributes:
        duration_seconds: of the audio; missing where the file cannot be used.
        tags: of the file.
        failure: why it cannot be used, as (reason, message); None where it can.
    """

    duration_seconds: float | None
    tags: Tags
    failure: tuple[str, str] | None


def inspect_files(paths: Mapping[str, Path], limits: IngestParams, memory: Path) -> dict[str, Inspected]:
    """Look into files in worker processes; what was looked into before is remembered, but for faults that may pass.

    Args:
        paths: SHA-256 of a file's bytes -> where it lies.
        limits: section `ingest` of `params.yaml`.
        memory: a Parquet file of ours; it is kept up to date, so that a kill costs little.

    Returns:
        SHA-256 -> what was found, for all of `paths`.
    """
    judging = (limits.min_seconds, limits.silence_db, limits.max_clipped_share)
    judged_by = sha256_json([RECIPE, *judging, limits.timeout_seconds])[:16]
    table = _read_memory(memory)
    known: dict[str, dict[Any, Any]] = {
        row["audio_sha256"]: row for row in table[table["judged_by"] == judged_by].to_dict("records")
    }
    jobs = [Job(sha, str(path), *judging) for sha, path in paths.items() if sha not in known]
    unsaved = 0
    with progress("looking into audio files", len(jobs)) as advance:
        try:
            for outcome in map_in_workers(_inspect, jobs, timeout_seconds=limits.timeout_seconds) if jobs else ():
                row = outcome.value or _failed(outcome.failure)
                known[outcome.item.audio_sha256] = {"audio_sha256": outcome.item.audio_sha256, **row}
                unsaved += 1
                if unsaved % FILES_PER_SAVE == 0:
                    _write_memory(memory, table, known, judged_by)
                advance()
        finally:
            if unsaved:
                _write_memory(memory, table, known, judged_by)
    return {sha: _as_inspected(known[sha]) for sha in paths}


def _inspect(job: Job) -> dict[str, Any]:
    """Look into one file, in a worker."""
    from soundatlas.audio.examination import Limits, examine_file

    path = Path(job.path)
    try:
        examined = examine_file(path, Limits(job.min_seconds, job.silence_db, job.max_clipped_share))
    except TrackError as error:
        return _failed(error)
    tags = json.dumps(asdict(read_tags(path)), ensure_ascii=False)
    return {"duration_seconds": examined.duration_seconds, "tags": tags}


def _failed(failure: TrackError | None) -> dict[str, Any]:
    reason, message = ("fault", "nothing was found out") if failure is None else (failure.reason, failure.message)
    return {"reason": reason, "message": message}


def _as_inspected(row: Mapping[Any, Any]) -> Inspected:
    if isinstance(row.get("reason"), str):
        return Inspected(None, Tags(), (row["reason"], row["message"]))
    return Inspected(row["duration_seconds"], Tags(**json.loads(row["tags"])), None)


def _read_memory(path: Path) -> pd.DataFrame:
    """Return what is remembered; a file that is absent or damaged costs only the time to look again."""
    try:
        return _lasting(conform(pd.read_parquet(path), MEMORY))
    except (OSError, ValueError):
        return empty(MEMORY)


def _write_memory(path: Path, before: pd.DataFrame, known: Mapping[str, dict[Any, Any]], judged_by: str) -> None:
    """Write all that is known under these limits; what was judged by others before is kept for other content only."""
    rows = _lasting(conform(pd.DataFrame(known.values()).assign(judged_by=judged_by), MEMORY))
    rest = before[~before["audio_sha256"].isin(known.keys())]
    write_table(pd.concat([rest, rows]).sort_values("audio_sha256").reset_index(drop=True), path)


def _lasting(memory: pd.DataFrame) -> pd.DataFrame:
    """Return a memory without the faults that may pass, which earlier versions kept as well."""
    return memory[~memory["reason"].isin(PASSING)]
