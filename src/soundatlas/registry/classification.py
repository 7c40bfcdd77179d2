"""Classifying a listing of files with a bundle: a row for every file, readable or not."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.errors import BundleError
from soundatlas.history.answers import CLASSIFIED, Answer
from soundatlas.registry.bundle import BEAT_COLUMN
from soundatlas.registry.contract import read_contract
from soundatlas.registry.inference import Request, classify_request
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from soundatlas.attempts import MapJobs, Outcome
    from soundatlas.registry.contract import Contract
    from soundatlas.registry.inference import Heard
    from soundatlas.registry.pin import Champion

NO_CHAMPION = "no_champion"
FILE_COLUMNS = ("path", "status", "message", "audio_sha256", "duration_seconds")
MODEL_COLUMNS = ("model_name", "model_version", "model_sha256")

# Reasons that lie in the bytes: the same bytes fail again. Others, such as a timeout, may not come back.
LASTING_REASONS = frozenset({"not_audio", "truncated", "no_samples", "not_finite", "too_short"})


def prediction_columns(contract: Contract) -> list[str]:
    """Return the columns that a model with this contract fills."""
    space = contract.space
    heads = [f"{head}{suffix}" for head in space.classes for suffix in ("", "_confidence", "_probabilities")]
    if contract.open_set is not None:
        heads += [f"{contract.open_set.head}{suffix}" for suffix in ("_knownness", "_known")]
    beat = [BEAT_COLUMN] if contract.beat is not None else []
    return [*heads, *space.attributes, *beat, "embedding"]


def classify_listing(
    folder: Path,
    champion: Champion,
    listing: pd.DataFrame,
    root: Path,
    *,
    timeout_seconds: float,
    map_jobs: MapJobs = map_in_workers,
    advance: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Classify every listed file, whatever was said of it before; arguments as of `hear_files`, value as of the table.

    Raises:
        BundleError: when the bundle is changed, or computes something else on this machine.
    """
    contract = read_contract(folder, champion.content_sha256)
    by_sha: dict[str, Answer] = {}
    by_path = hear_files(
        folder,
        champion,
        listing,
        root,
        timeout_seconds=timeout_seconds,
        keep=by_sha.update,
        map_jobs=map_jobs,
        advance=advance,
    )
    return prediction_table(contract, champion, listing, by_sha, by_path)


def hear_files(
    folder: Path,
    champion: Champion,
    listing: pd.DataFrame,
    root: Path,
    *,
    timeout_seconds: float,
    keep: Callable[[dict[str, Answer]], object],
    map_jobs: MapJobs = map_in_workers,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Answer]:
    """Hear the readable files of a listing, from bytes to answer within one worker process; equal bytes once.

    Args:
        folder: of the champion's bundle; each worker loads and checks it for itself.
        champion: what the registry knows of it.
        listing: rows of `tables.INBOX`; those with a reason are passed over.
        root: what relative paths are relative to.
        timeout_seconds: longest time for one file.
        keep: is given, as it comes, each answer that holds for the audio: audio SHA-256 -> answer.
        map_jobs: has workers hear the files.
        advance: called after each file that was heard.

    Returns:
        path -> why it could not be heard this time, for reasons that do not lie in the bytes.

    Raises:
        BundleError: when the bundle computes something else on this machine.
    """
    failed: dict[str, Answer] = {}
    waiting = [
        (str(sha), [str(path) for path in rows["path"]])
        for sha, rows in listing[listing["reason"].isna()].groupby("audio_sha256", sort=False)
    ]
    while waiting:  # more than once only where the first of several equal files could not be read
        requests = [Request(sha, root, paths[0], folder, champion.content_sha256) for sha, paths in waiting]
        others = {sha: paths[1:] for sha, paths in waiting}
        waiting = []
        for outcome, answer in _answers(requests, timeout_seconds, map_jobs):
            sha = outcome.item.audio_sha256
            if answer.status == CLASSIFIED or answer.status in LASTING_REASONS:
                keep({sha: answer})
            else:
                failed[outcome.item.path] = answer
                if others[sha]:
                    waiting.append((sha, others[sha]))
            advance()
    return failed


def _answers(
    requests: list[Request], timeout_seconds: float, map_jobs: MapJobs
) -> Iterator[tuple[Outcome[Request, Heard | BundleError], Answer]]:
    with closing(map_jobs(classify_request, requests, timeout_seconds=timeout_seconds)) as outcomes:
        for outcome in outcomes:
            heard = outcome.value
            if isinstance(heard, BundleError):
                raise heard
            if heard is not None:
                row = {"duration_seconds": heard.duration_seconds, **heard.prediction.row()}
                yield outcome, Answer.of_row(row)
            else:
                yield outcome, Answer(outcome.failure.reason, outcome.failure.message)  # type: ignore[union-attr]  # one of the two is there


def prediction_table(
    contract: Contract,
    champion: Champion,
    listing: pd.DataFrame,
    by_sha: Mapping[str, Answer],
    by_path: Mapping[str, Answer],
) -> pd.DataFrame:
    """Return a model's predictions for a listing: the same table, whenever the answers were given.

    Args:
        contract: of the model.
        champion: what the registry knows of it.
        listing: rows of `tables.INBOX`.
        by_sha: audio SHA-256 -> what the model says of it.
        by_path: path -> why that file could not be heard; what is known of its audio goes before it.

    Returns:
        A row per listed file in the listing's order: path, status ("classified" or a reason code), message,
        audio_sha256, duration_seconds, per head the label, its confidence and the probabilities of all classes, for the
        head whose classes may be unknown its knownness and whether that suffices, the attributes in their own units,
        the embedding, and which model said so.
    """
    model = dict(zip(MODEL_COLUMNS, (champion.name, champion.version, champion.content_sha256), strict=True))
    rows = []
    for path, sha, reason, message in listing[["path", "audio_sha256", "reason", "message"]].itertuples(index=False):
        row = {"path": path, "audio_sha256": sha}
        if pd.notna(reason):
            rows.append({**row, "status": reason, "message": message})
            continue
        answer = by_sha.get(sha) or by_path[path]
        rows.append({**row, **answer.row(), **(model if answer.status == CLASSIFIED else {})})
    columns = [*FILE_COLUMNS, *prediction_columns(contract), *MODEL_COLUMNS]
    return pd.DataFrame(rows, columns=columns)


def unclassified(listing: pd.DataFrame) -> pd.DataFrame:
    """Return the table for a listing while there is no champion."""
    table = pd.DataFrame({"path": listing["path"], "audio_sha256": listing["audio_sha256"]})
    table["status"] = listing["reason"].fillna(NO_CHAMPION)
    table["message"] = listing["message"].fillna("no model has earned the champion's place yet")
    return table.reindex(columns=[*FILE_COLUMNS, *MODEL_COLUMNS])
