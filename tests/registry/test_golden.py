"""The golden clip: written so that it checks the whole front end, and checked so that nothing slips through."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from soundatlas.audio.spectrogram import FLOOR_DB, FrontEnd
from soundatlas.errors import BundleError
from soundatlas.registry.golden import TOLERANCE_DB, check_golden, write_golden


@pytest.fixture
def front_end(tiny_params) -> FrontEnd:
    """Give the tiny project's front end."""
    return FrontEnd.of(tiny_params.spectrograms)


def test_clip_checks_resampling_mixing_and_no_floor(tmp_path, front_end):
    """The clip is stereo with unlike channels, of another rate, and nowhere so quiet that rounding is magnified."""
    write_golden(tmp_path, {"network": front_end})
    samples, rate = soundfile.read(tmp_path / "golden.flac")
    assert rate != front_end.sample_rate
    assert not np.allclose(samples[:, 0], samples[:, 1])
    assert np.load(tmp_path / "golden-network.npy").min() > FLOOR_DB + 10
    check_golden(tmp_path, "network", front_end)


def test_clip_is_longer_than_the_shortest_allowed(tmp_path, front_end):
    """A front end that refuses clips below 5 s still accepts its golden clip."""
    patient = FrontEnd(**{**vars(front_end), "min_seconds": 5.0})
    write_golden(tmp_path, {"network": patient})
    check_golden(tmp_path, "network", patient)


@pytest.mark.parametrize("wrong", [TOLERANCE_DB * 2, -1.0, np.nan])
def test_one_wrong_cell_is_enough(tmp_path, front_end, wrong):
    """A single cell that is off by more than the tolerance, or is no number, is refused."""
    write_golden(tmp_path, {"network": front_end})
    golden = np.load(tmp_path / "golden-network.npy")
    golden[len(golden) // 2, 3] += np.float32(wrong)
    np.save(tmp_path / "golden-network.npy", golden)
    with pytest.raises(BundleError, match="differs by"):
        check_golden(tmp_path, "network", front_end)


def test_other_shape_is_refused(tmp_path, front_end):
    """An array with a frame less is not compared cell by cell."""
    write_golden(tmp_path, {"network": front_end})
    np.save(tmp_path / "golden-network.npy", np.load(tmp_path / "golden-network.npy")[1:])
    with pytest.raises(BundleError, match="shape"):
        check_golden(tmp_path, "network", front_end)


def test_clip_that_does_not_decode_is_a_bundle_error(tmp_path, front_end):
    """A decoder that cannot read the clip is this machine's fault, not a track's."""
    write_golden(tmp_path, {"network": front_end})
    (tmp_path / "golden.flac").write_bytes(b"no flac at all")
    with pytest.raises(BundleError, match="cannot be decoded"):
        check_golden(tmp_path, "network", front_end)
