"""Classifying a listing of files with a bundle: a row for every file, readable or not."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.errors import BundleError
from soundatlas.registry.contract import read_contract
from soundatlas.registry.inference import Request, classify_request
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundatlas.registry.contract import Contract
    from soundatlas.registry.pin import Champion

CLASSIFIED = "classified"
NO_CHAMPION = "no_champion"
FILE_COLUMNS = ("path", "status", "message", "audio_sha256", "duration_seconds")
MODEL_COLUMNS = ("model_name", "model_version", "model_sha256")


def prediction_columns(contract: Contract) -> list[str]:
    """Return the columns that a model with this contract fills."""
    space = contract.space
    heads = [f"{head}{suffix}" for head in space.classes for suffix in ("", "_confidence", "_probabilities")]
    if contract.open_set is not None:
        heads += [f"{contract.open_set.head}{suffix}" for suffix in ("_knownness", "_known")]
    return [*heads, *space.attributes, "embedding"]


def classify_listing(
    folder: Path,
    champion: Champion,
    listing: pd.DataFrame,
    root: Path,
    *,
    timeout_seconds: float,
    advance: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Classify every listed file, from its bytes to its row within one worker process.

    Args:
            folder: of the champion's bundle; each worker loads and checks it for itself.
            champion: what the registry knows of it.
            listing: rows of `tables.INBOX`; those with a reason are passed through.
            root: what relative paths are relative to.
            timeout_seconds: longest time for one file.
            advance: called after each readable file.

    Returns:
            A row per listed file in the listing's order: path, status ("classified" or a reason code), message,
            audio_sha256, duration_seconds, per head the label, its confidence and the probabilities of all classes,
    for the head whose classes may be
            unknown its knownness and whether that suffices, the attributes in their own units, the embedding, and which
            model said so.

    Raises:
            BundleError: when the bundle is changed, or computes something else on this machine.
    """
    contract = read_contract(folder, champion.content_sha256)
    readable = listing[listing["reason"].isna()]
    requests = [
        Request(sha, root, path, folder, champion.content_sha256)
        for sha, path in zip(readable["audio_sha256"], readable["path"], strict=True)
    ]
    model = dict(zip(MODEL_COLUMNS, (champion.name, champion.version, champion.content_sha256), strict=True))
    found: dict[str, dict[str, Any]] = {}
    with closing(map_in_workers(classify_request, requests, timeout_seconds=timeout_seconds)) as outcomes:
        for outcome in outcomes:
            heard = outcome.value
            if isinstance(heard, BundleError):
                raise heard
            if heard is not None:
                about = {"status": CLASSIFIED, "duration_seconds": heard.duration_seconds}
                row = {**about, **heard.prediction.row(), **model}
            else:
                row = {"status": outcome.failure.reason, "message": outcome.failure.message}  # type: ignore[union-attr]  # one of the two is there
            found[outcome.item.path] = row
            advance()
    rows = [
        {"path": path, "audio_sha256": sha, **found.get(path, {"status": reason, "message": message})}
        for path, sha, reason, message in listing[["path", "audio_sha256", "reason", "message"]].itertuples(index=False)
    ]
    columns = [*FILE_COLUMNS, *prediction_columns(contract), *MODEL_COLUMNS]
    return pd.DataFrame(rows, columns=columns)


def unclassified(listing: pd.DataFrame) -> pd.DataFrame:
    """Return the table for a listing while there is no champion."""
    table = pd.DataFrame({"path": listing["path"], "audio_sha256": listing["audio_sha256"]})
    table["status"] = listing["reason"].fillna(NO_CHAMPION)
    table["message"] = listing["message"].fillna("no model has earned the champion's place yet")
    return table.reindex(columns=[*FILE_COLUMNS, *MODEL_COLUMNS])
