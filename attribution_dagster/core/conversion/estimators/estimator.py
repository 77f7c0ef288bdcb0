"""The contract of an estimator: numbers in, log-odds out, and files without pickle."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Estimator(ABC):
    """P(y = 1 | x) from a matrix of numbers, in which NaN means missing.

    A subclass stores its parameters in `__init__` under their names, learns in `fit`, and gives log-odds and their
    parts. All of them are deterministic given `seed`, and leave what they are given alone.
    """

    @abstractmethod
    def __init__(self, *, seed: int = 0) -> None:
        """Store the parameters, which have names; a subclass adds its own."""

    file_name: ClassVar[str]
    """Of the file that holds a fitted model in its folder."""
    candidates: ClassVar[Sequence[Mapping[str, Any]]]
    """Parameters that tuning tries, the defaults first: a small, fixed budget."""

    def fit(self, features: npt.ArrayLike, labels: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Self:
        """Return the estimator, fitted. features: (N, K), NaN is missing; labels: (N,) of 0 and 1; weights: (N,).

        Raises ValueError for shapes that don't agree, a label other than 0 and 1, a single class, and an infinite feature.
        """
        x, y = matrix(features), np.asarray(labels, dtype=np.float64)
        if x.shape[0] != y.shape[0] or y.ndim != 1:
            raise ValueError(f"features are {x.shape}, labels {y.shape}: give one label per row of features")
        if not np.isin(y, (0.0, 1.0)).all():
            raise ValueError(f"labels must be 0 or 1; got {sorted(set(y.tolist()) - {0.0, 1.0})[:3]}")
        if y.min(initial=1.0) == y.max(initial=0.0) or not len(y):
            raise ValueError(f"an estimator needs both classes; got {int(y.sum())} positive of {len(y)} rows")
        w = None if weights is None else np.asarray(weights, dtype=np.float64)
        self._fit(x, y, w)
        return self

    def predict_proba(self, features: npt.ArrayLike) -> Floats:
        """Return P(y = 1), (N,), of features (N, K)."""
        from scipy.special import expit  # the definitions load this file, to know the names of estimators

        return np.asarray(expit(self.log_odds(features)), dtype=np.float64)

    @abstractmethod
    def log_odds(self, features: npt.ArrayLike) -> Floats:
        """Return log(p / (1 - p)), (N,), of features (N, K)."""

    @abstractmethod
    def contributions(self, features: npt.ArrayLike) -> Floats:
        """Return what each feature adds to the log-odds, (N, K + 1); the last column is the same for all rows.

        Rows sum to `log_odds`. SHAP values: Lundberg and Lee (2017), for trees Lundberg et al. (2020), for the linear
        model exact under independent features.
        """

    @property
    @abstractmethod
    def native(self) -> Any:
        """Return the library's own fitted object, of raw scores, for whoever serves it."""

    @abstractmethod
    def save(self, folder: Path) -> Path:
        """Write the fitted model to a file in the folder, and return its path; no pickle."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Return the fitted model saved in the folder. Raises FileNotFoundError where there is none."""

    @abstractmethod
    def _fit(self, features: Floats, labels: Floats, weights: Floats | None) -> None:
        """Learn from what `fit` has checked."""


def matrix(features: npt.ArrayLike) -> Floats:
    """Return the features as a matrix of doubles. Raises ValueError for another shape and for infinite values."""
    x = np.asarray(features, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"features must be a matrix (rows, columns); got shape {x.shape}")
    if np.isinf(x).any():
        raise ValueError(f"column {int(np.isinf(x).any(axis=0).argmax())} is infinite: give NaN for what is missing")
    return x
