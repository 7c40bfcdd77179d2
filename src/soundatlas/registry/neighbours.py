"""The training tracks that sound most alike to a model: nearest by its embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from soundatlas.history.answers import CLASSIFIED
from soundatlas.learning.explanation import nearest
from soundatlas.registry.stored_hearing import hear_stored
from soundatlas.tables import SPLIT, TRACKS, read_table, track_title

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.registry.bundle import Bundle

MOST = 5
TIMEOUT_SECONDS = 120.0  # for one track


def nearest_training_tracks(
    root: Path, audio_sha256: str, embedding: NDArray[np.float32], bundle: Bundle
) -> list[dict[str, Any]]:
    """Return the training tracks whose embeddings are most similar, the most similar first.

    Args:
        root: the project.
        audio_sha256: of the audio in question; a training track is not its own neighbour.
        embedding: of the audio in question, shape (embedding,).
        bundle: the model that made it.

    Returns:
        track_id, similarity (cosine, -1 to 1), name and known classes; none where the project holds no such tracks, or
        holds them as another front end than the model's heard them.
    """
    tracks = _training_tracks(root)
    tracks = tracks[tracks["audio_sha256"] != audio_sha256]
    embeddings = _embeddings(root, tracks["audio_sha256"].unique().tolist(), bundle)
    known = tracks[tracks["audio_sha256"].isin(list(embeddings))].reset_index(drop=True)
    if known.empty:
        return []
    matrix = np.stack([embeddings[sha] for sha in known["audio_sha256"]])
    rows = known.to_dict("records")
    return [
        {
            "track_id": rows[position]["track_id"],
            "similarity": similarity,
            "name": track_title(rows[position]),
            **{head: rows[position][head] for head in bundle.space.classes if pd.notna(rows[position][head])},
        }
        for position, similarity in nearest(embedding, matrix, MOST)
    ]


def _training_tracks(root: Path) -> pd.DataFrame:
    """Return the catalogue's tracks on side `train`; none before the pipeline has run here."""
    split, catalogue = root / "data/split/split.parquet", root / "data/catalog/tracks.parquet"
    if not (split.is_file() and catalogue.is_file()):
        return pd.DataFrame(columns=[*TRACKS])
    sides = read_table(split, SPLIT).set_index("track_id")["side"]
    tracks = read_table(catalogue, TRACKS)
    return tracks[tracks["track_id"].map(sides).eq("train")]


def _embeddings(root: Path, shas: list[str], bundle: Bundle) -> dict[str, NDArray[np.float32]]:
    """Return audio SHA-256 -> this model's embedding, heard where the history does not know it."""
    answers = hear_stored(root, bundle, shas, timeout_seconds=TIMEOUT_SECONDS)
    return {sha: answer.vector() for sha, answer in answers.items() if answer.status == CLASSIFIED}
