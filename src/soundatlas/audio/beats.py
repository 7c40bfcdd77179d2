"""librosa's beat tracker: what one would use instead of a model's tempo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soundatlas.audio.decode import decode

if TYPE_CHECKING:
    from pathlib import Path


def tracked_tempo(path: Path, *, max_seconds: float) -> float:
    """Return the tempo of a file, in beats per minute, that `librosa.beat.beat_track` gives (Ellis, JNMR 2007).

    Its first step is called by itself, for the tempo is all that is asked: the step that places the beats ends the
    process on some machines (a segmentation fault in numba's compiled `localmax`).

    Args:
        path: of an audio file.
        max_seconds: of a longer one, what is listened to.

    Raises:
        TrackError: when the file cannot be decoded.
    """
    from librosa.feature import tempo
    from librosa.onset import onset_strength

    decoded = decode(path, max_seconds=max_seconds)
    onsets = onset_strength(y=decoded.samples, sr=decoded.sample_rate, aggregate=np.median)
    return float(np.atleast_1d(tempo(onset_envelope=onsets, sr=decoded.sample_rate))[0])
