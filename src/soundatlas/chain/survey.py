"""All tracks at once: how many have come how far. Computes nothing, and reads no audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.chain.states import (
    AUDIO,
    BACKBONE,
    FEATURES,
    PREDICTION,
    SPECTROGRAM,
    STORE,
    read_model,
    store_contracts,
)
from soundatlas.errors import NotReadyError
from soundatlas.files import audio_path, sha256_json
from soundatlas.history.store import history_path, open_history
from soundatlas.learning.backbone import NONE, backbone_front_end, backbone_of, feature_contract
from soundatlas.learning.backbone_features import FAILURES_NAME as FEATURE_FAILURES_NAME
from soundatlas.learning.backbone_features import FEATURES_NAME, read_features
from soundatlas.store.reading import FAILURES_NAME, MANIFEST_NAME
from soundatlas.tables import FAILURES, MANIFEST, TRACKS, read_table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from soundatlas.chain.states import Model
    from soundatlas.params import Params

INBOX = "inbox"


@dataclass(frozen=True)
class StepCount:
    """How many tracks have come to a step.

    Attributes:
        step: its name; of new music, "inbox".
        present: as they should be.
        missing: not there.
        stale: there, but of another front end, backbone or model.
        failed: of the missing ones, those that a stage could not do.
        about: what makes it, or why nothing does.
    """

    step: str
    present: int
    missing: int
    stale: int
    failed: int
    about: str


def survey_tracks(root: Path, params: Params, listing: pd.DataFrame) -> list[StepCount]:
    """Return how far the catalogue's tracks and the inbox's files have come, step by step.

    Args:
        root: the project.
        params: of the project.
        listing: rows of `tables.INBOX`.

    Raises:
        NotReadyError: when there is no catalogue yet.
    """
    path = root / "data/catalog/tracks.parquet"
    if not path.is_file():
        raise NotReadyError("there is no catalogue yet: run `dvc repro`")
    tracks = read_table(path, TRACKS).drop_duplicates("audio_sha256")
    shas, model = set(tracks["audio_sha256"]), read_model(root)
    readable = set(listing.loc[listing["reason"].isna(), "audio_sha256"].dropna())
    return [
        _audio(root, tracks),
        _spectrograms(root, params, shas),
        _features(root, params, shas),
        _predictions(root, model, PREDICTION, shas),
        _predictions(root, model, INBOX, readable),
    ]


def _audio(root: Path, tracks: pd.DataFrame) -> StepCount:
    present = sum(audio_path(root, path).is_file() for path in tracks["path"].dropna())
    return StepCount(AUDIO, present, len(tracks) - present, 0, 0, "your files and stage catalog")


def _spectrograms(root: Path, params: Params, shas: set[str]) -> StepCount:
    folder = root / STORE
    foreign = bool(store_contracts(folder) - {FrontEnd.of(params.spectrograms).sha256()})
    manifest = folder / MANIFEST_NAME
    stored = set(read_table(manifest, MANIFEST)["audio_sha256"]) & shas if manifest.is_file() else set[str]()
    about = "stage spectrograms" + (": the front end of params.yaml is another" if foreign else "")
    return _count(SPECTROGRAM, shas, stored, about, stale=foreign, failed=_failures(folder / FAILURES_NAME))


def _features(root: Path, params: Params, shas: set[str]) -> StepCount:
    name, folder = backbone_of(params.train.backbone), root / BACKBONE
    if name == NONE:
        return StepCount(FEATURES, 0, 0, 0, 0, "not needed: train.backbone is none")
    contract = feature_contract(
        name, backbone_front_end(params.spectrograms.min_seconds, params.spectrograms.max_seconds)
    )
    stored, foreign = set[str](), False
    if (folder / FEATURES_NAME).is_file():
        table = read_features(folder / FEATURES_NAME)
        stored, foreign = set(table.shas) & shas, sha256_json(table.contract) != sha256_json(contract)
    failed = _failures(folder / FEATURE_FAILURES_NAME)
    return _count(FEATURES, shas, stored, f"stage backbone: {name}", stale=foreign, failed=failed)


def _count(step: str, shas: set[str], stored: set[str], about: str, *, stale: bool, failed: int) -> StepCount:
    present, old = (0, len(stored)) if stale else (len(stored), 0)
    return StepCount(step, present, len(shas) - len(stored), old, failed, about)


def _predictions(root: Path, model: Model | None, step: str, shas: set[str]) -> StepCount:
    """Count what the champion has heard; stale is what only others have."""
    stage = "stage classify" if step == INBOX else "stage atlas"
    if model is None:
        return StepCount(step, 0, len(shas), 0, 0, "there is no champion yet")
    heard, known = set[str](), set[str]()
    if history_path(root).is_file():
        with open_history(root) as history:
            heard, known = history.heard(shas), set(history.read(model.key, shas))
    about = f"{stage}: {model.champion.name} version {model.champion.version}"
    return StepCount(step, len(known), len(shas - heard), len(heard - known), 0, about)


def _failures(path: Path) -> int:
    return len(read_table(path, FAILURES)) if path.is_file() else 0
