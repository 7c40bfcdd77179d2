"""Cutting tracks into windows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from soundatlas.audio.windows import cut_windows, fill_window, window_starts

FRAMES = st.integers(1, 200)
WINDOW_FRAMES = st.integers(1, 60)


def _numbered(frames: int) -> np.ndarray:
    """Make a spectrogram of two bands in which each frame holds its own number."""
    return np.repeat(np.arange(frames, dtype=np.float32)[:, None], 2, axis=1)


@st.composite
def _cuts(draw) -> tuple[int, int, int]:
    """Draw a track's frames, a window's frames, and a hop that is no longer than the window."""
    window_frames = draw(WINDOW_FRAMES)
    return draw(FRAMES), window_frames, draw(st.integers(1, window_frames))


@given(_cuts())
def test_windows_cover_every_frame(cut) -> None:
    """No frame of a track is left out, and nothing else is in its windows."""
    frames, window_frames, hop_frames = cut
    windows = cut_windows(_numbered(frames), window_frames, hop_frames)
    assert set(windows.ravel()) == set(range(frames))


@given(_cuts())
def test_windows_lie_within_the_track(cut) -> None:
    """Windows start at 0, follow each other by at most a hop, and the last ends with the track."""
    frames, window_frames, hop_frames = cut
    starts = window_starts(frames, window_frames, hop_frames)
    assert starts[0] == 0
    assert starts[-1] == max(0, frames - window_frames)
    assert np.all(np.diff(starts) > 0)
    assert np.all(np.diff(starts)[:-1] == hop_frames)
    assert np.all(np.diff(starts)[-1:] <= hop_frames)


@given(_cuts())
def test_windows_are_pieces_of_the_track(cut) -> None:
    """Each window is the stretch of frames that begins at its start."""
    frames, window_frames, hop_frames = cut
    windows = cut_windows(_numbered(frames), window_frames, hop_frames)
    starts = window_starts(frames, window_frames, hop_frames)
    assert windows.shape == (len(starts), window_frames, 2)
    assert windows.dtype == np.float32
    expected = (starts[:, None] + np.arange(window_frames)) % frames
    np.testing.assert_array_equal(windows[:, :, 0], expected)
    np.testing.assert_array_equal(windows[:, :, 0], windows[:, :, 1])


@given(FRAMES, WINDOW_FRAMES)
def test_short_track_is_repeated(frames, window_frames) -> None:
    """A track shorter than a window goes round until the window is full; a longer one is cut."""
    filled = fill_window(_numbered(frames), window_frames)
    assert filled.shape == (window_frames, 2)
    np.testing.assert_array_equal(filled[:, 0], np.arange(window_frames) % frames)


def test_track_of_one_windows_length_is_one_window() -> None:
    """Nothing is cut twice when a track is exactly as long as a window."""
    track = _numbered(24)
    np.testing.assert_array_equal(cut_windows(track, 24, 12), track[None])
