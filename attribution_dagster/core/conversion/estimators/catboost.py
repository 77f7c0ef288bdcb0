"""CatBoost: gradient boosting on symmetric trees."""

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.conversion.estimators.estimator import Estimator, Floats, matrix


class CatBoost(Estimator):
    """CatBoost's classifier with log-loss (Prokhorenkova et al. 2018)."""

    file_name: ClassVar[str] = "catboost_model.cbm"
    candidates: ClassVar[tuple[dict[str, Any], ...]] = (
        {"trees": 200, "depth": 5, "learning_rate": 0.06},
        {"trees": 200, "depth": 3, "learning_rate": 0.06},
        {"trees": 100, "depth": 4, "learning_rate": 0.03},
    )

    def __init__(
        self, *, trees: int = 200, depth: int = 5, learning_rate: float = 0.06, threads: int = 1, seed: int = 0
    ) -> None:
        """Store the parameters; more threads make it faster, and change no digit that matters."""
        self.trees, self.depth, self.learning_rate = trees, depth, learning_rate
        self.threads, self.seed = threads, seed
        self._model: Any = None

    def log_odds(self, features: npt.ArrayLike) -> Floats:
        """Return log-odds, (N,)."""
        raw = self._model.predict(matrix(features), prediction_type="RawFormulaVal", thread_count=self.threads)
        return np.asarray(raw, dtype=np.float64)

    def contributions(self, features: npt.ArrayLike) -> Floats:
        """Return TreeSHAP values, (N, K + 1)."""
        from catboost import Pool

        values = self._model.get_feature_importance(
            Pool(matrix(features)), type="ShapValues", thread_count=self.threads
        )
        return np.asarray(values, dtype=np.float64)

    @property
    def native(self) -> Any:
        """Return CatBoost's classifier."""
        return self._model

    def save(self, folder: Path) -> Path:
        """Write `catboost_model.cbm`."""
        path = Path(folder) / self.file_name
        self._model.save_model(str(path))
        return path

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the model in the folder."""
        from catboost import CatBoostClassifier

        path = Path(folder) / cls.file_name
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: save a fitted model there first")
        model = cls()
        model._model = CatBoostClassifier().load_model(str(path))
        return model

    def _fit(self, features: Floats, labels: Floats, weights: Floats | None) -> None:
        from catboost import CatBoostClassifier

        self._model = CatBoostClassifier(
            iterations=self.trees,
            depth=self.depth,
            learning_rate=self.learning_rate,
            random_seed=self.seed,
            thread_count=self.threads,
            loss_function="Logloss",
            allow_writing_files=False,
            verbose=False,
        )
        self._model.fit(features, labels.astype(np.int64), sample_weight=weights)
