"""What is learnt from: tracks with labels and audio, from the project's own catalogue or from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.errors import SoundatlasError
from soundatlas.learning.duplicates import find_near_duplicates
from soundatlas.progress import progress
from soundatlas.store.reading import FAILURES_NAME, MANIFEST_NAME, SpectrogramStore
from soundatlas.store.writing import update_store
from soundatlas.tables import DUPLICATES, FAILURES, INBOX, SPLIT, TRACKS, conform, empty, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params

STRANGE_HEAD = "artist"
DEMO_PARTS = ("catalog/tracks.parquet", "catalog/inbox.parquet", "split/split.parquet")


@dataclass(frozen=True)
class Collection:
    """Tracks as a source lists them, before anything is analysed.

    Attributes:
        name: of the data set, for tables.
        root: what the tracks' paths are relative to.
        tracks: rows of `tables.TRACKS`, further label columns after them.
        sides: `tables.SPLIT` where the source brings a split of its own, otherwise None.
        sides_name: what that split is called.
        failures: what could not be used so far, as `tables.FAILURES`.
        strangers: tracks of classes that no track of `tracks` has, which nobody learns from: rows of `tables.TRACKS`.
        duplicates: pairs of tracks that hold the same recording, as `tables.DUPLICATES`; `analyse` finds them.
    """

    name: str
    root: Path
    tracks: pd.DataFrame
    failures: pd.DataFrame
    sides: pd.DataFrame | None = None
    sides_name: str = ""
    strangers: pd.DataFrame = field(default_factory=lambda: empty(TRACKS))
    duplicates: pd.DataFrame = field(default_factory=lambda: empty(DUPLICATES))


class Stores:
    """Spectrogram stores of one data set, one per front end, computed when a peer first asks for it.

    Args:
        folder: where new stores lie.
        root: what `wanted`'s paths are relative to.
        wanted: audio SHA-256 -> path.
        timeout_seconds: for one track.
    """

    def __init__(self, folder: Path, root: Path, wanted: dict[str, str], timeout_seconds: float) -> None:
        self._folder = folder
        self._root = root
        self._wanted = wanted
        self._timeout_seconds = timeout_seconds
        self._open: dict[str, SpectrogramStore] = {}

    def of(self, front_end: FrontEnd) -> SpectrogramStore:
        """Return the store of a front end, computing what it lacks."""
        contract = front_end.sha256()
        if contract not in self._open:
            folder = self._folder / f"spectrograms-{contract[:12]}"
            lacking = len(self._wanted) - _stored(folder, self._wanted)
            with progress("computing spectrograms", lacking) as advance:
                update_store(
                    folder,
                    self._wanted,
                    front_end,
                    root=self._root,
                    timeout_seconds=self._timeout_seconds,
                    advance=advance,
                )
            self._open[contract] = SpectrogramStore(folder, contract)
        return self._open[contract]


@dataclass(frozen=True)
class Dataset:
    """A collection whose tracks all have a spectrogram.

    Attributes:
        collection: tracks, labels and failures.
        stores: of its spectrograms.
        scratch: a folder for what peers compute from the audio.
    """

    collection: Collection
    stores: Stores
    scratch: Path

    @property
    def heard(self) -> pd.DataFrame:
        """All tracks with a spectrogram, the strangers after the others."""
        return pd.concat([self.collection.tracks, self.collection.strangers], ignore_index=True)


def load_demo(root: Path, group: str) -> Collection:
    """Read the project's own catalogue with its split, which goes by `group`.

    Raises:
        SoundatlasError: when `dvc repro` has not made them, or the audio is gone.
    """
    for part in DEMO_PARTS:
        if not (root / "data" / part).is_file():
            raise SoundatlasError(f"data/{part} is missing: run `make demo`, or give --folder or --fma")
    tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
    if gone := [path for path in tracks["path"] if not (root / path).is_file()]:
        raise SoundatlasError(f"{len(gone)} audio files are missing (e.g. {gone[0]}): run `make demo`")
    sides = read_table(root / "data/split/split.parquet", SPLIT)
    return Collection("demo", root, tracks, empty(FAILURES), sides, group, _strangers(root, tracks))


def _strangers(root: Path, tracks: pd.DataFrame) -> pd.DataFrame:
    """Return the new music in the inbox that is by artists whom the catalogue lacks, where a source knows by whom."""
    inbox = read_table(root / "data/catalog/inbox.parquet", INBOX)
    if STRANGE_HEAD not in inbox:
        return empty(TRACKS)
    named = inbox[inbox["reason"].isna() & inbox[STRANGE_HEAD].notna()]
    strange = named[~named[STRANGE_HEAD].isin(tracks[STRANGE_HEAD])]
    return conform(strange.assign(track_id=strange["path"]), TRACKS)


def analyse(collection: Collection, params: Params, out: Path) -> Dataset:
    """Compute the spectrograms of a collection and find its near-duplicates; tracks without a spectrogram are failures.

    Args:
        collection: as listed.
        params: sections `spectrograms` and `split`.
        out: where stores and features lie.
    """
    front_end = FrontEnd.of(params.spectrograms)
    everything = pd.concat([collection.tracks, collection.strangers])
    wanted = dict(zip(everything["audio_sha256"], everything["path"], strict=True))
    stores = Stores(out / "stores", collection.root, wanted, params.spectrograms.timeout_seconds)
    store = stores.of(front_end)
    durations = store.manifest["duration_seconds"]
    tracks = collection.tracks[[sha in store for sha in collection.tracks["audio_sha256"]]].reset_index(drop=True)
    tracks = tracks.assign(duration_seconds=tracks["audio_sha256"].map(durations).astype("float64"))
    failed = read_table(store.folder / FAILURES_NAME, FAILURES)
    failures = conform(pd.concat([collection.failures, failed]), FAILURES)
    strangers = collection.strangers[collection.strangers["audio_sha256"].isin(store.manifest.index)]
    duplicates = empty(DUPLICATES)
    if params.split.near_duplicates:
        with progress("comparing recordings", tracks["audio_sha256"].nunique()) as advance:
            most = params.split.max_bit_error_rate
            duplicates = find_near_duplicates(tracks, store, front_end, max_bit_error_rate=most, advance=advance)
    heard = replace(collection, tracks=tracks, failures=failures, strangers=strangers, duplicates=duplicates)
    return Dataset(heard, stores, out / "features")


def _stored(folder: Path, wanted: dict[str, str]) -> int:
    """Return how many of the wanted tracks the store's manifest lists."""
    if not (folder / MANIFEST_NAME).is_file():
        return 0
    return len(set(read_table(folder / MANIFEST_NAME, {"audio_sha256": "str"})["audio_sha256"]) & set(wanted))
