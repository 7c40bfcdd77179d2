"""Changing training windows so that the network learns the music and not the recording; each knob 0 is off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundatlas.params import AugmentationParams

Values = dict[str, "NDArray[np.float32]"]


def augment(
    windows: NDArray[np.float32],
    wanted: Values,
    weights: Values,
    params: AugmentationParams,
    generator: np.random.Generator,
) -> tuple[NDArray[np.float32], Values, Values]:
    """Return a batch with gain, masks and mixup applied, in this order; the arguments stay as they are.

    Args:
        windows: float32, shape (windows, frames, n_mels) or (windows, frames, n_mels, channels), dB.
        wanted: head -> (windows, width).
        weights: head -> (windows,).
        params: how much of what.
        generator: where chance comes from; equal generators give equal batches.
    """
    if params.gain_db:
        windows = windows + _column(generator.normal(0, params.gain_db, len(windows)).astype(np.float32), windows.ndim)
    if params.mask_bands or params.mask_frames:
        windows = _masked(windows, params, generator)
    if params.mixup:
        windows, wanted, weights = _mixed(windows, wanted, weights, params.mixup, generator)
    return windows, wanted, weights


def _masked(
    windows: NDArray[np.float32], params: AugmentationParams, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Set a band of frequencies and a stretch of time to the window's mean (Park et al., SpecAugment, 1904.08779)."""
    masked = windows.copy()
    frames, bands = windows.shape[1:3]
    for window, level in zip(masked, windows.mean(axis=(1, 2)), strict=True):
        for axis, most, size in ((1, params.mask_bands, bands), (0, params.mask_frames, frames)):
            width = int(generator.integers(0, min(most, size - 1) + 1))
            start = int(generator.integers(0, size - width + 1))
            place: tuple[Any, ...] = (slice(None), slice(start, start + width))
            window[place[:: 1 if axis == 1 else -1]] = level
    return masked


def _column(values: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    """Return values, one per window, such that they meet windows of so many dimensions."""
    return values.reshape(-1, *[1] * (dimensions - 1))


def _mixed(
    windows: NDArray[np.float32], wanted: Values, weights: Values, alpha: float, generator: np.random.Generator
) -> tuple[NDArray[np.float32], Values, Values]:
    """Mix each window with another of its batch, sound and labels alike (Zhang et al., mixup, arXiv 1710.09412).

    Sounds add up in power, not in dB. A label counts as far as both of the two have it.
    """
    share = generator.beta(alpha, alpha, len(windows)).astype(np.float32)
    share = np.maximum(share, 1 - share)  # the first of the two stays the louder one
    other = generator.permutation(len(windows))
    power = np.power(10, windows / 10)
    column, whole = _column(share, 2), _column(share, windows.ndim)
    mixed = 10 * np.log10(whole * power + (1 - whole) * power[other])
    labels = {name: column * values + (1 - column) * values[other] for name, values in wanted.items()}
    present = {name: values * values[other] for name, values in weights.items()}
    return mixed.astype(np.float32), labels, present
