"""The training tracks that sound most alike to a model: nearest by its embedding."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from soundatlas.learning.backbone_features import FEATURES_NAME, read_features
from soundatlas.learning.explanation import nearest
from soundatlas.learning.inputs import Inputs
from soundatlas.progress import progress
from soundatlas.store.reading import MANIFEST_NAME, SpectrogramStore
from soundatlas.store.shards import SUFFIX, Shard
from soundatlas.tables import SPLIT, TRACKS, read_table, track_title, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soundatlas.registry.bundle import Bundle

MOST = 5
FOLDER = PurePosixPath("data/why")  # embeddings of the training tracks, a table per model; safe to delete


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
    """Return audio SHA-256 -> this model's embedding, computed where it is not remembered from the last time."""
    inputs = _inputs(root, bundle)
    if inputs is None:
        return {}
    path = root / FOLDER / f"{bundle.content_sha256}.parquet"
    remembered: dict[str, NDArray[np.float32]] = {}
    if path.is_file():
        table = read_table(path, {"audio_sha256": "str", "embedding": "object"})
        remembered = dict(zip(table["audio_sha256"], table["embedding"], strict=True))
    wanted = [sha for sha in shas if sha in inputs]
    missing = [sha for sha in wanted if sha not in remembered]
    with progress("embedding the training tracks", len(missing)) as advance:
        for sha in missing:
            remembered[sha] = bundle.classify_stored(inputs, sha).embedding
            advance()
    if missing:
        rows = [{"audio_sha256": sha, "embedding": remembered[sha].tolist()} for sha in sorted(remembered)]
        write_table(pd.DataFrame(rows), path)
    return {sha: np.asarray(remembered[sha], np.float32) for sha in wanted}


def _inputs(root: Path, bundle: Bundle) -> Inputs | None:
    """Return what is stored of the training tracks, unless it is missing or is not what this model hears."""
    folder, features_path = root / "data/spectrograms", root / "data/backbone" / FEATURES_NAME
    if not (folder / MANIFEST_NAME).is_file() or (bundle.contract.backbone and not features_path.is_file()):
        return None
    shards = sorted(folder.glob(f"*{SUFFIX}"))
    store = SpectrogramStore(folder, Shard(shards[0]).contract_sha256 if shards else "")
    features = read_features(features_path) if bundle.contract.backbone else None
    contract = bundle.contract
    front_end = next(iter(contract.front_ends.values()))
    inputs = Inputs(store, features, contract.window_frames, contract.hop_frames, front_end)
    return inputs if bundle.reads(inputs) else None
