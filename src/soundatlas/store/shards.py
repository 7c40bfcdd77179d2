"""One shard: a safetensors file with one tensor per track, named by the audio's SHA-256.

A shard holds all that it needs to be read alone: its metadata carries the front-end contract's hash and what was
seen while decoding each track. Equal content gives equal bytes, so DVC sees only what really changed. Each track has a
checksum of its own, so that whoever reads one track need not read the others to trust it.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, cast

from safetensors import SafetensorError, safe_open

from soundatlas.errors import StoreError
from soundatlas.files import replacing_file_apart
from soundatlas.store.belonging import filling, repairing
from soundatlas.store.rows import DTYPE, checksum

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

SUFFIX = ".safetensors"
NAME = re.compile(r"\d+-bits-[0-9a-f]+\.safetensors")
TRACKS_PER_SHARD = 100  # at most, on average: DVC's no-op costs 1.1 s with 100 files and 2.0 s with 10,000
METADATA_KEY = "soundatlas"  # one key only: safetensors writes several in no fixed order


def bucket_bits(tracks: int) -> int:
    """Return how many bits of the hash choose the shard: the fewest that leave at most 100 tracks in one on average."""
    bits = 0
    while tracks > TRACKS_PER_SHARD << bits:
        bits += 1
    return bits


def shard_name(audio_sha256: str, bits: int) -> str:
    """Return the name of the shard that a track belongs to, e.g. `2-bits-3.safetensors`."""
    bucket = int(audio_sha256[:8], 16) >> (32 - bits) if bits else 0
    return f"{bits}-bits-{bucket:x}{SUFFIX}"


def is_shard(name: str) -> bool:
    """Return whether a file is called as a shard is; whatever else lies beside the shards is not ours to touch."""
    return NAME.fullmatch(name) is not None


def list_shards(folder: Path) -> list[Path]:
    """Return the shards of a store, in order."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if is_shard(path.name))


def readable_shards(folder: Path) -> Iterator[Shard]:
    """Yield the shards of a store, in order; damaged ones are left out."""
    for path in list_shards(folder):
        with contextlib.suppress(StoreError):
            yield Shard(path)


def write_shard(
    path: Path, contract_sha256: str, tracks: Mapping[str, tuple[NDArray[np.float16], dict[str, Any]]]
) -> None:
    """Write a shard whole or not at all.

    Args:
        path: of the shard.
        contract_sha256: of the front end that made the spectrograms.
        tracks: audio SHA-256 -> (log-mel of shape (frames, n_mels), dB, row of the manifest).

    Raises:
        StoreError: when it cannot be written, as on a full disk; an earlier shard of that name stays.
    """
    import numpy as np
    from safetensors.numpy import save_file

    rows = {name: tracks[name][1] for name in sorted(tracks)}
    about = {"contract_sha256": contract_sha256, "dtype": DTYPE, "tracks": rows}
    tensors = {name: np.ascontiguousarray(tracks[name][0], DTYPE) for name in sorted(tracks)}
    with replacing_file_apart(path) as beside:
        try:
            save_file(tensors, beside, metadata={METADATA_KEY: json.dumps(about, sort_keys=True)})
        except SafetensorError as error:
            raise StoreError(f"shard {path.name} cannot be written ({error}): mend that and run it again") from None


class Shard:
    """A shard opened for reading; its file stays memory-mapped.

    Raises:
        StoreError: when the file is damaged. A track's own bytes are checked when it is first read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = cast("Any", safe_open(path, framework="numpy"))
            about = json.loads(self._file.metadata()[METADATA_KEY])
            self.contract_sha256: str = about["contract_sha256"]
            self.rows: dict[str, dict[str, Any]] = about["tracks"]
            dtype = about.get("dtype", "float32")
            self._checksums = {name: str(row["checksum"]) for name, row in self.rows.items()}
            whole = set(self._file.keys()) == set(self.rows)
        except (SafetensorError, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise _damage(path, error) from None
        if not whole:
            raise _damage(path, "names differ")
        if dtype != DTYPE:
            raise StoreError(f"shard {path.name} is of an earlier version, in {dtype}: run {filling(path.parent)}")
        self._sound: set[str] = set()

    def log_mel(self, audio_sha256: str) -> NDArray[np.float32]:
        """Return a track's whole spectrogram: float32, shape (frames, n_mels), dB.

        Raises:
            StoreError: when its bytes are not those that were written, or it is not there.
        """
        return self.kept(audio_sha256).astype("float32")

    def kept(self, audio_sha256: str) -> NDArray[np.float16]:
        """Return a track's spectrogram as it lies on disk, or raise as `log_mel` does."""
        if audio_sha256 not in self.rows:  # of which a manifest speaks that is older than the shard
            todo = f"run {filling(self.path.parent)}"
            raise StoreError(f"shard {self.path.name} no longer holds track {audio_sha256[:12]}: {todo}")
        log_mel: NDArray[np.float16] = self._file.get_tensor(audio_sha256)
        if audio_sha256 not in self._sound:
            if checksum(log_mel) != self._checksums[audio_sha256]:
                raise _damage(self.path, f"the bytes of track {audio_sha256[:12]} changed")
            self._sound.add(audio_sha256)
        return log_mel

    def is_sound(self) -> bool:
        """Return whether the bytes of every track are those that were written; reads all of them."""
        try:
            for audio_sha256 in self.rows:
                self.kept(audio_sha256)
        except StoreError:
            return False
        return True

    def frames(self, audio_sha256: str, start: int, stop: int) -> NDArray[np.float32]:
        """Return frames `start` to `stop` of a track, as `log_mel` does; the first time the whole is checked.

        Raises:
            StoreError: when the track's bytes are not those that were written.
        """
        if audio_sha256 not in self._sound:
            return self.log_mel(audio_sha256)[start:stop]
        window: NDArray[np.float16] = self._file.get_slice(audio_sha256)[start:stop]
        return window.astype("float32")


def _damage(path: Path, what: object) -> StoreError:
    todo = f"{repairing(path.parent)}, then {filling(path.parent)}"
    return StoreError(f"shard {path.name} is damaged ({what}): {todo}")
