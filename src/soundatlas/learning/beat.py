"""Which tempo is the beat: of those that the onsets speak for, one that stands out and lies near the model's estimate.

Onsets repeat after a beat, but also after half a beat, or a bar; how fast a piece is felt depends on its kind. So the
attribute `tempo_bpm`, which averages over doubts, and the onsets' autocorrelation, which is precise but does not know
which of its peaks is the beat, decide together.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize

from soundatlas.learning.pulse import (
    FASTEST_BPM,
    SLOWEST_BPM,
    TOLERANCE,
    onset_autocorrelation,
    salience,
    tempo_candidates,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TEMPO = "tempo_bpm"  # the attribute
RATIOS = (1.0, 2.0, 1 / 2, 3.0, 1 / 3, 3 / 2, 2 / 3)  # of a tempo at which the onsets are looked at, too
FEWEST_TRACKS = 10  # that can teach: with fewer, there are more weights than facts
PENALTY = 0.5  # of the squared weights, for standardised evidence


@dataclass(frozen=True)
class BeatPicker:
    """Picks the beat.

    Attributes:
        weights: of a candidate's evidence: the salience at each of `RATIOS`, and how far it lies from the estimate,
            as the logarithm's square and its absolute value.
    """

    weights: tuple[float, ...]

    def pick(self, log_mel: NDArray[np.float32], estimate_bpm: float, frames_per_second: float) -> float:
        """Return the beat of a track, in beats per minute; the estimate itself where no onset speaks for any.

        Args:
            log_mel: dB, shape (frames, n_mels).
            estimate_bpm: the attribute `tempo_bpm` as the model says it.
            frames_per_second: of the spectrogram.
        """
        tempi, evidence = _weigh(log_mel, estimate_bpm, frames_per_second)
        return float(tempi[np.argmax(evidence @ np.asarray(self.weights))]) if len(tempi) else float(estimate_bpm)

    def contract(self) -> dict[str, Any]:
        """Return JSON-like values; `BeatPicker.from_contract` reads them."""
        return asdict(self)

    @classmethod
    def from_contract(cls, values: dict[str, Any]) -> BeatPicker:
        """Read what `contract` returned."""
        return cls(tuple(float(weight) for weight in values["weights"]))


def fit_beat(
    log_mels: Sequence[NDArray[np.float32]],
    estimates_bpm: Sequence[float],
    truth_bpm: Sequence[float],
    frames_per_second: float,
) -> BeatPicker | None:
    """Learn how to pick, on tracks whose estimates are honest: those of the validation side.

    A conditional logit (McFadden 1974): the candidates within 4 % of the truth share the probability to be raised.

    Args:
        log_mels: of the tracks.
        estimates_bpm: what the model says of each.
        truth_bpm: of each; NaN where it is not known.
        frames_per_second: of the spectrograms.

    Returns:
        None when too few tracks have a known tempo among their candidates.
    """
    choices = []
    for log_mel, estimate, truth in zip(log_mels, estimates_bpm, truth_bpm, strict=True):
        if np.isfinite(truth):
            tempi, evidence = _weigh(log_mel, estimate, frames_per_second)
            right = np.abs(tempi / truth - 1) <= TOLERANCE
            if right.any() and not right.all():
                choices.append((evidence, right))
    if len(choices) < FEWEST_TRACKS:
        return None
    scale = np.concatenate([evidence for evidence, _ in choices]).std(axis=0)
    scale[scale == 0] = 1.0
    standardised = [(evidence / scale, right) for evidence, right in choices]
    found = minimize(_loss, np.zeros(len(scale)), args=(standardised,), jac=True)
    return BeatPicker(tuple((found.x / scale).tolist()))


def _weigh(
    log_mel: NDArray[np.float32], estimate_bpm: float, frames_per_second: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a track's candidates, shape (candidates,), and their evidence, shape (candidates, weights)."""
    autocorrelation = onset_autocorrelation(log_mel, frames_per_second)
    tempi = tempo_candidates(autocorrelation, frames_per_second)
    distance = np.log(tempi / np.clip(estimate_bpm, SLOWEST_BPM, FASTEST_BPM))
    saliences = [salience(autocorrelation, tempi * ratio, frames_per_second) for ratio in RATIOS]
    return tempi, np.stack([*saliences, np.square(distance), np.abs(distance)], axis=1)


def _loss(
    weights: NDArray[np.float64], choices: Sequence[tuple[NDArray[np.float64], NDArray[np.bool_]]]
) -> tuple[float, NDArray[np.float64]]:
    """Return the penalised negative log-likelihood of the choices, and its gradient."""
    loss, gradient = PENALTY * float(weights @ weights), 2 * PENALTY * weights
    for evidence, right in choices:
        scores = evidence @ weights
        odds = np.exp(scores - scores.max())
        chance = odds / odds.sum()
        hit = float(chance[right].sum())
        loss -= np.log(max(hit, np.finfo(np.float64).tiny))
        gradient = gradient - (chance * right / hit - chance) @ evidence
    return loss, gradient
