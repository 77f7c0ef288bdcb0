"""From logits to probabilities: Platt scaling on the validation slice, then the population's prevalence.

Platt (1999), "Probabilistic outputs for support vector machines": p = sigmoid(slope * logit + intercept). Matching
changes the share of converted sessions but not how they differ from the others, so the population's odds are the
sample's times a constant (prior correction, King and Zeng 2001).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """p = sigmoid(slope * logit + intercept + shift); shift moves the odds to the population's prevalence."""

    slope: float = 1.0
    intercept: float = 0.0
    shift: float = 0.0

    def probability(self, logits: npt.ArrayLike) -> _Floats:
        """Return probabilities in the population, of the shape of `logits`."""
        return np.asarray(expit(self.slope * np.asarray(logits, dtype=np.float64) + self.intercept + self.shift))

    def sample_probability(self, logits: npt.ArrayLike) -> _Floats:
        """Return probabilities in the (matched) sample it was fitted on, of the shape of `logits`."""
        return np.asarray(expit(self.slope * np.asarray(logits, dtype=np.float64) + self.intercept))

    def to_json(self) -> dict[str, Any]:
        """Return a value that json can write."""
        return asdict(self)


def fit_platt(logits: npt.ArrayLike, labels: npt.ArrayLike) -> Calibration:
    """Return the slope and intercept that minimise the log-loss, with Platt's smoothed targets.

    The slope is kept between 0.1 and 10: a small slice can't turn the ranking round. Raises ValueError for one class.
    """
    scores, truth = np.asarray(logits, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if positives == 0 or negatives == 0:
        raise ValueError(f"calibration needs both classes; got {positives} converted and {negatives} other sessions")
    targets = np.where(truth > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(parameters: _Floats) -> tuple[float, _Floats]:
        logit = parameters[0] * scores + parameters[1]
        residual = expit(logit) - targets
        value = float(np.mean(np.logaddexp(0.0, logit) - targets * logit))
        return value, np.array([np.mean(residual * scores), np.mean(residual)])

    bounds = [(0.1, 10.0), (None, None)]
    slope, intercept = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds).x
    return Calibration(slope=float(slope), intercept=float(intercept))


def correct_prevalence(calibration: Calibration, sample: float, population: float) -> Calibration:
    """Return the calibration with odds moved from the sample's share of converted sessions to the population's.

    Raises ValueError when a share does not lie strictly between 0 and 1.
    """
    for name, share in (("sample", sample), ("population", population)):
        if not 0.0 < share < 1.0:
            raise ValueError(f"{name} prevalence {share} must lie strictly between 0 and 1")
    shift = float(np.log(population / (1 - population)) - np.log(sample / (1 - sample)))
    return Calibration(slope=calibration.slope, intercept=calibration.intercept, shift=shift)
