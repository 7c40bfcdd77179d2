"""Making confidences mean what they say: a factor per part of a model and head, fitted on validation.

One factor is temperature scaling (Guo et al., ICML 2017, arXiv 1706.04599, section 4.2). Several are a logarithmic
opinion pool with fitted weights (Heskes, NIPS 1997): parts that say more about a head get more weight, and all of them
together the right confidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from soundatlas.learning.labels import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

COLDEST, HOTTEST = 0.05, 20.0  # a perfect or a hopeless head would drive the temperature to 0 or to infinity


def fit_factors(parts: Sequence[NDArray[Any]], truth: NDArray[np.int64]) -> list[float]:
    """Return the factors by which the parts' logits are multiplied before they are added up.

    They give the lowest negative log-likelihood of the labels, each class counting alike: macro F1 asks that of a
    model, and the parts learn from balanced classes, too.

    Args:
        parts: logits of each part, shape (tracks, classes).
        truth: class index per track, `MISSING` where there is none; such tracks count for nothing.

    Returns:
        numbers from 0.05 to 20, so that no part is silenced; shares of 1 when no track has a label.
    """
    known = truth != MISSING
    if not known.any():
        return [1 / len(parts)] * len(parts)
    return _fit(np.stack([logits[known] for logits in parts]), truth[known])[0]


def fit_temperature(logits: NDArray[Any], truth: NDArray[np.int64]) -> float:
    """Return the temperature of one part by itself, from 0.05 to 20; arguments as for `fit_factors`.

    The order of the classes, and so every label, stays as it is.
    """
    return 1 / fit_factors([logits], truth)[0]


def calibrated_loss(logits: NDArray[Any], truth: NDArray[np.int64]) -> float:
    """Return the negative log-likelihood, in nats, at the temperature that makes it lowest; each class counts alike.

    Args:
        logits: per track, shape (tracks, classes); at least one track.
        truth: class index per track, none `MISSING`.
    """
    return _fit(logits[None], truth)[1]


def _fit(parts: NDArray[Any], truth: NDArray[np.int64]) -> tuple[list[float], float]:
    """Return the best factors and their loss; `parts` has the shape (parts, tracks, classes)."""
    scores, rows = parts.astype(np.float64), np.arange(len(truth))
    weights = 1.0 / np.bincount(truth)[truth]
    weights /= weights.sum()

    def loss(factors: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs = log_softmax(np.tensordot(factors, scores, axes=1), axis=1)
        wanted = np.einsum("ptc,tc->pt", scores, np.exp(logs))
        return float(-weights @ logs[rows, truth]), (wanted - scores[:, rows, truth]) @ weights

    start = np.full(len(scores), 1 / len(scores))
    bounds = [(1 / HOTTEST, 1 / COLDEST)] * len(scores)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-10})
    return [float(factor) for factor in found.x], float(found.fun)
