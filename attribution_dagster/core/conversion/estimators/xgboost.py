"""XGBoost: gradient boosting on histograms."""

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.conversion.estimators.estimator import Estimator, Floats, matrix


class XGBoost(Estimator):
    """XGBoost's booster with log-loss (Chen and Guestrin 2016)."""

    file_name: ClassVar[str] = "xgboost_model.json"
    candidates: ClassVar[tuple[dict[str, Any], ...]] = (
        {"trees": 200, "depth": 4, "learning_rate": 0.06},
        {"trees": 200, "depth": 2, "learning_rate": 0.06},
        {"trees": 100, "depth": 3, "learning_rate": 0.03},
    )

    def __init__(
        self,
        *,
        trees: int = 200,
        depth: int = 4,
        learning_rate: float = 0.06,
        min_child_weight: float = 5,
        sampled_share: float = 0.8,
        threads: int = 1,
        seed: int = 0,
    ) -> None:
        """Store the parameters; `sampled_share` of rows and of features is drawn for each tree. More threads change no digit that matters."""
        self.trees, self.depth, self.learning_rate = trees, depth, learning_rate
        self.min_child_weight, self.sampled_share = min_child_weight, sampled_share
        self.threads, self.seed = threads, seed
        self._booster: Any = None

    def log_odds(self, features: npt.ArrayLike) -> Floats:
        """Return log-odds, (N,)."""
        return self._predict(features, output_margin=True)

    def contributions(self, features: npt.ArrayLike) -> Floats:
        """Return TreeSHAP values, (N, K + 1)."""
        return self._predict(features, pred_contribs=True)

    @property
    def native(self) -> Any:
        """Return XGBoost's booster."""
        return self._booster

    def save(self, folder: Path) -> Path:
        """Write `xgboost_model.json`."""
        path = Path(folder) / self.file_name
        self._booster.save_model(path)
        return path

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model in the folder."""
        import xgboost

        path = Path(folder) / cls.file_name
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: save a fitted model there first")
        model = cls()
        model._booster = xgboost.Booster(model_file=path)
        return model

    def _predict(self, features: npt.ArrayLike, **what: bool) -> Floats:
        import xgboost

        data = xgboost.DMatrix(matrix(features), nthread=self.threads)
        self._booster.set_param({"nthread": self.threads})
        return np.asarray(self._booster.predict(data, **what), dtype=np.float64)

    def _fit(self, features: Floats, labels: Floats, weights: Floats | None) -> None:
        import xgboost

        parameters = {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "max_depth": self.depth,
            "eta": self.learning_rate,
            "min_child_weight": self.min_child_weight,
            "subsample": self.sampled_share,
            "colsample_bytree": self.sampled_share,
            "nthread": self.threads,
            "seed": self.seed,
        }
        data = xgboost.DMatrix(features, labels, weight=weights, nthread=self.threads)
        self._booster = xgboost.train(parameters, data, num_boost_round=self.trees)
