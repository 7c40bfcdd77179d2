"""Spectrograms of clicks: a tempo that is known."""

from __future__ import annotations

import numpy as np

RATE = 31.25  # frames per second


def clicks(bpm: float, seconds: float = 15.0, *, accent: int = 1) -> np.ndarray:
    """Return a log-mel with a decaying sound on each beat, each `accent`-th one louder, and some noise."""
    frames = np.arange(int(seconds * RATE))
    log_mel = np.random.default_rng(0).normal(-80, 0.5, (len(frames), 40))
    for beat in range(int(seconds * bpm / 60) + 1):
        since = frames - beat * 60 / bpm * RATE
        level = (40 if beat % accent == 0 else 25) * np.exp(-np.maximum(since, 0) / 4) * np.clip(since + 1, 0, 1)
        log_mel = np.maximum(log_mel, -80 + level[:, None])
    return log_mel.astype(np.float32)
