"""Hand-made features with what scikit-learn offers: logistic regression, and gradient boosting."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import ThreadpoolController

from benchmarks.quality import hand_features
from benchmarks.quality.peer import highest_probabilities
from soundatlas.learning.evaluation import Predictions
from soundatlas.learning.labels import MISSING
from soundatlas.learning.score import macro_f1

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.quality.data import Dataset
    from benchmarks.quality.peer import Task
    from soundatlas.learning.labels import LabelSpace
    from soundatlas.params import Params

STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # C of the logistic regression; the validation tracks choose
ALPHAS = tuple(10.0**power for power in range(5))  # of the ridge regression; leave-one-out chooses
MAX_ITERATIONS = 2000
MANY_TRACKS = 2000  # from here on several threads help the boosting


@dataclass(frozen=True)
class FittedHand:
    """A model per head and attribute over the features."""

    space: LabelSpace
    classifiers: dict[str, Any]
    regressors: dict[str, Any]
    features: dict[str, NDArray[np.float32]]
    max_seconds: float
    scaler: StandardScaler
    notes: tuple[str, ...] = ()

    def predict(self, tracks: pd.DataFrame) -> Predictions:
        """Apply the models to features that are there already."""
        return self._apply(np.stack([self.features[sha] for sha in tracks["audio_sha256"]]))

    def knownness(self, tracks: pd.DataFrame, predictions: Predictions) -> dict[str, NDArray[np.float64]]:  # noqa: ARG002 - the shape of a peer
        """Have no measure but the probabilities."""
        return highest_probabilities(predictions)

    def embed(self, tracks: pd.DataFrame) -> NDArray[np.float32]:
        """Have the features, each on the scale of the training tracks."""
        x = np.stack([self.features[sha] for sha in tracks["audio_sha256"]])
        return np.asarray(self.scaler.transform(x), np.float32)

    def predict_file(self, path: Path) -> None:
        """Decode, compute the features, apply the models."""
        self._apply(hand_features.hand_features(path, self.max_seconds)[None])

    def _apply(self, x: NDArray[np.float32]) -> Predictions:
        probabilities = {}
        with _threads(x):
            for head, model in self.classifiers.items():
                probabilities[head] = np.zeros((len(x), len(self.space.classes[head])), np.float32)
                probabilities[head][:, model.classes_] = model.predict_proba(x)
            return Predictions(probabilities, {name: model.predict(x) for name, model in self.regressors.items()})


@dataclass(frozen=True)
class HandPeer:
    """One learner over the hand-made features.

    Attributes:
        learn_classes: (x, y, validation x, validation y, seed) -> a fitted classifier.
        learn_values: (x, y, seed) -> a fitted regressor.
    """

    name: str
    title: str
    seeded: bool
    learn_classes: Callable[..., Any]
    learn_values: Callable[..., Any]
    code: tuple[Path, ...] = (Path(__file__), Path(hand_features.__file__))
    _features: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def missing(self) -> None:
        """Run anywhere."""

    def settings(self, params: Params) -> dict[str, Any]:
        """Have the length of audio; the rest is code."""
        return {"max_seconds": params.spectrograms.max_seconds}

    def prepare(self, dataset: Dataset, params: Params) -> None:
        """Compute the features."""
        self._features.update(hand_features.load_features(dataset, params.spectrograms))

    def fit(self, task: Task) -> FittedHand:
        """Fit one model per head and attribute, on the tracks that have the label."""
        fold = task.fold
        x, x_validation = (
            np.stack([self._features[sha] for sha in tracks["audio_sha256"]])
            for tracks in (fold.train, fold.validation)
        )
        classifiers, regressors = {}, {}
        validation = fold.space.class_targets(fold.validation)
        for head, y in fold.space.class_targets(fold.train).items():
            known, judged = y != MISSING, validation[head] != MISSING
            classifiers[head] = self.learn_classes(
                x[known], y[known], x_validation[judged], validation[head][judged], task.seed
            )
        for name in fold.space.attributes:
            y = fold.train[name].to_numpy(np.float64)
            regressors[name] = self.learn_values(x[np.isfinite(y)], y[np.isfinite(y)], task.seed)
        max_seconds = task.params.spectrograms.max_seconds
        return FittedHand(fold.space, classifiers, regressors, self._features, max_seconds, StandardScaler().fit(x))


def _logistic(x: Any, y: Any, x_validation: Any, y_validation: Any, _seed: int) -> Any:
    """Fit balanced logistic regressions, and keep the one with the best macro F1 on the validation tracks."""
    fitted = [
        make_pipeline(
            StandardScaler(), LogisticRegression(C=strength, max_iter=MAX_ITERATIONS, class_weight="balanced")
        ).fit(x, y)
        for strength in STRENGTHS
    ]
    if len(y_validation) == 0:
        return fitted[-1]
    return max(fitted, key=lambda model: macro_f1(y_validation, model.predict(x_validation)))


def _ridge(x: Any, y: Any, _seed: int) -> Any:
    return make_pipeline(StandardScaler(), RidgeCV(alphas=ALPHAS)).fit(x, y)


def _boosting(x: Any, y: Any, _x_validation: Any, _y_validation: Any, seed: int) -> Any:
    """Fit scikit-learn's gradient boosting as it comes, with balanced classes."""
    model = HistGradientBoostingClassifier(class_weight="balanced", early_stopping=False, random_state=seed)
    with _threads(x):
        return model.fit(x, y)


def _boosted_values(x: Any, y: Any, seed: int) -> Any:
    with _threads(x):
        return HistGradientBoostingRegressor(early_stopping=False, random_state=seed).fit(x, y)


def _threads(x: Any) -> Any:
    """Keep small fits on one thread: more would spend their time waiting for each other, minutes on a busy machine."""
    return _controller().limit(limits=1 if len(x) < MANY_TRACKS else None, user_api="openmp")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks at every loaded library: once is enough


def logistic_regression() -> HandPeer:
    """Return the linear peer."""
    return HandPeer("mfcc_lr", "MFCC, chroma + linear", False, _logistic, _ridge)


def gradient_boosting() -> HandPeer:
    """Return the boosted peer. Without early stopping and with fewer than 200,000 tracks no seed changes it."""
    return HandPeer("mfcc_gb", "MFCC, chroma + boosting", False, _boosting, _boosted_values)
