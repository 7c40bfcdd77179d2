"""Comparing two runs of one network: what is close enough, and what is said when it is not."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.errors import BundleError
from soundatlas.learning.agreement import PROBABILITY_TOLERANCE, VALUE_TOLERANCE, check_agreement
from soundatlas.learning.labels import LabelSpace, Scale
from soundatlas.learning.track import EMBEDDING

SPACE = LabelSpace({"genre": ("air", "reel")}, {"tempo_bpm": Scale(100.0, 20.0)})
WINDOWS = np.zeros((4, 3, 2), dtype=np.float32)


def _run(**added: float):
    """Return a run that always says the same, with something added to the last window of some outputs."""

    def run(windows: np.ndarray) -> dict[str, np.ndarray]:
        outputs = {name: np.ones((len(windows), size)) for name, size in (("genre", 2), ("tempo_bpm", 1))}
        outputs[EMBEDDING] = np.full((len(windows), 3), 50.0)
        for name, amount in added.items():
            outputs[name][-1, 0] += amount
        return {name: values.astype(np.float32) for name, values in outputs.items()}

    return run


@pytest.mark.parametrize(("name", "amount"), [("genre", 2e-4), ("tempo_bpm", 5e-4), (EMBEDDING, 0.02)])
def test_rounding_is_allowed(name, amount) -> None:
    """Differences below the tolerances pass; the embedding's is a share of its largest value."""
    check_agreement(_run(), _run(**{name: amount}), SPACE, WINDOWS)


@pytest.mark.parametrize(
    ("name", "amount", "said"),
    [
        ("genre", 1e-3, f"by 0.00025 in genre (at most {PROBABILITY_TOLERANCE:g})"),
        ("tempo_bpm", -0.5, f"by 0.5 in tempo_bpm (at most {VALUE_TOLERANCE:g})"),
        (EMBEDDING, 5.0, f"by 0.1 in embedding (at most {VALUE_TOLERANCE:g})"),
    ],
)
def test_difference_in_one_window_is_refused_with_its_figure(name, amount, said) -> None:
    """One window of one output that is off is enough; the message names output, figure and bound."""
    with pytest.raises(BundleError) as caught:
        check_agreement(_run(), _run(**{name: amount}), SPACE, WINDOWS)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["genre", "tempo_bpm", EMBEDDING])
@pytest.mark.parametrize("junk", [np.nan, np.inf])
def test_junk_on_either_side_is_refused(name, junk) -> None:
    """NaN and infinity never agree with anything, not even with themselves."""
    good, bad = _run(), _run(**{name: junk})
    for trained, served in ((good, bad), (bad, good), (bad, bad)):
        with pytest.raises(BundleError, match=f"NaN or infinity for {name}"):
            check_agreement(trained, served, SPACE, WINDOWS)
