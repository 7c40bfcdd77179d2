"""Bit rot in one track of a store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LENGTH_BYTES = 8  # of the header of a safetensors file


def spoil(store: Path, audio_sha256: str) -> None:
    """Turn a byte of a track's spectrogram, in the shard that holds it."""
    for shard in store.glob("*.safetensors"):
        content = bytearray(shard.read_bytes())
        begin = LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES], "little")
        tensors = json.loads(content[LENGTH_BYTES:begin])
        if audio_sha256 in tensors:
            content[begin + tensors[audio_sha256]["data_offsets"][0] + 10] ^= 0xFF
            shard.write_bytes(bytes(content))
