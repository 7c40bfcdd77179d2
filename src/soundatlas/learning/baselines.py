"""What one would use instead of the network: the majority class, and MFCC statistics with logistic regression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from soundatlas.audio.features import mfcc_statistics
from soundatlas.learning.labels import MISSING

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from soundatlas.learning.labels import LabelSpace
    from soundatlas.store.reading import SpectrogramStore

BASELINES = ("majority", "mfcc_logistic_regression")
MAX_ITERATIONS = 2000


def baseline_probabilities(
    store: SpectrogramStore, train: pd.DataFrame, test: pd.DataFrame, space: LabelSpace
) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Fit both baselines on the training tracks and apply them to the test tracks.

    Returns:
        baseline -> head -> probabilities of shape (test tracks, classes).
    """
    features = {sha: mfcc_statistics(store.log_mel(sha)) for sha in {*train["audio_sha256"], *test["audio_sha256"]}}
    train_x = np.stack([features[sha] for sha in train["audio_sha256"]])
    test_x = np.stack([features[sha] for sha in test["audio_sha256"]])
    result: dict[str, dict[str, NDArray[np.float32]]] = {name: {} for name in BASELINES}
    for head, truth in space.class_targets(train).items():
        known = truth != MISSING
        counts = np.bincount(truth[known], minlength=len(space.classes[head]))
        result["majority"][head] = np.tile((counts / counts.sum()).astype(np.float32), (len(test), 1))
        model = make_pipeline(
            StandardScaler(), LogisticRegression(max_iter=MAX_ITERATIONS, class_weight="balanced")
        ).fit(train_x[known], truth[known])
        probabilities = np.zeros((len(test), len(counts)), dtype=np.float32)
        probabilities[:, model.classes_] = model.predict_proba(test_x)
        result["mfcc_logistic_regression"][head] = probabilities
    return result
