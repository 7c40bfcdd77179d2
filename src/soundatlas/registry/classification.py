"""Classifying a listing of files with a bundle: a row for every file, readable or not."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.store.writing import Job, compute
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundatlas.learning.labels import LabelSpace
    from soundatlas.registry.bundle import Bundle
    from soundatlas.registry.pin import Champion

CLASSIFIED = "classified"
NO_CHAMPION = "no_champion"
FILE_COLUMNS = ("path", "status", "message", "audio_sha256", "duration_seconds")
MODEL_COLUMNS = ("model_name", "model_version", "model_sha256")


def prediction_columns(space: LabelSpace) -> list[str]:
    """Return the columns that a model with these labels fills."""
    heads = [f"{head}{suffix}" for head in space.classes for suffix in ("", "_confidence", "_probabilities")]
    return [*heads, *space.attributes, "embedding"]


def classify_listing(
    bundle: Bundle,
    champion: Champion,
    listing: pd.DataFrame,
    root: Path,
    *,
    timeout_seconds: float,
    advance: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Classify every listed file.

    Args:
        bundle: the champion, loaded.
        champion: what the registry knows of it.
        listing: rows of `tables.INBOX`; those with a reason are passed through.
        root: what relative paths are relative to.
        timeout_seconds: longest time for one file.
        advance: called after each readable file.

    Returns:
        A row per listed file in the listing's order: path, status ("classified" or a reason code), message,
        audio_sha256, duration_seconds, per head the label, its confidence and the probabilities of all classes,
        the attributes in their own units, the embedding, and which model said so.
    """
    readable = listing[listing["reason"].isna()]
    jobs = [
        Job(sha, root, path, bundle.front_end)
        for sha, path in zip(readable["audio_sha256"], readable["path"], strict=True)
    ]
    model = dict(zip(MODEL_COLUMNS, (champion.name, champion.version, champion.content_sha256), strict=True))
    found: dict[str, dict[str, Any]] = {}
    with closing(map_in_workers(compute, jobs, timeout_seconds=timeout_seconds)) as outcomes:
        for outcome in outcomes:
            if outcome.value is not None:
                prediction = bundle.classify_log_mel(outcome.value.log_mel)
                duration = outcome.value.duration_seconds
                row = {"status": CLASSIFIED, "duration_seconds": duration, **prediction.row(), **model}
            else:
                row = {"status": outcome.failure.reason, "message": outcome.failure.message}  # type: ignore[union-attr]  # one of the two is there
            found[outcome.item.path] = row
            advance()
    rows = [
        {"path": path, "audio_sha256": sha, **found.get(path, {"status": reason, "message": message})}
        for path, sha, reason, message in listing[["path", "audio_sha256", "reason", "message"]].itertuples(index=False)
    ]
    columns = [*FILE_COLUMNS, *prediction_columns(bundle.space), *MODEL_COLUMNS]
    return pd.DataFrame(rows, columns=columns)


def unclassified(listing: pd.DataFrame) -> pd.DataFrame:
    """Return the table for a listing while there is no champion."""
    table = pd.DataFrame({"path": listing["path"], "audio_sha256": listing["audio_sha256"]})
    table["status"] = listing["reason"].fillna(NO_CHAMPION)
    table["message"] = listing["message"].fillna("no model has earned the champion's place yet")
    return table.reindex(columns=[*FILE_COLUMNS, *MODEL_COLUMNS])
