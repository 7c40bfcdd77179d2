"""From what the parts of a model say to what the model says."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.learning.blend import BACKBONE, NETWORK, STATISTICS, Calibration, blend, calibrate
from soundatlas.learning.labels import MISSING
from soundatlas.learning.track import TrackOutput, softmax


def _output(logits: list[float], value: float = 0.0, embedding: tuple[float, ...] = (1.0, 0.0)) -> TrackOutput:
    return TrackOutput({"artist": np.array(logits, np.float32)}, {"tempo_bpm": value}, np.array(embedding, np.float32))


def _even(*parts: str) -> Calibration:
    factors = {part: {"artist": 1 / len(parts), "tempo_bpm": 1 / len(parts)} for part in parts}
    return Calibration(factors, {part: {"artist": 1.0} for part in parts})


def test_a_single_part_speaks_for_itself() -> None:
    """With one part and temperatures of 1, probabilities and value are the part's; the embedding has length 1."""
    part = _output([2.0, 0.5, -1.0], value=0.3, embedding=(3.0, 4.0))
    found = blend({NETWORK: part}, _even(NETWORK))
    assert softmax(found.logits["artist"]) == pytest.approx(softmax(part.logits["artist"]), abs=1e-6)
    assert found.values == {"tempo_bpm": pytest.approx(0.3)}
    assert found.embedding == pytest.approx([0.6, 0.8])
    assert found.embedding.dtype == np.float32


def test_two_parts_are_a_geometric_mean() -> None:
    """Log-probabilities are averaged, and values too."""
    one, two = _output([1.0, 0.0], value=1.0), _output([0.0, 3.0], value=-0.5)
    found = blend({NETWORK: one, BACKBONE: two}, _even(NETWORK, BACKBONE))
    product = np.sqrt(softmax(one.logits["artist"]) * softmax(two.logits["artist"]))
    assert softmax(found.logits["artist"]) == pytest.approx(product / product.sum(), abs=1e-6)
    assert found.values["tempo_bpm"] == pytest.approx(0.25)


def test_cosines_average() -> None:
    """Embeddings stand side by side, so that the cosine of two tracks is the mean of their parts' cosines."""
    calibration = _even(NETWORK, STATISTICS)
    one = blend({NETWORK: _output([0, 0]), STATISTICS: _output([0, 0], embedding=(0, 2))}, calibration)
    two = blend({NETWORK: _output([0, 0]), STATISTICS: _output([0, 0], embedding=(5, 0))}, calibration)
    assert float(one.embedding @ two.embedding) == pytest.approx((1 + 0) / 2)
    assert np.linalg.norm(one.embedding) == pytest.approx(1.0)


def test_a_surer_part_weighs_more_and_a_factor_takes_that_back() -> None:
    """A part with high logits outvotes another, unless its factor says that it is too sure."""
    loud, calm = _output([9.0, 0.0]), _output([0.0, 2.0])
    calibration = _even(NETWORK, BACKBONE)
    assert blend({NETWORK: loud, BACKBONE: calm}, calibration).logits["artist"].argmax() == 0
    calibration.factors[NETWORK]["artist"] /= 9
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


WANTED = {"tempo_bpm": np.zeros(400, np.float32)}


def test_a_single_part_is_calibrated() -> None:
    """One part's factor is found, and is the inverse of its temperature."""
    calibration = calibrate(*_tracks(parts=(NETWORK,), overconfidence=3.0), WANTED)
    assert calibration.factors[NETWORK]["artist"] == pytest.approx(1 / 3, rel=0.2)
    assert calibration.temperatures[NETWORK]["artist"] == pytest.approx(3, rel=0.2)


def test_two_parts_that_say_the_same_share() -> None:
    """Two parts that say the same come to one part's factor together."""
    calibration = calibrate(*_tracks(parts=(NETWORK, BACKBONE), overconfidence=3.0), WANTED)
    assert calibration.factors[NETWORK]["artist"] + calibration.factors[BACKBONE]["artist"] == pytest.approx(
        1 / 3, rel=0.2
    )


def test_a_part_that_knows_nothing_loses_its_say() -> None:
    """A part that guesses gets next to no weight, and its values none."""
    tracks, truth = _tracks(parts=(NETWORK,), overconfidence=1.0)
    generator = np.random.default_rng(1)
    wanted = generator.normal(0, 1, len(tracks)).astype(np.float32)
    for track, value in zip(tracks, wanted, strict=True):
        track[NETWORK] = _output(track[NETWORK].logits["artist"].tolist(), value=float(value))
        track[BACKBONE] = _output(generator.normal(0, 2, 3).tolist(), value=float(generator.normal()))
    factors = calibrate(tracks, truth, {"tempo_bpm": wanted}).factors
    assert factors[NETWORK]["artist"] > 5 * factors[BACKBONE]["artist"]
    assert factors[NETWORK]["tempo_bpm"] == pytest.approx(1, abs=0.01)
    assert factors[BACKBONE]["tempo_bpm"] == pytest.approx(0, abs=0.01)


def test_without_labels_the_parts_have_equal_shares() -> None:
    """A head or attribute that no validation track has a label of gives every part the same say."""
    tracks, truth = _tracks(parts=(NETWORK, BACKBONE), overconfidence=3.0, count=5)
    truth["artist"] = np.full(5, MISSING)
    wanted = {"tempo_bpm": np.full(5, np.nan, np.float32)}
    assert calibrate(tracks, truth, wanted) == _even(NETWORK, BACKBONE)
