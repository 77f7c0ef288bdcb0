"""Models that the uplift learners are built of: a classifier for outcomes and a regressor for effects, made anew for each fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.conversion.estimators import CatBoost, LogisticRegression, XGBoost

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_BOOSTED = {"max_iter": 60, "learning_rate": 0.08, "max_depth": 3, "min_samples_leaf": 100}


class Classifier(Protocol):
    """What scikit-learn's classifiers do; probabilities of both outcomes (N, 2), or of the positive one (N,)."""

    def fit(self, x: Floats, y: Ints) -> Any:
        """Learn from features (N, K) and outcomes (N,) of 0 and 1, both present."""

    def predict_proba(self, x: Floats) -> Floats:
        """Probabilities (N, 2) or (N,)."""


class Regressor(Protocol):
    """What scikit-learn's regressors do."""

    def fit(self, x: Floats, y: Floats) -> Any:
        """Learn from features (N, K) and values (N,)."""

    def predict(self, x: Floats) -> Floats:
        """Values (N,)."""


@dataclass(frozen=True, kw_only=True)
class BaseModels:
    """What makes a fresh, unfitted model: `outcome` a classifier, `effect` a regressor for the second stage of X and DR."""

    outcome: Callable[[], Classifier]
    effect: Callable[[], Regressor]


def probability(model: Classifier, x: Floats) -> Floats:
    """Return the probability (N,) of the positive outcome."""
    found = np.asarray(model.predict_proba(x), dtype=np.float64)
    return found if found.ndim == 1 else found[:, -1]


def linear(seed: int) -> BaseModels:
    """Logistic and ridge regression on standardised features."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return BaseModels(
        outcome=lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, random_state=seed)),
        effect=lambda: make_pipeline(StandardScaler(), Ridge(alpha=1.0)),
    )


def hist_gradient_boosting(seed: int) -> BaseModels:
    """scikit-learn's boosted trees, few and shallow: effects are small beside the noise."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    return BaseModels(
        outcome=lambda: HistGradientBoostingClassifier(**_BOOSTED, random_state=seed),
        effect=lambda: HistGradientBoostingRegressor(**_BOOSTED, random_state=seed),
    )


def logistic_regression(seed: int) -> BaseModels:
    """The conversion models' logistic regression, which tames long tails and takes what is missing; ridge regression beside it."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return BaseModels(
        outcome=lambda: LogisticRegression(seed=seed),
        effect=lambda: make_pipeline(StandardScaler(), Ridge(alpha=1.0)),
    )


def catboost(seed: int) -> BaseModels:
    """The conversion models' CatBoost, fewer and shallower trees, and its regressor; one thread."""
    from catboost import CatBoostRegressor

    settings = {"iterations": 100, "depth": 4, "learning_rate": 0.08, "thread_count": 1, "random_seed": seed}
    quiet = {"verbose": False, "allow_writing_files": False}
    return BaseModels(
        outcome=lambda: CatBoost(trees=100, depth=4, learning_rate=0.08, seed=seed),
        effect=lambda: CatBoostRegressor(**settings, **quiet),
    )


def xgboost(seed: int) -> BaseModels:
    """The conversion models' XGBoost, fewer and shallower trees of large leaves, and its regressor; one thread."""
    from xgboost import XGBRegressor

    settings = {"n_estimators": 60, "max_depth": 3, "learning_rate": 0.08, "min_child_weight": 20, "n_jobs": 1}
    return BaseModels(
        outcome=lambda: XGBoost(
            trees=60, depth=3, learning_rate=0.08, min_child_weight=20, sampled_share=1.0, seed=seed
        ),
        effect=lambda: XGBRegressor(**settings, random_state=seed),
    )


BASE_MODELS: Mapping[str, Callable[[int], BaseModels]] = {
    "linear": linear,
    "logistic_regression": logistic_regression,
    "hist_gradient_boosting": hist_gradient_boosting,
    "catboost": catboost,
    "xgboost": xgboost,
}
"""Name -> seed -> base models. Among them is every estimator of `core/conversion/estimators`."""
