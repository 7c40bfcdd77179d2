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

DTYPE = "float16"  # of the cells on disk: half the size, and no probability moves by 1e-3 (docs/adr/0053)
NEEDED_FOR_COMPUTING = ("soundatlas.store.rows", "soundatlas.audio.decode", "soundatlas.audio.log_mel")


@dataclass(frozen=True)
class Described:
    """A spectrogram with its row.

    Attributes:
        log_mel: as the shard keeps it, shape (frames, n_mels), dB.
        row: of the manifest; `shard` is empty, as the worker does not know where it will lie.
    """

    log_mel: NDArray[np.float16]
    row: dict[str, Any]


def describe(job: Job) -> Described:
    """Compute one spectrogram and what the manifest says of it.

    Raises:
        TrackError: when the file cannot be used.
    """
    return describe_spectrogram("", compute(job))


def describe_spectrogram(shard: str, spectrogram: Spectrogram) -> Described:
    """Return a freshly computed spectrogram as the shard keeps it, with the manifest's row of it."""
    import numpy as np

    log_mel, kept = spectrogram.log_mel, spectrogram.log_mel.astype(DTYPE)
    least, most = float(log_mel.min()), float(log_mel.max())  # NaN where any cell is
    row = {
        "shard": shard,
        "frames": len(log_mel),
        "duration_seconds": spectrogram.duration_seconds,
        "source_sample_rate": spectrogram.source_sample_rate,
        "channels": spectrogram.channels,
        "min_db": least,
        "mean_db": float(log_mel.mean(dtype=np.float64)),
        "max_db": most,
        "finite": math.isfinite(least) and math.isfinite(most),
        "checksum": checksum(kept),
    }
    return Described(kept, row)


def checksum(kept: NDArray[np.float16]) -> str:
    """Return the CRC-32 of a spectrogram's bytes on disk, as 8 hex digits: against bit rot, not against malice."""
    import numpy as np

    return f"{zlib.crc32(np.ascontiguousarray(kept).data):08x}"
