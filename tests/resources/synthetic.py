"""Spectrograms that were never sound: stores of them, and a catalogue whose classes are easy to tell apart."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from soundatlas.audio.spectrogram import Spectrogram
from soundatlas.store.contents import manifest_part, write_manifest
from soundatlas.store.reading import MANIFEST_NAME, SpectrogramStore
from soundatlas.store.rows import describe_spectrogram
from soundatlas.store.shards import write_shard
from soundatlas.tables import TRACKS, conform

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

CONTRACT = "c" * 64
SHARD = "0-bits-0.safetensors"
N_MELS = 16


def write_store(
    folder: Path, log_mels: Mapping[str, NDArray[np.float32]], *, contract: str = CONTRACT
) -> SpectrogramStore:
    """Write and open a store of given spectrograms: audio SHA-256 -> (frames, n_mels)."""
    described = {
        sha: describe_spectrogram(SHARD, Spectrogram(log_mel, len(log_mel) * 0.1, 8_000, 1))
        for sha, log_mel in log_mels.items()
    }
    write_shard(folder / SHARD, contract, {sha: (each.log_mel, each.row) for sha, each in described.items()})
    write_manifest(
        [manifest_part({sha: each.row for sha, each in described.items()}, contract)], folder / MANIFEST_NAME
    )
    return SpectrogramStore(folder, contract)


def separable(count: int, *, first: int = 0) -> tuple[pd.DataFrame, dict[str, NDArray[np.float32]]]:
    """Make tracks whose genre is heard in which half of the bands sounds, and whose tempo in how loud it is.

    Every third track has no artist, and every fourth no tempo.

    Args:
        count: number of tracks.
        first: number of the first one; tracks of other numbers are other tracks.

    Returns:
        rows of `tables.TRACKS`, and audio SHA-256 -> spectrogram of 20 to 43 frames.
    """
    rows, log_mels = [], {}
    for number in range(first, first + count):
        generator = np.random.default_rng(number)
        genre = ("low", "high")[number % 2]
        loudness = generator.uniform(-1, 1)
        log_mel = generator.normal(-60, 5, (20 + number % 24, N_MELS))
        log_mel[:, : N_MELS // 2] += (20 + 10 * loudness) * (genre == "low")
        log_mel[:, N_MELS // 2 :] += (20 + 10 * loudness) * (genre == "high")
        sha = hashlib.sha256(f"synthetic {number}".encode()).hexdigest()
        log_mels[sha] = log_mel.astype(np.float32)
        rows.append(
            {
                "track_id": f"t:{number:03d}",
                "audio_sha256": sha,
                "genre": genre,
                "artist": None if number % 3 == 0 else f"{genre} artist",
                "tempo_bpm": None if number % 4 == 0 else 100 + 20 * loudness,
            }
        )
    return conform(pd.DataFrame(rows), TRACKS), log_mels
