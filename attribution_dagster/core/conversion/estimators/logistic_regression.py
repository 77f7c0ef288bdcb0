"""Logistic regression on standardised features: the model that boosted trees have to beat."""

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.conversion.estimators.estimator import Estimator, Floats, matrix


class LogisticRegression(Estimator):
    """Scikit-learn's, with an L2 penalty of strength 1 / C.

    Counts and durations have long tails, so features go through arcsinh (near 0 the identity, beyond it a logarithm);
    what is missing gets the median and an indicator of its own.
    """

    file_name: ClassVar[str] = "logistic_regression.skops"
    candidates: ClassVar[tuple[dict[str, Any], ...]] = ({"C": 1.0}, {"C": 0.1}, {"C": 0.01})

    def __init__(self, *, C: float = 1.0, seed: int = 0) -> None:  # noqa: N803 - scikit-learn's name
        """Store the parameters. The seed is the contract's; the solver uses none."""
        self.C, self.seed = C, seed
        self._pipeline: Any = None

    def log_odds(self, features: npt.ArrayLike) -> Floats:
        """Return log-odds, (N,)."""
        return np.asarray(self._pipeline.decision_function(matrix(features)), dtype=np.float64)

    def contributions(self, features: npt.ArrayLike) -> Floats:
        """Return coefficient times standardised value, an indicator's added to its feature's, (N, K + 1)."""
        x = matrix(features)
        *before, model = (step for _, step in self._pipeline.steps)
        z = x
        for step in before:
            z = step.transform(z)
        parts = z * model.coef_[0]
        result = np.zeros((x.shape[0], x.shape[1] + 1))
        result[:, :-1] = parts[:, : x.shape[1]]
        for column, missing in enumerate(before[0].indicator_.features_):
            result[:, missing] += parts[:, x.shape[1] + column]
        result[:, -1] = model.intercept_[0]
        return result

    @property
    def native(self) -> Any:
        """Return scikit-learn's pipeline."""
        return self._pipeline

    def save(self, folder: Path) -> Path:
        """Write `logistic_regression.skops`."""
        import skops.io

        path = Path(folder) / self.file_name
        skops.io.dump(self._pipeline, path)
        return path

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model in the folder; skops refuses a file that holds anything but the known kinds of objects."""
        import skops.io

        # Beyond its own list of harmless kinds: the imputer keeps the kind of number that it was fitted on.
        fitted = skops.io.load(Path(folder) / cls.file_name, trusted=["numpy.dtype"])
        model = cls(C=float(fitted.steps[-1][1].C))
        model._pipeline = fitted
        return model

    def _fit(self, features: Floats, labels: Floats, weights: Floats | None) -> None:
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression as Linear
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer, StandardScaler

        self._pipeline = make_pipeline(
            # A feature that is missing throughout stays as zeros, so that columns keep their places.
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            FunctionTransformer(np.arcsinh),
            StandardScaler(),
            Linear(C=self.C, max_iter=2000),
        )
        self._pipeline.fit(features, labels.astype(np.int64), logisticregression__sample_weight=weights)
