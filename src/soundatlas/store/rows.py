"""What the manifest says of a spectrogram; worked out in the worker that computed it.

NumPy is imported in the worker alone: whoever hands out the jobs has not waited for it.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soundatlas.store.jobs import compute

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from soundatlas.audio.spectrogram import Spectrogram
    from soundatlas.store.jobs import Job

NEEDED_FOR_COMPUTING = ("soundatlas.store.rows", "soundatlas.audio.decode", "soundatlas.audio.log_mel")


@dataclass(frozen=True)
class Described:
    """A spectrogram with its row.

    Attributes:
        log_mel: float32, shape (frames, n_mels), dB.
        row: of the manifest; `shard` is empty, as the worker does not know where it will lie.
    """

    log_mel: NDArray[np.float32]
    row: dict[str, Any]


def describe(job: Job) -> Described:
    """Compute one spectrogram and what the manifest says of it.

    Raises:
        TrackError: when the file cannot be used.
    """
    spectrogram = compute(job)
    return Described(spectrogram.log_mel, manifest_row("", spectrogram))


def manifest_row(shard: str, spectrogram: Spectrogram) -> dict[str, Any]:
    """Return the manifest's row of a freshly computed spectrogram."""
    import numpy as np

    log_mel = spectrogram.log_mel
    least, most = float(log_mel.min()), float(log_mel.max())  # NaN where any cell is
    return {
        "shard": shard,
        "frames": len(log_mel),
        "duration_seconds": spectrogram.duration_seconds,
        "source_sample_rate": spectrogram.source_sample_rate,
        "channels": spectrogram.channels,
        "min_db": least,
        "mean_db": float(log_mel.mean(dtype=np.float64)),
        "max_db": most,
        "finite": math.isfinite(least) and math.isfinite(most),
        "checksum": checksum(log_mel),
    }


def checksum(log_mel: NDArray[np.float32]) -> str:
    """Return the CRC-32 of a spectrogram's bytes, as 8 hex digits: against bit rot, not against malice."""
    import numpy as np

    return f"{zlib.crc32(np.ascontiguousarray(log_mel).data):08x}"
