"""What a model says of the catalogue's tracks, heard from what is stored of them and remembered in the history."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from soundatlas.audio.stems import StemFrontEnd
from soundatlas.errors import BundleError, TrackError
from soundatlas.history.answers import Answer
from soundatlas.history.store import open_history
from soundatlas.learning.backbone_features import FEATURES_NAME, read_features
from soundatlas.learning.blend import NETWORK
from soundatlas.learning.inputs import Inputs, StemInputs
from soundatlas.progress import progress
from soundatlas.registry.bundle import Bundle
from soundatlas.registry.inference import Heard
from soundatlas.registry.prediction_key import model_key
from soundatlas.store.reading import MANIFEST_NAME, SpectrogramStore
from soundatlas.store.shards import SUFFIX, Shard
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from soundatlas.attempts import MapJobs


@dataclass(frozen=True)
class StoredRequest:
    """One track of the store to classify, and with what: picklable, for a worker."""

    audio_sha256: str
    root: Path
    bundle: Path
    bundle_sha256: str


def hear_stored(
    root: Path, bundle: Bundle, shas: Iterable[str], *, timeout_seconds: float, map_jobs: MapJobs = map_in_workers
) -> dict[str, Answer]:
    """Return what a model says of tracks; what the history holds is not heard again, what is heard is kept there.

    Args:
        root: of the project.
        bundle: the model.
        shas: audio SHA-256 of each track.
        timeout_seconds: longest time for one track.
        map_jobs: has workers hear the tracks.

    Returns:
        audio SHA-256 -> answer; none for a track that is not stored as this model hears it.

    Raises:
        BundleError: when the bundle computes something else on this machine.
    """
    key, wanted = model_key(bundle.contract), list(dict.fromkeys(shas))
    with open_history(root) as history:
        known = history.read(key, wanted)
        missing = [sha for sha in wanted if sha not in known]
        inputs = stored_inputs(root, bundle) if missing else None
        requests = [
            StoredRequest(sha, root, bundle.folder, bundle.content_sha256)
            for sha in missing
            if inputs is not None and sha in inputs
        ]
        outcomes = map_jobs(classify_stored, requests, timeout_seconds=timeout_seconds)
        with progress("listening to the catalogue", len(requests)) as advance, closing(outcomes):
            for outcome in outcomes:
                if isinstance(outcome.value, BundleError):
                    raise outcome.value
                if outcome.value is not None:
                    heard = outcome.value
                    row = {"duration_seconds": heard.duration_seconds, **heard.prediction.row()}
                    history.keep(key, {outcome.item.audio_sha256: Answer.of_row(row)})
                advance()
        return history.read(key, wanted)


def classify_stored(request: StoredRequest) -> Heard | BundleError:
    """Classify one track of the store with a bundle that the process keeps for the next one.

    Returns:
        the prediction; or why the bundle cannot be used in this process, which is no fault of the track.

    Raises:
        TrackError: when what was stored of the track went away meanwhile.
    """
    try:
        bundle, inputs = _open(request.root, request.bundle, request.bundle_sha256)
    except BundleError as error:
        return error
    if inputs is None or request.audio_sha256 not in inputs:
        raise TrackError("changed", "its spectrogram is no longer in the store")
    seconds = float(inputs.store.manifest["duration_seconds"].loc[request.audio_sha256])
    return Heard(seconds, bundle.classify_stored(inputs, request.audio_sha256))


@lru_cache(maxsize=1)
def _open(root: Path, folder: Path, content_sha256: str) -> tuple[Bundle, Inputs | None]:
    bundle = Bundle(folder, content_sha256)
    return bundle, stored_inputs(root, bundle)


def stored_inputs(root: Path, bundle: Bundle) -> Inputs | None:
    """Return what is stored of the catalogue's tracks, unless it is missing or is not what this model hears."""
    folder, features_path = root / "data/spectrograms", root / "data/backbone" / FEATURES_NAME
    if not (folder / MANIFEST_NAME).is_file() or (bundle.contract.backbone and not features_path.is_file()):
        return None
    shards = sorted(folder.glob(f"[!.]*{SUFFIX}"))
    store = SpectrogramStore(folder, Shard(shards[0]).contract_sha256 if shards else "")
    features = read_features(features_path) if bundle.contract.backbone else None
    contract = bundle.contract
    front_end = next(iter(contract.front_ends.values())).mix
    stems = _stored_stems(root, bundle)
    inputs = Inputs(store, features, contract.window_frames, contract.hop_frames, front_end, stems)
    return inputs if bundle.reads(inputs) else None


def _stored_stems(root: Path, bundle: Bundle) -> StemInputs | None:
    """Return what is stored of the stems that a network hears; None where it hears none, or they are missing."""
    front_end, folder = bundle.front_ends.get(NETWORK), root / "data/stems"
    if not isinstance(front_end, StemFrontEnd) or not (folder / MANIFEST_NAME).is_file():
        return None
    shards = sorted(folder.glob(f"[!.]*{SUFFIX}"))
    return StemInputs(SpectrogramStore(folder, Shard(shards[0]).contract_sha256 if shards else ""), front_end)
