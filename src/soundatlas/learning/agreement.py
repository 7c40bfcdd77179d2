"""Whether two ways of running a network say the same: what is measured must be what is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soundatlas.errors import BundleError
from soundatlas.learning.track import EMBEDDING, softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundatlas.learning.labels import LabelSpace
    from soundatlas.learning.track import Run

PROBABILITY_TOLERANCE = 1e-4  # of a softmaxed head
VALUE_TOLERANCE = 1e-3  # of an attribute, in standard deviations; of the embedding, as a share of its largest value


def check_agreement(trained: Run, served: Run, space: LabelSpace, windows: NDArray[np.float32]) -> None:
    """Compare the outputs of two runs of a network, window by window.

    Args:
        trained: the network as it was trained.
        served: the network as it was exported.
        space: names the outputs.
        windows: float32, shape (windows, window_frames, n_mels), dB.

    Raises:
        BundleError: when an output differs by more than the tolerances, or is no number; with the figure.
    """
    expected, found = trained(windows), served(windows)
    for name, values in found.items():
        if not (np.isfinite(values).all() and np.isfinite(expected[name]).all()):
            raise BundleError(f"the exported network gives NaN or infinity for {name}: it is not used")
    for head in space.classes:
        _refuse(head, np.abs(softmax(found[head]) - softmax(expected[head])).max(), PROBABILITY_TOLERANCE)
    for name in space.attributes:
        _refuse(name, np.abs(found[name] - expected[name]).max(), VALUE_TOLERANCE)
    scale = max(1.0, float(np.abs(expected[EMBEDDING]).max()))
    _refuse(EMBEDDING, np.abs(found[EMBEDDING] - expected[EMBEDDING]).max() / scale, VALUE_TOLERANCE)


def _refuse(name: str, difference: float, tolerance: float) -> None:
    if not difference <= tolerance:
        raise BundleError(
            f"the exported network differs from the trained one by {difference:.3g} in {name} "
            f"(at most {tolerance:g}): it is not used"
        )
