"""From what the parts of a model say to what the model says."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.learning.blend import BACKBONE, BLEND, NETWORK, STATISTICS, blend, calibrate
from soundatlas.learning.labels import MISSING
from soundatlas.learning.track import TrackOutput, softmax


def _output(logits: list[float], value: float = 0.0, embedding: tuple[float, ...] = (1.0, 0.0)) -> TrackOutput:
    return TrackOutput({"artist": np.array(logits, np.float32)}, {"tempo_bpm": value}, np.array(embedding, np.float32))


def _plain(*parts: str) -> dict[str, dict[str, float]]:
    return {part: {"artist": 1.0} for part in (*parts, BLEND)}


def test_a_single_part_speaks_for_itself() -> None:
    """With one part and temperatures of 1, probabilities and value are the part's; the embedding has length 1."""
    part = _output([2.0, 0.5, -1.0], value=0.3, embedding=(3.0, 4.0))
    found = blend({NETWORK: part}, _plain(NETWORK))
    assert softmax(found.logits["artist"]) == pytest.approx(softmax(part.logits["artist"]), abs=1e-6)
    assert found.values == {"tempo_bpm": pytest.approx(0.3)}
    assert found.embedding == pytest.approx([0.6, 0.8])
    assert found.embedding.dtype == np.float32


def test_two_parts_are_a_geometric_mean() -> None:
    """Log-probabilities are averaged, and values too."""
    one, two = _output([1.0, 0.0], value=1.0), _output([0.0, 3.0], value=-0.5)
    found = blend({NETWORK: one, BACKBONE: two}, _plain(NETWORK, BACKBONE))
    product = np.sqrt(softmax(one.logits["artist"]) * softmax(two.logits["artist"]))
    assert softmax(found.logits["artist"]) == pytest.approx(product / product.sum(), abs=1e-6)
    assert found.values["tempo_bpm"] == pytest.approx(0.25)


def test_cosines_average() -> None:
    """Embeddings stand side by side, so that the cosine of two tracks is the mean of their parts' cosines."""
    calibration = _plain(NETWORK, STATISTICS)
    one = blend({NETWORK: _output([0, 0]), STATISTICS: _output([0, 0], embedding=(0, 2))}, calibration)
    two = blend({NETWORK: _output([0, 0]), STATISTICS: _output([0, 0], embedding=(5, 0))}, calibration)
    assert float(one.embedding @ two.embedding) == pytest.approx((1 + 0) / 2)
    assert np.linalg.norm(one.embedding) == pytest.approx(1.0)


def test_a_surer_part_weighs_more_and_a_temperature_takes_that_back() -> None:
    """A part with high logits outvotes another, unless its temperature says that it is too sure."""
    loud, calm = _output([9.0, 0.0]), _output([0.0, 2.0])
    calibration = _plain(NETWORK, BACKBONE)
    assert blend({NETWORK: loud, BACKBONE: calm}, calibration).logits["artist"].argmax() == 0
    calibration[NETWORK]["artist"] = 9.0
    assert blend({NETWORK: loud, BACKBONE: calm}, calibration).logits["artist"].argmax() == 1


def _tracks(*, parts: tuple[str, ...], overconfidence: float, count: int = 400):
    """Make tracks whose parts are right as often as softmax(logits / overconfidence) says."""
    generator = np.random.default_rng(0)
    tracks, truth = [], []
    for _ in range(count):
        logits = generator.normal(0, 2, 3)
        truth.append(generator.choice(3, p=softmax(logits)))
        tracks.append({part: _output(list(logits * overconfidence)) for part in parts})
    return tracks, {"artist": np.array(truth)}


def test_a_single_part_is_calibrated_once() -> None:
    """One part's temperature is the blend's, and it is found."""
    calibration = calibrate(*_tracks(parts=(NETWORK,), overconfidence=3.0))
    assert calibration[NETWORK] == {"artist": 1.0}
    assert calibration[BLEND]["artist"] == pytest.approx(3.0, rel=0.2)


def test_each_of_two_parts_is_calibrated_first() -> None:
    """Two parts get a temperature each; two that say the same need no further one."""
    calibration = calibrate(*_tracks(parts=(NETWORK, BACKBONE), overconfidence=3.0))
    assert calibration[NETWORK]["artist"] == calibration[BACKBONE]["artist"] == pytest.approx(3.0, rel=0.2)
    assert calibration[BLEND]["artist"] == pytest.approx(1.0, abs=0.01)


def test_without_labels_nothing_is_scaled() -> None:
    """A head that no validation track has a label of keeps its temperature of 1."""
    tracks, truth = _tracks(parts=(NETWORK, BACKBONE), overconfidence=3.0, count=5)
    truth["artist"] = np.full(5, MISSING)
    assert calibrate(tracks, truth) == _plain(NETWORK, BACKBONE)
