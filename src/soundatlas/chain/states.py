"""How far one track has come: audio file, spectrogram in the store, backbone features, prediction. Computes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.errors import StoreError
from soundatlas.files import audio_path, sha256_file
from soundatlas.history.store import history_path, open_history
from soundatlas.learning.backbone_features import FEATURES_NAME, read_features
from soundatlas.learning.blend import BACKBONE as BACKBONE_PART
from soundatlas.registry.contract import read_contract
from soundatlas.registry.pin import PIN, name_model, read_champion
from soundatlas.registry.prediction_key import model_key
from soundatlas.store.reading import FAILURES_NAME, MANIFEST_NAME
from soundatlas.store.shards import Shard, readable_shards
from soundatlas.tables import FAILURES, MANIFEST, empty, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.history.answers import Answer
    from soundatlas.history.store import ModelKey
    from soundatlas.params import Params
    from soundatlas.registry.contract import Contract
    from soundatlas.registry.pin import Champion

STORE, BACKBONE = "data/spectrograms", "data/backbone"
AUDIO, SPECTROGRAM, FEATURES, PREDICTION = "audio file", "spectrogram", "features", "prediction"


class State(StrEnum):
    """What is there of a step."""

    PRESENT = "present"
    MISSING = "missing"
    STALE = "stale"  # there, but of other bytes, settings or another model than those of now
    NOT_NEEDED = "not needed"


@dataclass(frozen=True)
class StepState:
    """What is there of a step, in words.

    Attributes:
        step: "audio file", "spectrogram", "features" or "prediction".
        state: of `State`.
        why: one phrase.
    """

    step: str
    state: State
    why: str


@dataclass(frozen=True)
class Track:
    """Some audio, and where it is.

    Attributes:
        audio_sha256: of its bytes.
        paths: of files that should hold them, as tables name them or absolute.
        catalogued: whether the catalogue has it, so that it has a place in the store.
    """

    audio_sha256: str
    paths: tuple[str, ...]
    catalogued: bool


@dataclass(frozen=True)
class Model:
    """The champion, and by which key its predictions are kept."""

    champion: Champion
    folder: Path
    contract: Contract
    key: ModelKey


class Chain:
    """The steps of one track, as they are when each is first asked for.

    Args:
        root: the project.
        params: of the project.
        track: of the catalogue, of the inbox, or a loose file.
    """

    def __init__(self, root: Path, params: Params, track: Track) -> None:
        self.root, self.params, self.track = root, params, track
        self.front_end = FrontEnd.of(params.spectrograms)

    @cached_property
    def file(self) -> str | None:
        """The path of a file that holds the track's bytes now; None where there is none."""
        for path in self.track.paths:
            place = audio_path(self.root, path)
            if place.is_file() and sha256_file(place) == self.track.audio_sha256:
                return path
        return None

    @cached_property
    def model(self) -> Model | None:
        """The champion; None while there is none."""
        return read_model(self.root)

    @cached_property
    def answer(self) -> Answer | None:
        """What the champion has said of the track; None where it has not heard it."""
        if self.model is None or not history_path(self.root).is_file():
            return None
        with open_history(self.root) as history:
            return history.read(self.model.key, [self.track.audio_sha256]).get(self.track.audio_sha256)

    @cached_property
    def hears_store(self) -> bool:
        """Whether the champion hears this track from the store, and not its file from the first byte on."""
        return self.track.catalogued and self.model is not None and hears_store(self.root, self.params, self.model)

    def audio(self) -> StepState:
        """Look for the file, and whether its bytes are those that were listed."""
        if self.file is not None:
            return StepState(AUDIO, State.PRESENT, self.file)
        there = [path for path in self.track.paths if audio_path(self.root, path).is_file()]
        if there:
            return StepState(AUDIO, State.STALE, f"{there[0]} holds other bytes than those that were listed")
        return StepState(AUDIO, State.MISSING, ", ".join(self.track.paths) or "no table says where it lies")

    def spectrogram(self) -> StepState:
        """Look for the spectrogram in the store, and whether its bytes are those that were written."""
        if not self.track.catalogued:
            return StepState(SPECTROGRAM, State.NOT_NEEDED, "not in the catalogue: heard from the file in one go")
        sha, folder = self.track.audio_sha256, self.root / STORE
        shards = open_shards(folder)
        if {shard.contract_sha256 for shard in shards.values()} - {self.front_end.sha256()}:
            return StepState(SPECTROGRAM, State.STALE, "the store is of another front end than params.yaml's")
        manifest = folder / MANIFEST_NAME
        listed = read_table(manifest, MANIFEST) if manifest.is_file() else empty(MANIFEST)
        if (name := listed.set_index("audio_sha256")["shard"].get(sha)) is None:
            return StepState(SPECTROGRAM, State.MISSING, self._failure(folder / FAILURES_NAME) or "not in the store")
        if name not in shards or sha not in shards[name].rows:
            return StepState(SPECTROGRAM, State.STALE, f"{name}, where the manifest has it, lacks it or is damaged")
        try:
            frames = len(shards[name].log_mel(sha))
        except StoreError as error:
            return StepState(SPECTROGRAM, State.STALE, str(error))
        return StepState(SPECTROGRAM, State.PRESENT, f"{frames} frames in {name}")

    def features(self) -> StepState:
        """Look for the features of the champion's backbone."""
        if self.model is None or self.model.contract.backbone is None:
            return StepState(FEATURES, State.NOT_NEEDED, "the champion has no backbone")
        if not self.hears_store:
            return StepState(FEATURES, State.NOT_NEEDED, "heard from the file in one go")
        path = self.root / BACKBONE / FEATURES_NAME
        if self.track.audio_sha256 in read_features(path):
            return StepState(FEATURES, State.PRESENT, f"{BACKBONE}/{FEATURES_NAME}")
        failed = self._failure(path.with_name(FAILURES_NAME))
        return StepState(FEATURES, State.MISSING, failed or f"not in {BACKBONE}/{FEATURES_NAME}")

    def prediction(self) -> StepState:
        """Look for the champion's prediction in the history."""
        if self.model is None:
            return StepState(PREDICTION, State.MISSING, "there is no champion yet")
        name = f"{self.model.champion.name} version {self.model.champion.version}"
        if self.answer is not None:
            return StepState(PREDICTION, State.PRESENT, f"{name} has heard it: {self.answer.status}")
        if history_path(self.root).is_file():
            with open_history(self.root) as history:
                records = history.of_audio(self.track.audio_sha256)
            if any(record.key.model_sha256 == self.model.key.model_sha256 for record in records):
                return StepState(PREDICTION, State.STALE, f"{name} heard it with other code or another decoder")
            if records:
                other = name_model(self.root, records[-1].key.model_sha256)
                return StepState(PREDICTION, State.STALE, f"last heard by {other}, now {name} is champion")
        return StepState(PREDICTION, State.MISSING, f"{name} has not heard it")

    def _failure(self, path: Path) -> str | None:
        """Say why a stage could not do it, where its table of failures does."""
        if not path.is_file():
            return None
        failures = read_table(path, FAILURES)
        mine = failures[failures["path"].isin(self.track.paths)]
        return None if mine.empty else f"failed before: {mine['reason'].iloc[0]}: {mine['message'].iloc[0]}"


def read_model(root: Path) -> Model | None:
    """Return the champion; None while there is none.

    Raises:
        BundleError: when the pin names a bundle that is not here, or that is changed.
    """
    if not (root / PIN).is_file() or (pinned := read_champion(root)) is None:
        return None
    champion, folder = pinned
    contract = read_contract(folder, champion.content_sha256)
    return Model(champion, folder, contract, model_key(contract))


def store_contracts(folder: Path) -> set[str]:
    """Return the hashes of the front ends that a store's shards are of; a damaged shard is of none."""
    return {shard.contract_sha256 for shard in open_shards(folder).values()}


def open_shards(folder: Path) -> dict[str, Shard]:
    """Return a store's shards by name; a damaged one is left out."""
    return {shard.path.name: shard for shard in readable_shards(folder)}


def hears_store(root: Path, params: Params, model: Model) -> bool:
    """Whether a model hears the catalogue from what the stages store of it, and not from the files.

    It does where the front end of `params.yaml` is its own and, if it has a backbone, the table is of that one.
    """
    own = FrontEnd.of(params.spectrograms)
    if any(front_end != own for part, front_end in model.contract.front_ends.items() if part != BACKBONE_PART):
        return False
    if store_contracts(root / STORE) - {own.sha256()}:
        return False
    if model.contract.backbone is None:
        return True
    path = root / BACKBONE / FEATURES_NAME
    return path.is_file() and read_features(path).contract == model.contract.backbone
