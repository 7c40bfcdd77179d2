"""What the champion hears in the catalogue: embeddings and predictions, each computed once.

The embedding is the bundle's own, of all its parts together. On the built-in catalogue it finds music of the same
artist better than the network's half of it or the statistics' half alone, and of the same genre as well as the better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.history.store import open_history
from soundatlas.progress import progress
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.classification import hear_files
from soundatlas.registry.prediction_key import model_key
from soundatlas.registry.stored_hearing import hear_stored, stored_inputs
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from soundatlas.attempts import MapJobs
    from soundatlas.history.answers import Answer
    from soundatlas.history.store import ModelKey
    from soundatlas.registry.contract import Contract
    from soundatlas.registry.pin import Champion


def hear_catalogue(
    root: Path,
    champion: Champion,
    folder: Path,
    tracks: pd.DataFrame,
    *,
    timeout_seconds: float,
    watch: Callable[[ModelKey], MapJobs] = lambda _key: map_in_workers,
) -> tuple[Contract, dict[str, Answer]]:
    """Return what the champion says of the catalogue's tracks, heard from the store.

    Where the store holds another front end than the champion's, as after a rollback, their files are heard.

    Args:
        root: of the project.
        champion: what the registry knows of it.
        folder: of its bundle.
        tracks: rows of `tables.TRACKS`.
        timeout_seconds: longest time for one track.
        watch: gives who has workers hear the tracks, by whose predictions these are.

    Returns:
        the champion's contract; and audio SHA-256 -> answer, none for a track that could not be heard.

    Raises:
        BundleError: when the bundle is changed, or computes something else on this machine.
    """
    bundle = Bundle(folder, champion.content_sha256)
    shas = tracks["audio_sha256"].tolist()
    key = model_key(bundle.contract)
    answers = hear_stored(root, bundle, shas, timeout_seconds=timeout_seconds, map_jobs=watch(key))
    if stored_inputs(root, bundle) is not None:
        return bundle.contract, answers
    missing = tracks[~tracks["audio_sha256"].isin(list(answers))]
    with open_history(root) as history, progress("listening to the catalogue", len(missing)) as advance:
        hear_files(
            folder,
            champion,
            missing[["path", "audio_sha256"]].assign(reason=None, message=None),
            root,
            timeout_seconds=timeout_seconds,
            keep=lambda heard: history.keep(key, heard),
            map_jobs=watch(key),
            advance=advance,
        )
        return bundle.contract, history.read(key, shas)
