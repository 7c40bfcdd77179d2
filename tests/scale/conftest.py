"""Clips, what the local engine makes of them, and an engine that is a cluster of this process alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import scale_work
import soundfile

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.files import sha256_file
from soundatlas.params import EngineParams
from soundatlas.registry.prediction_key import code_sha256
from soundatlas.scale.guards import stop_guards
from soundatlas.scale.places import Place
from soundatlas.scale.shard_work import Setting
from soundatlas.store import shards
from soundatlas.store.writing import update_store
from soundatlas.workers import retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TIMEOUT_SECONDS = 120.0  # that no healthy clip takes
RETRIES = 2


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few clips make several shards, and start one process where workers are needed."""
    monkeypatch.setattr(shards, "TRACKS_PER_SHARD", 3)
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")


@pytest.fixture(scope="session", autouse=True)
def _no_guard_is_left() -> Iterator[None]:
    """End the processes that tests lent tracks to."""
    yield
    stop_guards()


@pytest.fixture(scope="session")
def front_end() -> FrontEnd:
    """Give small settings."""
    return FrontEnd(
        sample_rate=8_000, n_fft=256, hop_length=128, n_mels=8, fmin=0.0, fmax=4_000.0, min_seconds=0.1, max_seconds=1.0
    )


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of eight clips, of which two are broken; never write to it."""
    folder = tmp_path_factory.mktemp("clips")
    for name in (*(f"{number}.wav" for number in range(7)), scale_work.CRASHER):
        samples = np.random.default_rng(len(name) + ord(name[0])).normal(0, 0.1, 1_600 + 80 * ord(name[0]))
        soundfile.write(folder / name, samples, 8_000)
    (folder / "5.wav").write_bytes(b"not music at all")
    return folder


@pytest.fixture(scope="session")
def wanted(clips: Path) -> dict[str, str]:
    """Give what a catalogue lists of the clips, and a file that is not there: audio SHA-256 -> path."""
    return {sha256_file(path): path.name for path in sorted(clips.glob("*.wav"))} | {"7" * 64: "gone.wav"}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, clips, wanted, front_end) -> Path:
    """Give the store that the local engine makes of the clips; never write to it."""
    folder = tmp_path_factory.mktemp("built") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "TRACKS_PER_SHARD", 3)
        update_store(
            folder,
            wanted,
            front_end,
            root=clips,
            timeout_seconds=TIMEOUT_SECONDS,
            workers=1,
            map_jobs=retrying(RETRIES),
        )
    return folder


@pytest.fixture
def setting(clips: Path, front_end: FrontEnd, tmp_path: Path) -> Setting:
    """Give the setting of an update into an empty folder."""
    store = tmp_path / "store"
    store.mkdir()
    return Setting(Place(str(clips)), Place(str(store)), front_end, TIMEOUT_SECONDS, RETRIES, code_sha256())


@pytest.fixture(scope="session")
def direct() -> EngineParams:
    """Give Beam's runner that needs nothing beside this process."""
    return EngineParams(kind="beam", runner="DirectRunner", options=[], place=None)


@pytest.fixture(scope="session")
def content() -> Callable[[Place], dict[str, bytes]]:
    """Give a function from a place to its files' names and bytes."""
    return lambda place: {name: place.read(name) for name in sorted(place.signatures())}
