"""Temperature scaling: one number per head, fitted on validation, that makes confidences mean what they say.

Guo et al., On Calibration of Modern Neural Networks, ICML 2017 (arXiv 1706.04599), section 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from soundatlas.learning.labels import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLDEST, HOTTEST = 0.05, 20.0  # a perfect or a hopeless head would drive the temperature to 0 or to infinity


def fit_temperature(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """Return the temperature at which `softmax(logits / temperature)` has the lowest negative log-likelihood.

    The order of the classes, and so every label, stays as it is.

    Args:
        logits: per validation track, shape (tracks, classes).
        truth: class index per track, `MISSING` where there is none; such tracks count for nothing.

    Returns:
        a number from 0.05 to 20; 1 when no track has a label.
    """
    known = truth != MISSING
    if not known.any():
        return 1.0
    scores, actual = logits[known].astype(np.float64), truth[known]
    rows = np.arange(len(actual))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(scores / np.exp(log_temperature), axis=1)[rows, actual].mean())

    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))
