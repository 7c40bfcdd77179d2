"""What a shard says of itself, read without its spectrograms: two short reads, from a disk or an object store."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soundatlas.errors import StoreError
from soundatlas.store.rows import DTYPE
from soundatlas.store.shards import METADATA_KEY

if TYPE_CHECKING:
    from soundatlas.scale.places import Place

LENGTH_BYTES = 8  # of the number in front of a safetensors file's header


@dataclass(frozen=True)
class ShardHeader:
    """What a shard says of itself.

    Attributes:
        contract_sha256: of the front end that made its spectrograms.
        rows: audio SHA-256 -> row of the manifest.
    """

    contract_sha256: str
    rows: dict[str, dict[str, Any]]


def read_header(store: Place, name: str) -> ShardHeader:
    """Read a shard's header. That each spectrogram is as it was written is seen when it is read.

    Raises:
        StoreError: when the file is damaged, or shorter than it should be.
    """
    try:
        (length,) = struct.unpack("<Q", store.read(name, 0, LENGTH_BYTES))
        size = store.size(name)
        header = json.loads(store.read(name, LENGTH_BYTES, min(LENGTH_BYTES + length, size)))
        about = json.loads(header.pop("__metadata__")[METADATA_KEY])
        found = ShardHeader(str(about["contract_sha256"]), dict(about["tracks"]))
        stop = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
    except (OSError, struct.error, AttributeError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"shard {name} is damaged ({error})") from None
    if LENGTH_BYTES + length + stop != size or set(header) != set(found.rows):
        raise StoreError(f"shard {name} is damaged (it is not as long as it says, or names differ)")
    if about.get("dtype") != DTYPE:
        raise StoreError(f"shard {name} is of an earlier version")
    return found
