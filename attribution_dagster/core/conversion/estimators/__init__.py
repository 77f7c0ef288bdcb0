"""The estimators by name. To add one: a file here and a line in the registry; the contract tests run on it."""

from attribution_dagster.core.conversion.estimators.catboost import CatBoost
from attribution_dagster.core.conversion.estimators.estimator import Estimator
from attribution_dagster.core.conversion.estimators.logistic_regression import LogisticRegression
from attribution_dagster.core.conversion.estimators.xgboost import XGBoost

__all__ = ["ESTIMATORS", "CatBoost", "Estimator", "LogisticRegression", "XGBoost"]

ESTIMATORS: dict[str, type[Estimator]] = {
    "logistic_regression": LogisticRegression,
    "catboost": CatBoost,
    "xgboost": XGBoost,
}
"""Name, as tables and settings have it, -> class."""
