"""librosa's beat tracker: what one would use instead of a model's tempo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soundatlas.audio.decode import decode

if TYPE_CHECKING:
    from pathlib import Path


def tracked_tempo(path: Path, *, max_seconds: float) -> float:
    """Return the tempo of a file in beats per minute by `librosa.beat.beat_track` (Ellis, JNMR 2007); 0 without beats.

    Raises:
        TrackError: when the file cannot be decoded.
    """
    from librosa.beat import beat_track

    decoded = decode(path, max_seconds=max_seconds)
    tempo, _ = beat_track(y=decoded.samples, sr=decoded.sample_rate)
    return float(np.atleast_1d(tempo)[0])
