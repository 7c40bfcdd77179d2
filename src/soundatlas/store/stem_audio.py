"""Stems as sound: a FLAC file per track and stem, made once."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.errors import TrackError
from soundatlas.files import remove_leftovers, replacing_file, sha256_json
from soundatlas.store.jobs import listed_file
from soundatlas.store.reading import FAILURES_NAME
from soundatlas.store.writing import Update
from soundatlas.tables import FAILURES, conform, write_table
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from soundatlas.attempts import MapJobs
    from soundatlas.audio.separate import Separation

SUFFIX = ".flac"
SHA_DIGITS, CONTRACT_DIGITS = 16, 6  # of a file's name


@dataclass(frozen=True)
class StemJob:
    """One track to take apart: picklable, for a worker.

    Attributes:
        audio_sha256: of the track's bytes.
        root: of the project.
        path: of the track, relative to it.
        targets: stem -> the file to write.
        separation: the settings.
        max_seconds: of a longer track, what is written.
    """

    audio_sha256: str
    root: Path
    path: str
    targets: Mapping[str, Path]
    separation: Separation
    max_seconds: float


def update_stem_audio(
    folder: Path,
    wanted: Mapping[str, str],
    stems: tuple[str, ...],
    separation: Separation,
    *,
    root: Path,
    max_seconds: float,
    timeout_seconds: float,
    map_jobs: MapJobs = map_in_workers,
    advance: Callable[[], None] = lambda: None,
) -> Update:
    """Make `folder` hold the stems of exactly the `wanted` tracks, and a row for each that failed.

    Files are named by the first digits of the audio's hash and of the settings' hash, and by the stem:
    `0123456789abcdef-a1b2c3-foreground.flac`, mono, of the track's own rate, 16 bits. A killed update goes on.

    Args:
        folder: of the files.
        wanted: audio SHA-256 -> path of a file that holds those bytes, relative to `root`.
        stems: which.
        separation: the settings.
        root: what the paths are relative to.
        max_seconds: of a longer track, what is written.
        timeout_seconds: longest time for one track.
        map_jobs: has workers take tracks apart.
        advance: called after each track that was taken apart, for a progress bar.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    contract = sha256_json({**separation.contract(), "max_seconds": max_seconds})[:CONTRACT_DIGITS]
    targets = {
        sha: {stem: folder / f"{sha[:SHA_DIGITS]}-{contract}-{stem}{SUFFIX}" for stem in stems} for sha in wanted
    }
    files = {path for paths in targets.values() for path in paths.values()}
    outdated = [path for path in folder.glob(f"[!.]*{SUFFIX}") if path not in files]
    for path in outdated:
        path.unlink()
    missing = [sha for sha in sorted(wanted) if not all(path.is_file() for path in targets[sha].values())]
    jobs = [StemJob(sha, root, wanted[sha], targets[sha], separation, max_seconds) for sha in missing]
    failures: list[dict[str, str]] = []
    with closing(map_jobs(write_stems, jobs, timeout_seconds=timeout_seconds)) as outcomes:
        for outcome in outcomes:
            if outcome.failure is not None:
                about = {"reason": outcome.failure.reason, "message": outcome.failure.message}
                failures.append({"path": outcome.item.path, "stage": "separate", **about})
            advance()
    write_table(conform(pd.DataFrame(failures, columns=[*FAILURES]), FAILURES), folder / FAILURES_NAME)
    return Update(len(missing) - len(failures), len(wanted) - len(missing), len(outdated), len(failures))


def write_stems(job: StemJob) -> None:
    """Write a track's stems, of the very bytes that the catalogue lists, each file whole or not at all.

    Raises:
        TrackError: when the file cannot be used.
    """
    import soundfile

    from soundatlas.audio.decode import decode
    from soundatlas.audio.separate import N_FFT, separate_samples

    decoded = decode(listed_file(job.audio_sha256, job.root, job.path), max_seconds=job.max_seconds)
    if len(decoded.samples) < N_FFT:
        raise TrackError("too_short", f"{len(decoded.samples)} samples, fewer than the {N_FFT} of one frame")
    parts = separate_samples(decoded.samples, decoded.sample_rate, [*job.targets], job.separation)
    for stem, samples in parts.items():
        with replacing_file(job.targets[stem]) as beside:
            soundfile.write(beside, samples.clip(-1, 1), decoded.sample_rate, format="FLAC", subtype="PCM_16")
