"""Cutting a spectrogram into the windows that the network sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def window_starts(frames: int, window_frames: int, hop_frames: int) -> NDArray[np.int64]:
    """Return the first frame of each window that covers a track; the last window ends with the track."""
    last = max(0, frames - window_frames)
    starts = np.arange(0, last + 1, hop_frames, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def cut_windows(log_mel: NDArray[np.float32], window_frames: int, hop_frames: int) -> NDArray[np.float32]:
    """Cut a whole track into overlapping windows.

    Args:
        log_mel: shape (frames, n_mels); a track shorter than a window is repeated to fill one.
        window_frames: length of a window.
        hop_frames: distance between the starts of two windows.

    Returns:
        shape (windows, window_frames, n_mels).
    """
    starts = window_starts(len(log_mel), window_frames, hop_frames)
    return np.stack([fill_window(log_mel[start : start + window_frames], window_frames) for start in starts])


def fill_window(log_mel: NDArray[np.float32], window_frames: int) -> NDArray[np.float32]:
    """Repeat frames until there are `window_frames` of them; return longer input's first `window_frames`."""
    if len(log_mel) >= window_frames:
        return log_mel[:window_frames]
    return np.take(log_mel, np.arange(window_frames), axis=0, mode="wrap")
