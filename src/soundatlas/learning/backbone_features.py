"""The features that a backbone hears in each track, by audio hash; only what is missing is computed."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from soundatlas.errors import StoreError
from soundatlas.files import remove_leftovers, replacing_file_apart, sha256_json
from soundatlas.learning.backbone import NONE, FeatureExtractor, feature_contract, feature_program, feature_size
from soundatlas.store.jobs import Job, compute
from soundatlas.tables import FAILURES, conform, write_table
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from soundatlas.attempts import MapJobs
    from soundatlas.audio.spectrogram import FrontEnd

FEATURES_NAME = "features.safetensors"
FAILURES_NAME = "failures.parquet"
METADATA_KEY = "soundatlas"  # one key only: safetensors writes several in no fixed order
TENSOR = "features"
TRACKS_BETWEEN_WRITES = 200  # what a kill may cost; a write of 10,000 tracks has 60 MB


@dataclass(frozen=True)
class FeatureTable:
    """The features of many tracks.

    Attributes:
        contract: what shaped them, from `feature_contract`.
        shas: audio SHA-256 per row, in order.
        features: float32, shape (tracks, `feature_size`).
    """

    contract: dict[str, Any]
    shas: tuple[str, ...]
    features: NDArray[np.float32]

    @cached_property
    def _position(self) -> dict[str, int]:
        return {sha: row for row, sha in enumerate(self.shas)}

    def __contains__(self, audio_sha256: object) -> bool:
        return audio_sha256 in self._position

    def rows(self) -> dict[str, NDArray[np.float32]]:
        """Return audio SHA-256 -> features."""
        return dict(zip(self.shas, self.features, strict=True))

    def of(self, shas: Sequence[str]) -> NDArray[np.float32]:
        """Return the features of some tracks, shape (tracks, `feature_size`), in their order.

        Raises:
            StoreError: when a track has none.
        """
        if lacking := [sha for sha in shas if sha not in self]:
            raise StoreError(f"{len(lacking)} tracks have no backbone features: run `dvc repro backbone`")
        return self.features[[self._position[sha] for sha in shas]]


@dataclass(frozen=True)
class Update:
    """What an update did."""

    computed: int
    kept: int
    removed: int
    failed: int


@dataclass(frozen=True)
class FeatureJob:
    """One track's features to compute: picklable, for a worker."""

    spectrogram: Job
    program: Path

    @property
    def audio_sha256(self) -> str:
        """Of the track's bytes."""
        return self.spectrogram.audio_sha256


def read_features(path: Path) -> FeatureTable:
    """Read a table.

    Raises:
        StoreError: when it is missing or damaged.
    """
    try:
        file = cast("Any", safe_open(path, framework="numpy"))
        about = json.loads(file.metadata()[METADATA_KEY])
        table = FeatureTable(about["contract"], tuple(about["shas"]), np.asarray(file.get_tensor(TENSOR)))
        whole = len(table.shas) == len(table.features)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path.name} cannot be read ({error}): delete it and run `dvc repro backbone`") from None
    if not whole:
        raise StoreError(f"{path.name} is damaged (lengths differ): delete it and run `dvc repro backbone`")
    return table


def write_features(path: Path, contract: dict[str, Any], rows: Mapping[str, NDArray[np.float32]], size: int) -> None:
    """Write a table whole or not at all; equal tables give equal bytes.

    Raises:
        StoreError: when it cannot be written, as on a full disk; an earlier table stays.
    """
    shas = sorted(rows)
    about = json.dumps({"contract": contract, "shas": shas}, sort_keys=True)
    features = np.asarray([rows[sha] for sha in shas], dtype=np.float32).reshape(len(shas), size)
    with replacing_file_apart(path) as beside:
        try:
            save_file({TENSOR: features}, beside, metadata={METADATA_KEY: about})
        except SafetensorError as error:
            raise StoreError(f"{path.name} cannot be written ({error}): mend that and run it again") from None


def remove_features(path: Path, shas: AbstractSet[str]) -> int:
    """Take tracks out of a table, and compute nothing; return how many it held.

    Raises:
        StoreError: when the table is damaged.
    """
    table = read_features(path)
    left = {sha: row for sha, row in table.rows().items() if sha not in shas}
    if len(left) < len(table.shas):
        write_features(path, table.contract, left, table.features.shape[1])
    return len(table.shas) - len(left)


def compute_features(job: FeatureJob) -> NDArray[np.float32]:
    """Compute one track's features, from the very bytes that the catalogue lists.

    Raises:
        TrackError: when the file cannot be used.
    """
    return _extractor(job.program).track_features(compute(job.spectrogram).log_mel)


@cache
def _extractor(program: Path) -> FeatureExtractor:
    return FeatureExtractor(program.read_bytes())


def update_features(
    folder: Path,
    wanted: Mapping[str, str],
    backbone: str,
    front_end: FrontEnd,
    *,
    root: Path,
    timeout_seconds: float,
    map_jobs: MapJobs = map_in_workers,
    advance: Callable[[], None] = lambda: None,
) -> Update:
    """Make `folder` hold the features of exactly the `wanted` tracks, and a row for each that failed.

    The network is built, and TensorFlow imported, only when a track is missing. A killed update loses at most the
    last 200 tracks.

    Args:
        folder: of the features.
        wanted: audio SHA-256 -> path of a file that holds those bytes, relative to `root`.
        backbone: a name of `BACKBONES`, or `none`: the table is empty.
        front_end: from `backbone_front_end`.
        root: what the paths are relative to.
        timeout_seconds: longest time for one track.
        map_jobs: has workers compute the features.
        advance: called after each computed track, for a progress bar.

    Raises:
        BackboneUnavailableError: when a track is missing, and so are the weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    path, contract, size = folder / FEATURES_NAME, feature_contract(backbone, front_end), feature_size(backbone)
    wanted = {} if backbone == NONE else wanted
    before = _present_rows(path, contract)
    rows = {sha: features for sha, features in before.items() if sha in wanted}
    kept, failures = len(rows), list[dict[str, str]]()
    jobs = [Job(sha, root, wanted[sha], front_end) for sha in sorted(wanted) if sha not in rows]
    for number, row in enumerate(_computed(folder, backbone, jobs, failures, timeout_seconds, map_jobs), start=1):
        rows |= row
        advance()
        if number % TRACKS_BETWEEN_WRITES == 0:
            write_features(path, contract, rows, size)
    write_features(path, contract, rows, size)
    write_table(conform(pd.DataFrame(failures, columns=[*FAILURES]), FAILURES), folder / FAILURES_NAME)
    return Update(len(rows) - kept, kept, len(before) - kept, len(failures))


def _present_rows(path: Path, contract: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    """Return the rows that can be gone on from; those of another contract, or of a damaged table, are computed anew."""
    if not path.is_file():
        return {}
    try:
        table = read_features(path)
    except StoreError:
        return {}
    return table.rows() if sha256_json(table.contract) == sha256_json(contract) else {}


def _computed(
    folder: Path,
    backbone: str,
    jobs: list[Job],
    failures: list[dict[str, str]],
    timeout_seconds: float,
    map_jobs: MapJobs,
) -> Iterable[dict[str, NDArray[np.float32]]]:
    """Yield a track's row for each job, or an empty one with a new row among the failures."""
    if not jobs:
        return
    with tempfile.TemporaryDirectory(prefix=f".{backbone}-", suffix=".part", dir=folder) as apart:
        program = Path(apart, f"{backbone}.tflite")  # for the workers to read
        program.write_bytes(feature_program(backbone))
        tasks = [FeatureJob(job, program) for job in jobs]
        with closing(map_jobs(compute_features, tasks, timeout_seconds=timeout_seconds)) as outcomes:
            for outcome in outcomes:
                job = outcome.item.spectrogram
                if outcome.failure is not None:
                    about = {"reason": outcome.failure.reason, "message": outcome.failure.message}
                    failures.append({"path": job.path, "stage": "backbone", **about})
                yield {} if outcome.value is None else {job.audio_sha256: outcome.value}
