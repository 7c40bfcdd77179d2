"""Loading what several stages read alike: the tracks of the catalogue with their side and spectrogram."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.audio.stems import StemFrontEnd
from soundatlas.errors import StoreError
from soundatlas.files import sha256_file, sha256_json
from soundatlas.learning.backbone import NONE, backbone_of
from soundatlas.learning.backbone_features import FEATURES_NAME, read_features
from soundatlas.learning.inputs import Inputs, StemInputs
from soundatlas.stages._store import open_store
from soundatlas.store.reading import SpectrogramStore
from soundatlas.tables import SPLIT, TRACKS, read_table

if TYPE_CHECKING:
    import pandas as pd

    from soundatlas.params import Params

PACKAGE = Path(__file__).resolve().parents[1]
SHAPING = ("audio", "learning", "store", "stages/_inputs.py", "stages/repeats.py", "tables.py")  # code below PACKAGE


def open_inputs(root: Path, params: Params) -> Inputs:
    """Open what a model with these parameters hears of the catalogue's tracks.

    Raises:
        StoreError: when the backbone's features are missing, damaged or another backbone's.
    """
    store, front_end = open_store(root, params), FrontEnd.of(params.spectrograms)
    features = None
    if params.train.backbone != NONE:
        features = read_features(root / "data/backbone" / FEATURES_NAME)
        if features.contract["backbone"] != backbone_of(params.train.backbone):
            raise StoreError("data/backbone holds another backbone's features: run `dvc repro backbone`")
    window_frames = front_end.frames(params.train.window_seconds)
    hop_frames = params.train.hop_frames(window_frames)
    return Inputs(store, features, window_frames, hop_frames, front_end, _open_stems(root, params))


def _open_stems(root: Path, params: Params) -> StemInputs | None:
    if not params.train.stems:
        return None
    front_end = StemFrontEnd.of(params.spectrograms, params.separate)
    return StemInputs(SpectrogramStore(root / "data/stems", front_end.sha256()), front_end)


def load_sides(root: Path, inputs: Inputs, split: pd.DataFrame | None = None) -> dict[str, pd.DataFrame]:
    """Return side -> its tracks that can be heard, with their `group`, ordered by `track_id`.

    Args:
        root: of the project.
        inputs: a track that is missing in any part of them is left out.
        split: rows of `tables.SPLIT`; by default those of stage `split`.
    """
    tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
    split = read_table(root / "data/split/split.parquet", SPLIT) if split is None else split
    joined = split[["track_id", "group", "side"]].merge(tracks, on="track_id", validate="one_to_one")
    usable = joined[[sha in inputs for sha in joined["audio_sha256"]]].sort_values("track_id")
    return {str(side): rows.reset_index(drop=True) for side, rows in usable.groupby("side")}


def training_key(params: Params, sides: dict[str, pd.DataFrame], **more: Any) -> str:
    """Return the hash of all that a training depends on: code, parameters, front end, tracks and their labels.

    Args:
        params: of the project.
        sides: side -> its tracks, with their `group`.
        more: JSON-like values that count too, such as another seed.
    """
    columns = ["audio_sha256", "group", *params.train.classes, *params.train.attributes]
    rows = {side: tracks[columns].astype(str).to_dict("list") for side, tracks in sides.items()}
    front_end, settings = FrontEnd.of(params.spectrograms).contract(), params.train.model_dump()
    if settings.pop("stems"):  # without any, the key is that of a version that knew none
        more["stems"] = StemFrontEnd.of(params.spectrograms, params.separate).contract()
    return sha256_json({"code": _code_sha256(), "train": settings, "front_end": front_end, "rows": rows, **more})


@lru_cache(maxsize=1)
def _code_sha256() -> str:
    """Return the hash of the code that shapes a training: a kept one of other code is another one."""
    named = [PACKAGE / name for name in SHAPING]
    files = [path for one in named for path in (sorted(one.rglob("*.py")) if one.is_dir() else [one])]
    return sha256_json({path.relative_to(PACKAGE).as_posix(): sha256_file(path) for path in files})
