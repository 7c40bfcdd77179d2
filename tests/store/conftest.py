"""Clips, and the stores that are made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.files import sha256_file
from soundatlas.store.writing import update_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundatlas.store.writing import Update

TIMEOUT_SECONDS = 120.0  # that no healthy clip takes


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start one process per update: most of an update of a few short clips is starting it."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")


@pytest.fixture(scope="session")
def front_end() -> FrontEnd:
    """Give small settings."""
    return FrontEnd(
        sample_rate=8_000, n_fft=256, hop_length=128, n_mels=8, fmin=0.0, fmax=4_000.0, min_seconds=0.1, max_seconds=1.0
    )


@pytest.fixture(scope="session")
def make_clips() -> Callable[[Path, int], dict[str, str]]:
    """Give a function that fills a folder with clips of different lengths: audio SHA-256 -> path in the folder."""

    def make(folder: Path, count: int) -> dict[str, str]:
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {}
        for number in range(count):
            samples = np.random.default_rng(number).normal(0, 0.1, 1_600 + 400 * (number % 5))
            soundfile.write(folder / f"{number}.wav", samples, 8_000)
            wanted[sha256_file(folder / f"{number}.wav")] = f"{number}.wav"
        return wanted

    return make


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory, make_clips: Callable[[Path, int], dict[str, str]]) -> Path:
    """Give a folder of six clips; add to it, change nothing."""
    folder = tmp_path_factory.mktemp("clips")
    make_clips(folder, 6)
    return folder


@pytest.fixture(scope="session")
def wanted(clips: Path) -> dict[str, str]:
    """Give what a catalogue lists of the six clips: audio SHA-256 -> path."""
    return {sha256_file(path): path.name for path in sorted(clips.glob("?.wav"))}


@pytest.fixture(scope="session")
def update(clips: Path, front_end: FrontEnd) -> Callable[..., Update]:
    """Give `update_store` with the clips' folder and the small settings filled in."""

    def update(
        folder: Path,
        wanted: dict[str, str],
        settings: FrontEnd = front_end,
        root: Path = clips,
        known: Path | None = None,
    ) -> Update:
        return update_store(folder, wanted, settings, root=root, timeout_seconds=TIMEOUT_SECONDS, known=known)

    return update


@pytest.fixture(scope="session")
def built(
    tmp_path_factory: pytest.TempPathFactory, wanted: dict[str, str], update: Callable[..., Update]
) -> tuple[Path, Update]:
    """Give a store of the six clips, built at one go, with what its update said; copy it, never write to it."""
    folder = tmp_path_factory.mktemp("built") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDATLAS_WORKERS", "2")
        return folder, update(folder, wanted)


@pytest.fixture
def store(built: tuple[Path, Update], tmp_path: Path) -> Path:
    """Give a copy of the store of the six clips, to work on."""
    folder = tmp_path / "store"
    folder.mkdir()
    for path in built[0].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def content() -> Callable[[Path], dict[str, bytes]]:
    """Give a function from a folder to its files' names and bytes."""

    def read(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

    return read
