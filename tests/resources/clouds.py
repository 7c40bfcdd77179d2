"""Embeddings in clouds, one per class: what a model that has learned something gives."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

DIMENSIONS = 16


def make_clouds(count: int, *, clouds: int = 4, first: int = 0, spread: float = 0.15):
    """Make embeddings of tracks; track `n` is the same whatever the count.

    Args:
        count: of tracks.
        clouds: their number; track `n` lies in cloud `n % clouds`.
        first: number of the first track.
        spread: of a cloud, where its middle has length 1.

    Returns:
        hashes, float32 of shape (count, DIMENSIONS), and the cloud of each.
    """
    middles = np.random.default_rng(0).normal(size=(clouds, DIMENSIONS))
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    numbers = range(first, first + count)
    noise = np.stack([np.random.default_rng(1000 + number).normal(0, spread, DIMENSIONS) for number in numbers])
    members = np.array([number % clouds for number in numbers])
    shas = [hashlib.sha256(f"cloud {number}".encode()).hexdigest() for number in numbers]
    return shas, (middles[members] + noise).astype(np.float32), members


def make_descriptors(count: int, *, seed: int = 1) -> pd.DataFrame:
    """Make descriptors of tracks that mean nothing."""
    from soundatlas.audio.descriptors import DESCRIPTORS

    generator = np.random.default_rng(seed)
    return pd.DataFrame({name: generator.normal(size=count) for name in DESCRIPTORS})
