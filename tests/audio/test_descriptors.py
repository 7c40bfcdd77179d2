"""Numbers that say how a track sounds: each moves with what its name says."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.audio.descriptors import DESCRIPTORS, describe_sound

RATE, FRAMES, BANDS = 31.25, 310, 64
SILENT_DB, LOUD_DB = -80.0, -20.0


def quiet():
    """Return a spectrogram of near silence."""
    return np.random.default_rng(1).normal(SILENT_DB, 0.5, (FRAMES, BANDS)).astype(np.float32)


def with_clicks(every_frames: int, *, jitter: int = 0, db: float = LOUD_DB):
    """Return clicks: all bands at once, that fade within some frames."""
    log_mel, generator = quiet(), np.random.default_rng(2)
    for frame in range(10, FRAMES - 12, every_frames):
        at = frame + int(generator.integers(-jitter, jitter + 1))
        for after in range(4):
            log_mel[at + after] = db - 15 * after
    return log_mel


def with_tones():
    """Return tones that last: some bands all the time."""
    log_mel = quiet()
    log_mel[:, ::8] = LOUD_DB
    return log_mel


def test_all_are_there_and_finite():
    """Every descriptor is there, in order, whether of music, of silence or of a single frame."""
    for log_mel in (with_clicks(16), np.full((50, BANDS), -100, np.float32), quiet()[:1]):
        described = describe_sound(log_mel, RATE)
        assert tuple(described) == DESCRIPTORS
        assert all(np.isfinite(value) for value in described.values())


def test_clicks_are_percussive_and_flat_and_tones_are_not():
    """Columns of a spectrogram are percussive, rows are not; equal bands are flat, few bands are not."""
    clicks, tones = describe_sound(with_clicks(16), RATE), describe_sound(with_tones(), RATE)
    assert clicks["percussive_share"] > 0.9
    assert tones["percussive_share"] < 0.1
    assert clicks["spectral_flatness"] > tones["spectral_flatness"] + 20
    assert tones["onset_rate"] == 0


@pytest.mark.parametrize("every_frames", [8, 16, 40])
def test_onsets_are_counted_per_second(every_frames):
    """As many notes as begin are counted, in seconds of the music."""
    clicks = len(range(10, FRAMES - 12, every_frames))
    assert describe_sound(with_clicks(every_frames), RATE)["onset_rate"] == pytest.approx(clicks / (FRAMES / RATE))


def test_louder_onsets_are_stronger_and_change_more():
    """Onset strength and spectral change rise with the height of the clicks."""
    soft, loud = describe_sound(with_clicks(16, db=-50), RATE), describe_sound(with_clicks(16), RATE)
    assert loud["onset_strength"] > soft["onset_strength"] + 20
    assert loud["spectral_change"] > soft["spectral_change"]


def test_density_is_the_share_of_audible_cells():
    """An eighth of the bands sounds: an eighth is dense."""
    assert describe_sound(with_tones(), RATE)["density"] == pytest.approx(1 / 8)


def test_a_regular_pulse_is_clearer_than_a_ragged_one():
    """Pulse clarity falls when the clicks come early and late."""
    regular, ragged = (describe_sound(with_clicks(20, jitter=jitter), RATE) for jitter in (0, 6))
    assert regular["pulse_clarity"] > 0.8
    assert ragged["pulse_clarity"] < 0.6


def test_level_does_not_matter():
    """The same music played softer is described alike."""
    described, softer = (describe_sound(with_clicks(16) - shift, RATE) for shift in (0, 12))
    assert softer == pytest.approx(described, rel=1e-4, abs=1e-4)
